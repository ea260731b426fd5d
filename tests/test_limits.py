"""Counting by client, at once and in a minute, and the threads that drawings are read in."""

import asyncio
import threading

import pytest

from serving import limits
from serving.errors import Refusal
from serving.limits import ConcurrencyLimit, Lanes, MinuteLimit, client_name
from tests.conftest import run_async


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "20010db800000000/64"),
        ("2001:db8::ffff:2%eth0", "20010db800000000/64"),
        ("unknown", "unknown"),
        ("x" * 5000, "x" * 64),
    ],
)
def test_clients_are_told_apart_by_what_they_cannot_choose(host, name):
    assert client_name((host, 1)) == name


def test_requests_under_way_are_counted_by_client_and_in_all():
    limit = ConcurrencyLimit(in_all=3, per_client=2)
    with limit.acquire("a"), limit.acquire("a"):
        with pytest.raises(Refusal, match="too many people"), limit.acquire("a"):
            pass
        with limit.acquire("b"), pytest.raises(Refusal), limit.acquire("c"):
            pass
    assert not limit.held  # nobody is remembered
    with limit.acquire("c"):
        pass


def test_a_minute_s_limit_counts_by_name_and_in_all(monkeypatch):
    monkeypatch.setattr(limits.time, "monotonic", lambda: 0.0)
    limit = MinuteLimit(2, 3, "drawings")
    for name in ("a", "a", "b"):
        limit.count(name)
    for name in ("a", "c"):
        with pytest.raises(Refusal, match="too many drawings"):
            limit.count(name)


def test_a_minute_later_there_is_room_again(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    limit = MinuteLimit(1, 9, "drawings")
    limit.count("a"), limit.count("b")
    with pytest.raises(Refusal, match="wait a minute"):
        limit.count("a")
    now[0] = 60.0
    limit.count("a")
    assert set(limit.counts) == {"a"}  # other minutes' addresses are forgotten


def test_small_drawings_pass_large_ones_of_which_few_may_wait():
    lanes, hold = Lanes(), threading.Event()
    large, small = [[[0, 0]] * 2_000], [[[0, 0]]]

    async def crowd() -> tuple:
        slow = lanes.for_strokes(large)
        waiting = [asyncio.create_task(slow.run(hold.wait, 30)) for _ in range(limits.MAX_SLOW)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="too many people"):
            await slow.run(hold.wait)
        quick = await lanes.for_strokes(small).run(lambda: "read")
        under_way = sum(not task.done() for task in waiting)
        hold.set()
        return quick, under_way, await asyncio.gather(*waiting), await slow.run(lambda: "later")

    assert run_async(crowd()) == ("read", limits.MAX_SLOW, [True] * limits.MAX_SLOW, "later")


@pytest.mark.parametrize("drawing", [7, None, {}, [], [7, None], "x"])
def test_what_is_no_drawing_is_refused_quickly(drawing):
    lanes = Lanes()
    assert lanes.for_strokes(drawing) is lanes.quick
