"""Limits: concurrency by client and in all, and the threads that drawings are read in."""

import asyncio
import threading

import pytest

from serving import limits
from serving.errors import Refusal
from serving.limits import ConcurrencyLimit, RateLimit, Workers
from tests.conftest import run_async


def test_concurrency_is_limited_by_client_and_in_all():
    limit = ConcurrencyLimit(total=3, per_client=2)
    with limit.acquire("a"), limit.acquire("a"):
        with pytest.raises(Refusal, match="too many requests"), limit.acquire("a"):
            pass
        with limit.acquire("b"), pytest.raises(Refusal), limit.acquire("c"):
            pass
    assert not limit.held  # nobody is remembered
    with limit.acquire("c"):
        pass


def test_a_rate_is_limited_by_client_until_time_has_passed(monkeypatch):
    now = 59
    monkeypatch.setattr("time.monotonic", lambda: now)
    limit = RateLimit(most=2, seconds=60)
    assert [limit.acquire("a") for _ in range(3)] == [True, True, False]
    assert limit.acquire("b")
    now = 60
    assert limit.acquire("a")


def test_small_drawings_overtake_large_ones_of_which_few_may_wait():
    workers, hold = Workers(), threading.Event()
    large, small = [[[0, 0]] * 2_000], [[[0, 0]]]

    async def crowd() -> tuple:
        slow = workers.for_strokes(large)
        waiting = [asyncio.create_task(slow.run(hold.wait, 30)) for _ in range(limits.MAX_SLOW)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="too many requests"):
            await slow.run(hold.wait)
        quick = await workers.for_strokes(small).run(lambda: "read")
        under_way = sum(not task.done() for task in waiting)
        hold.set()
        return quick, under_way, await asyncio.gather(*waiting), await slow.run(lambda: "later")

    assert run_async(crowd()) == ("read", limits.MAX_SLOW, [True] * limits.MAX_SLOW, "later")
