"""How much one client, and all of them together, may hold at once or ask for in a minute.

A client is known by its address, behind a proxy by the one that the proxy gives, if it is
trusted (see server.py). So the limits of one leave room for a class of 40 behind one address.
"""

import ipaddress
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import Refusal

# Who sends or reads less in this time is not waited for.
PATIENCE = 10  # seconds
MIN_RATE = 16_000  # bytes a second: the slowest mobile networks


def client_name(client: tuple[str, int] | None) -> str:
    """The name of a `client` by its address; of IPv6 the first 64 bits, as one has the rest."""
    host = client[0] if client else ""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:  # of version 4, or a proxy's own words
        return host[:64]
    return str(address.ipv4_mapped or f"{int(address) >> 64:x}/64")


def busy() -> Refusal:
    words = "too many people are drawing at this moment: try again in a second"
    return Refusal(503, words, code="busy", **{"retry-after": "1"})


class Places:
    """What is held at once: at most `in_all`, and `of_one` by one client."""

    def __init__(self, of_one: int, in_all: int) -> None:
        self.of_one, self.in_all = of_one, in_all
        self.held = Counter()

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """One place of `name`, until the end of the block. Raises Refusal 503 where none is."""
        if self.held[name] >= self.of_one or self.held.total() >= self.in_all:
            raise busy()
        self.held[name] += 1
        try:
            yield
        finally:
            self.held -= {name: 1}  # and forgets who has none


class MinuteLimit:
    """Counts in a minute of the clock: at most `in_all`, and `of_one` of one name."""

    def __init__(self, of_one: int, in_all: int, what: str) -> None:
        self.of_one, self.in_all, self.what = of_one, in_all, what
        self.minute, self.counts, self.seen = 0, Counter(), set()

    def count(self, name: str, once: str | None = None) -> None:
        """One more of `name`; with `once` only the first time that this comes in the minute.

        Raises Refusal 429 where that is too many.
        """
        minute = int(time.monotonic() // 60)
        if minute != self.minute:  # only one minute's names are kept
            self.minute, self.counts, self.seen = minute, Counter(), set()
        if once is not None and (name, once) in self.seen:
            return
        if self.counts[name] >= self.of_one or self.counts.total() >= self.in_all:
            raise Refusal(429, f"too many {self.what} come from your address: wait a minute")
        self.counts[name] += 1
        self.seen.add((name, once))
