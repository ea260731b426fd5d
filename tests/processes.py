"""Processes that may be killed or set limits. They are forked, so they import nothing again."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FORK = multiprocessing.get_context("fork")


def in_a_process(work: Callable[..., None], *values: object) -> None:
    """Call `work` in a process of its own, which has to succeed."""
    with started(work, *values) as process:
        process.join(60)
    assert process.exitcode == 0  # its traceback, if any, is on stderr


@contextmanager
def started(work: Callable[..., None], *values: object) -> Iterator[multiprocessing.Process]:
    """A process that calls `work`; killed at the end, if it still runs."""
    process = FORK.Process(target=work, args=values)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(60)
