"""Every limit of the server, in one place; docs/serving.md says why each is what it is.

A client is known by its address, behind a trusted proxy by the one that the proxy names. The
limits of one client leave room for a class of 40 behind one address. Floods of connections and
clients that read or send slowly are left to a reverse proxy.
"""

import ipaddress
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from starlette.requests import Request

from mnist_core.drawing.pictures import MAX_DATA_URL
from serving.errors import Refusal

MAX_HEAD = 16_384  # bytes of the address and the headers: cookies are the longest
MAX_BODY = MAX_DATA_URL + 4096  # bytes: a picture in its JSON
BODY_SECONDS, MIN_RATE = 10, 16_000  # and another second for each 16 kB: slow mobile networks
# Requests under way once their bodies are there; 64 wait for less than half a second.
MAX_UNDERWAY, UNDERWAY_PER_CLIENT = 64, 48
MAX_UPLOADS, UPLOADS_PER_CLIENT, LARGE = 64, 32, 65_536  # bodies of more than LARGE bytes
MAX_STREAMS, STREAMS_PER_CLIENT = 128, 64  # answers that go on as long as the client listens
# A drawing of so many points is read in some milliseconds, in a thread of its own. Others and
# pictures share another thread, for which few may wait.
QUICK_POINTS, MAX_SLOW = 1_000, 8
SWITCH_SECONDS = 0.0005
MAX_LOG_LINES = 100  # of one kind in a minute
# Wrong passwords for a name, or from an address, in so many seconds. An address may always try
# ALWAYS times, so that whoever guesses at a name does not shut its people out.
MAX_WRONG, WRONG_SECONDS, ALWAYS = 100, 600, 5


def client_name(client: tuple[str, int] | None) -> str:
    """A client's address; of IPv6 the first 64 bits, as one client has all the rest."""
    host = client[0] if client else ""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:  # version 4, or a proxy's own words
        return host[:64]
    return str(address.ipv4_mapped or f"{int(address) >> 64:x}/64")


def busy() -> Refusal:
    words = "too many people are drawing at this moment: try again in a second"
    return Refusal(503, words, code="busy", **{"retry-after": "1"})


class ConcurrencyLimit:
    """At most `in_all` at once, and `per_client` of one client."""

    def __init__(self, in_all: int, per_client: int) -> None:
        self.in_all, self.per_client = in_all, per_client
        self.held = Counter()

    @contextmanager
    def acquire(self, client: str) -> Iterator[None]:
        """Hold one place until the end of the block. Raises Refusal 503 where none is free."""
        if self.held[client] >= self.per_client or self.held.total() >= self.in_all:
            raise busy()
        self.held[client] += 1
        try:
            yield
        finally:
            self.held -= {client: 1}  # and forget a client that holds none


class Lane:
    """One worker thread; at most `most` calls are in it or wait for it."""

    def __init__(self, most: int) -> None:
        self.most, self.jobs = most, 0
        self.thread = anyio.CapacityLimiter(1)

    async def run(self, work: Callable, *values: Any) -> Any:
        """What `work` returns. Raises Refusal 503 where too many wait."""
        if self.jobs >= self.most:
            raise busy()
        self.jobs += 1
        try:
            return await anyio.to_thread.run_sync(work, *values, limiter=self.thread)
        finally:
            self.jobs -= 1


class Lanes:
    """The threads that read drawings and pictures."""

    def __init__(self) -> None:
        # Python hands over every 5 ms; while a slow drawing is read others would wait for that.
        sys.setswitchinterval(SWITCH_SECONDS)
        self.quick, self.slow = Lane(MAX_UNDERWAY), Lane(MAX_SLOW)

    def for_strokes(self, strokes: Any) -> Lane:
        """The slow lane if there are many points. The quick one refuses what is no drawing."""
        strokes = strokes if isinstance(strokes, list) else []
        points = sum(len(stroke) for stroke in strokes if isinstance(stroke, list))
        return self.quick if points <= QUICK_POINTS else self.slow


class MinuteLimit:
    """Counts in a minute of the clock: at most `in_all`, and `of_one` of one name."""

    def __init__(self, of_one: int, in_all: int, what: str) -> None:
        self.of_one, self.in_all, self.what = of_one, in_all, what
        self.minute, self.counts = 0, Counter()

    def count(self, name: str) -> None:
        """Count one more of `name`. Raises Refusal 429 where that is too many."""
        minute = int(time.monotonic() // 60)
        if minute != self.minute:
            self.minute, self.counts = minute, Counter()
        if self.counts[name] >= self.of_one or self.counts.total() >= self.in_all:
            words = f"too many {self.what} come from your address: wait a minute"
            raise Refusal(429, words, code="too_many_requests")
        self.counts[name] += 1


async def read_body(request: Request) -> bytes:
    """The whole body. Raises Refusal for one that is too long or comes too slowly."""
    parts, size = [], 0
    try:
        with anyio.fail_after(BODY_SECONDS) as time_limit:
            async for part in request.stream():
                size += len(part)
                time_limit.deadline += len(part) / MIN_RATE
                if size > MAX_BODY:
                    raise too_large()
                parts.append(part)
    except TimeoutError as error:
        raise Refusal(408, "the request took too long to come", code="too_slow") from error
    return b"".join(parts)


def too_large() -> Refusal:
    words = f"the request has more than {MAX_BODY} bytes: send less at once"
    return Refusal(413, words, code="too_large", connection="close")


def check_head(request: Request) -> int:
    """The length of the body. Raises Refusal for a head that is too long or gives no one length."""
    headers = request.headers
    if len(request.url.query) + sum(len(k) + len(v) for k, v in headers.raw) > MAX_HEAD:
        words = f"the address and headers are longer than {MAX_HEAD} bytes"
        raise Refusal(431, words, code="head_too_large")
    if "transfer-encoding" in headers:
        if "content-length" in headers:  # two servers in a row might part requests differently
            words = "send Content-Length or Transfer-Encoding, not both"
            raise Refusal(400, words, code="two_lengths", connection="close")
        words = "send the whole body at once, with a Content-Length, and not in chunks"
        raise Refusal(411, words, code="length_required", connection="close")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise too_large()
    return int(length)
