"""Every limit of the server; docs/serving.md explains their values.

A client is an address, behind a trusted proxy that which the proxy names. Limits of one client
allow a class of 40 behind one address. Floods of connections are for a reverse proxy to stop.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request

from mnist_core.drawing.pictures import MAX_DATA_URL, decode_picture
from serving.errors import Refusal, busy

MAX_BODY = MAX_DATA_URL + 4096  # bytes: a picture in its JSON
MAX_BATCH = 100  # drawings in one request
BODY_SECONDS = 60  # 1 MB from a slow mobile network
MAX_REQUESTS, MAX_REQUESTS_PER_CLIENT = 64, 48  # 64 in flight keep the wait under 0.5 s
MAX_STREAMS, MAX_STREAMS_PER_CLIENT = 128, 64  # answers that go on while the client listens
# Drawings of more points and pictures take longer than milliseconds: they have a thread with a
# shorter queue.
QUICK_POINTS, MAX_QUICK, MAX_SLOW = 1_000, 64, 8
MAX_CLASS_DRAWINGS, MAX_CLASS_DRAWING = 1_000, 16_384  # in all; bytes of one
MAX_DRAWINGS_A_MINUTE = 20  # from one phone: a pupil takes more than three seconds for one
MAX_NEW_PHONES, NEW_PHONE_SECONDS = 200, 600  # from one address: a few classes
MAX_PHONES_KNOWN = 10_000
MAX_CLASS_VOTES = 200  # on a drawing
MAX_WRONG_PASSWORDS, WRONG_PASSWORD_SECONDS = 100, 600  # from one address


def client_host(request: Request) -> str:
    """Return the address of a request's client."""
    return request.client.host if request.client else ""


class RateLimit:
    """At most `most` times for one client in each `seconds`."""

    def __init__(self, most: int, seconds: int) -> None:
        self.most, self.seconds = most, seconds
        self.window, self.counts = 0, Counter()

    def seconds_to_wait(self, client: str) -> int:
        """Return how long `client` has to wait for its next time; 0 if it need not."""
        window, passed = divmod(int(time.monotonic()), self.seconds)
        if window != self.window:
            self.window, self.counts = window, Counter()
        return self.seconds - passed if self.counts[client] >= self.most else 0

    def acquire(self, client: str) -> bool:
        """Count one time more for `client`; return False if that is too many."""
        if self.seconds_to_wait(client):
            return False
        self.counts[client] += 1
        return True


class ConcurrencyLimit:
    """A limit of `total` places in all and `per_client` for one client."""

    def __init__(self, total: int, per_client: int) -> None:
        self.total, self.per_client = total, per_client
        self.held = Counter()

    @contextlib.contextmanager
    def acquire(self, client: str) -> Iterator[None]:
        """Hold one place until the end of the block. Raises Refusal 503 if none is free."""
        if self.held[client] >= self.per_client or self.held.total() >= self.total:
            raise busy()
        self.held[client] += 1
        try:
            yield
        finally:
            self.held -= {client: 1}  # drops a client that holds none


class Worker:
    """One thread, with at most `limit` calls running or waiting."""

    def __init__(self, limit: int) -> None:
        self.limit, self.calls = limit, 0
        self.thread = anyio.CapacityLimiter(1)

    async def run(self, function: Callable, *arguments: Any) -> Any:
        """Return function(*arguments). Raises Refusal 503 if too many calls wait."""
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
        """Choose the slow one for many points, else the quick one, also for invalid strokes."""
        strokes = strokes if isinstance(strokes, list) else []
        points = sum(len(stroke) for stroke in strokes if isinstance(stroke, list))
        return self.quick if points <= QUICK_POINTS else self.slow

    async def read_strokes(self, read: Callable, strokes: Any) -> Any:
        """Return read(strokes), a method of a Recognizer. Raises Refusal 503, UserError."""
        return await self.for_strokes(strokes).run(read, strokes)

    async def read_picture(self, read: Callable, data_url: str) -> Any:
        """Decode a picture and return read(picture). Raises Refusal 503, UserError."""
        return await self.slow.run(lambda: read(decode_picture(data_url)))


def check_length(headers: Headers) -> None:
    """Raise Refusal for a body in chunks, or with a Content-Length above MAX_BODY."""
    if "transfer-encoding" in headers:  # with Content-Length it could smuggle a second request
        reason = "expected a Content-Length, not Transfer-Encoding"
        raise Refusal("length_required", reason, connection="close")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        reason = f"expected a Content-Length of at most {MAX_BODY}: send less at once"
        raise Refusal("too_large", reason, connection="close")


async def read_body(request: Request) -> bytes:
    """Read the whole body. Raises Refusal after BODY_SECONDS."""
    try:
        with anyio.fail_after(BODY_SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise Refusal("too_slow", "the request took too long to arrive") from error
