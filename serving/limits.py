"""Every limit of the server, in one place; docs/serving.md says why each is what it is.

A client is known by its address, behind a trusted proxy by the one that the proxy names. What one
client may do leaves room for a class of 40 behind one address. Floods of connections and guesses
from many addresses are left to a reverse proxy.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request

from mnist_core.drawing.pictures import MAX_DATA_URL
from serving.errors import Refusal, busy

MAX_BODY = MAX_DATA_URL + 4096  # bytes: a picture in its JSON
BODY_SECONDS = 60  # 1 MB from a slow mobile network
MAX_REQUESTS, MAX_REQUESTS_PER_CLIENT = 64, 48  # 64 in flight keep the wait under 0.5 s
MAX_STREAMS, MAX_STREAMS_PER_CLIENT = 128, 64  # answers that go on while the client listens
# A drawing of so many points is read in milliseconds. Larger ones and pictures have a thread of
# their own, for which few may wait.
QUICK_POINTS, MAX_QUICK, MAX_SLOW = 1_000, 64, 8
MAX_WRONG_PASSWORDS, WRONG_PASSWORD_SECONDS = 100, 600  # from one address


def client_host(request: Request) -> str:
    """The address that a client is known by."""
    return request.client.host if request.client else ""


class ConcurrencyLimit:
    """At most `total` at once, and `per_client` of one client."""

    def __init__(self, total: int, per_client: int) -> None:
        self.total, self.per_client = total, per_client
        self.held = Counter()

    @contextlib.contextmanager
    def acquire(self, client: str) -> Iterator[None]:
        """Hold one place until the end of the block. Raises Refusal 503 where none is free."""
        if self.held[client] >= self.per_client or self.held.total() >= self.total:
            raise busy()
        self.held[client] += 1
        try:
            yield
        finally:
            self.held -= {client: 1}  # and forget a client that holds none


class Worker:
    """One thread; at most `limit` calls are in it or wait for it."""

    def __init__(self, limit: int) -> None:
        self.limit, self.calls = limit, 0
        self.thread = anyio.CapacityLimiter(1)

    async def run(self, function: Callable, *arguments: Any) -> Any:
        """Return function(*arguments). Raises Refusal 503 where too many calls wait."""
        if self.calls >= self.limit:
            raise busy()
        self.calls += 1
        try:
            return await anyio.to_thread.run_sync(function, *arguments, limiter=self.thread)
        finally:
            self.calls -= 1


class Workers:
    """The threads that read drawings and pictures."""

    def __init__(self) -> None:
        self.quick, self.slow = Worker(MAX_QUICK), Worker(MAX_SLOW)

    def for_strokes(self, strokes: Any) -> Worker:
        """The slow one if there are many points. The quick one refuses what is no drawing."""
        strokes = strokes if isinstance(strokes, list) else []
        points = sum(len(stroke) for stroke in strokes if isinstance(stroke, list))
        return self.quick if points <= QUICK_POINTS else self.slow


def check_length(headers: Headers) -> None:
    """Raise Refusal unless Content-Length says how long the body is, and that is not too long."""
    if "transfer-encoding" in headers:  # beside Content-Length it could smuggle a second request
        words = "send the body with a Content-Length, not in chunks"
        raise Refusal(411, words, code="length_required", connection="close")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        words = f"the request has more than {MAX_BODY} bytes: send less at once"
        raise Refusal(413, words, code="too_large", connection="close")


async def read_body(request: Request) -> bytes:
    """The whole body. Raises Refusal for one that comes too slowly."""
    try:
        with anyio.fail_after(BODY_SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise Refusal(408, "the request took too long to arrive", code="too_slow") from error
