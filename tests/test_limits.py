"""Counting by client: names that nobody can choose, places held at once, and so many a minute."""

import pytest

from serving import limits
from serving.errors import Refusal
from serving.limits import MinuteLimit, Places, client_name


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


def test_places_are_counted_by_name_and_in_all():
    places = Places(2, 3)
    with places.taken("a"), places.taken("a"):
        with pytest.raises(Refusal, match="too many people"), places.taken("a"):
            pass
        with places.taken("b"), pytest.raises(Refusal), places.taken("c"):
            pass
    assert not places.held  # nobody is remembered
    with places.taken("c"):
        pass


def test_a_minute_s_limit_counts_by_name_in_all_and_once(monkeypatch):
    monkeypatch.setattr(limits.time, "monotonic", lambda: 0.0)
    limit = MinuteLimit(2, 3, "drawings")
    for _ in range(9):
        limit.count("a", once="token")
    limit.count("a")
    for name, once in (("a", None), ("a", "another")):
        with pytest.raises(Refusal, match="too many drawings"):
            limit.count(name, once)
    limit.count("a", once="token")
    limit.count("b")
    with pytest.raises(Refusal):
        limit.count("c")


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
