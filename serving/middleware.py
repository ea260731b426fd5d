"""What every request passes before the page, its routes and Gradio see it.

Gradio serves much that this page does not use: uploads, files by path, a proxy, recordings,
monitoring, functions of components. All that is shut, and what is handed to its open endpoints
is made anew (see envelopes.py), so that nothing a client sends is ever a path or stays on the
disk. What is open has limits: the bytes of a body, the time it takes to come, and how many
requests are under way once their bodies are there, of one address and of all, beyond which the
server says that it is busy instead of queueing without end.
"""

import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qsl

import anyio
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnist_core.drawing.pictures import MAX_DATA_URL
from mnist_core.drawing.strokes import MAX_POINTS, MAX_STROKES
from serving import limits
from serving.envelopes import ENDPOINTS, fresh_envelope
from serving.errors import Refusal
from serving.limits import Places, busy, client_name
from serving.metrics import Metrics
from serving.origins import SAFE, check_origin, from_own_machine, others, without_steering

# A picture in its JSON; the longest drawing that is read takes a fifth of that.
MAX_BODY = MAX_DATA_URL + 4096  # bytes
# Signs that begin or part values, counted before anything is parsed: 3 for a point, 2 for a stroke.
SIGNS, MAX_SIGNS = b"[{,", 3 * MAX_POINTS + 2 * MAX_STROKES + 100
NOTHING = "there is nothing at this address"
MAX_HEAD = 16_384  # bytes of the path, its query and the headers: cookies are the longest
# Answered in their turn they wait about as long as a person waits gladly (docs/serving.md).
# A class of 40 that draws at once leaves some places to others.
UNDERWAY_OF_ONE, MAX_UNDERWAY = 48, 64
# Bodies on their way that are longer than a drawing: those come while pictures find no room.
COMING_OF_ONE, MAX_COMING, SMALL = 32, 64, 65_536  # all together 64 MiB
# Answers that go on as long as their reader likes.
STREAMS = re.compile(r"/gradio_api/(call|heartbeat|mcp|queue)|/corrections")
STREAMS_OF_ONE, MAX_STREAMS = 64, 128
# Of envelopes that wait in Gradio's queue; in memory they are about four times as much.
MAX_WAITING = 8 * 2**20  # bytes

OPEN = re.compile(
    r"(?a)/|/config/?|/theme\.css|/(assets|static|svelte)/(?!.*\.\.)[\w./@~+-]{1,200}|/favicon\.ico|/robots\.txt|/manifest\.json"
    r"|/pwa_icon(/\d{1,4})?|/log(in|out)|/recognize|/network(/[0-9a-f]{8}\.bin)?|/healthz|/metrics"
    r"|/corrections(/[0-9a-f]{1,32})?|/training(/stop|/[\w-]{1,64}\.bin)?"
    r"|/(lesson(\.zh)?|api)\.md|/files/[0-9a-f]{12}/(rehearsal|snapshots)\.gz"
    r"|/gradio_api/(info|openapi\.json|startup-events|theme\.css|user|login_check|app_id)/?"
    r"|/gradio_api/heartbeat/\w{1,64}|/gradio_api/queue/(join|data)"
    rf"|/gradio_api/call/(v2/)?({'|'.join(ENDPOINTS)})(/\w{{1,64}})?|/gradio_api/mcp/?"
)

POLICY = "content-security-policy"
SECURITY_HEADERS = {
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


class LimitsMiddleware:
    """ASGI middleware; every answer names the `page_version`, beside headers for security.

    Pages of other origins that belong here, see origins.py, may ask and be a frame around the page.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, page_version: str, root_path: str) -> None:
        self.app = app
        self.metrics = metrics
        self.others = others(root_path)
        headers = {**SECURITY_HEADERS, "page-version": page_version}
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.underway = Places(UNDERWAY_OF_ONE, MAX_UNDERWAY)
        self.coming = Places(COMING_OF_ONE, MAX_COMING)
        self.streams = Places(STREAMS_OF_ONE, MAX_STREAMS)
        self.joining = 0  # bytes of envelopes on their way into Gradio's queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *self.headers]
            await send(message)

        endpoint = "other"
        try:
            endpoint = self._endpoint(scope)
            check_origin(scope, self.others)
            await self._pass_on(without_steering(scope), receive, send_with_headers)
        except ClientDisconnect:
            pass  # nobody is there to be told
        except Exception as error:
            response = self._response_to(error, endpoint)
            if started:  # what was sent already is all there is
                await send({"type": "http.response.body"})
            else:
                await response(scope, receive, send_with_headers)

    def _response_to(self, error: Exception, endpoint: str) -> Response:
        refusal = self.metrics.refusal(endpoint, error)
        content = {"error": refusal.reason, "code": refusal.code}
        if refusal.status == 422 and endpoint.startswith("/gradio_api"):
            # What Gradio's clients show to whoever uses them.
            fault = {"__type__": "validate", "is_valid": False, "message": refusal.reason}
            content["detail"] = [fault]
        body = orjson.dumps(content)
        return Response(body, refusal.status, refusal.headers, media_type="application/json")

    def _endpoint(self, scope: Scope) -> str:
        """The name of the address asked for, one of few. Raises Refusal where it is shut."""
        path = page_path(scope)
        head = len(scope["query_string"]) + sum(len(k) + len(v) for k, v in scope["headers"])
        if head > MAX_HEAD:
            raise Refusal(431, f"the address and headers are longer than {MAX_HEAD} bytes")
        # One length, or two servers in a row may part the requests in different places.
        if {b"content-length", b"transfer-encoding"} <= dict(scope["headers"]).keys():
            raise Refusal(400, "a request has one length, not two", connection="close")
        is_shut = path.startswith("/training") and not from_own_machine(scope)
        if is_shut or not OPEN.fullmatch(path):
            raise Refusal(404, NOTHING)
        return re.match(r"(/gradio_api)?/[a-z]*", path)[0]

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, path = client_name(scope.get("client")), page_path(scope)
        blocks = scope["app"].get_blocks()
        if scope["method"] in SAFE:
            if scope["method"] == "GET":
                _check_event(path, scope, blocks._queue)
            with self.streams.taken(client) if STREAMS.match(path) else contextlib.nullcontext():
                return await self.app(scope, receive, send)
        body = await _read_body(Request(scope, receive), self.coming.taken(client))
        with self.underway.taken(client):
            try:
                functions = {number: fn.api_name for number, fn in blocks.fns.items()}
                fresh = fresh_envelope(path, body, functions)
                if fresh is None:
                    return await self.app(scope, _replay(body, receive), send)
                await self._join(_with_json(scope, len(fresh)), fresh, receive, send)
            finally:
                _forget_abandoned(blocks)

    async def _join(self, scope: Scope, envelope: bytes, receive: Receive, send: Send) -> None:
        """Hand `envelope` on to Gradio, unless too many bytes of others wait there."""
        queue = scope["app"].get_blocks()._queue
        if self.joining + _waiting(queue) + len(envelope) > MAX_WAITING:
            raise busy()
        self.joining += len(envelope)
        try:
            await self.app(scope, _replay(envelope, receive), send)
        finally:
            self.joining -= len(envelope)


async def not_answered(request: Request, error: HTTPException) -> Response:
    """Refuse, in our form, what no route or none with this method answers."""
    if error.status_code == 404:
        raise Refusal(404, NOTHING)
    reason = f"{request.method} is not answered at this address"
    raise Refusal(405, reason, **(error.headers or {}))


NOT_ANSWERED = {404: not_answered, 405: not_answered}  # by status, as Starlette has its handlers


@contextlib.asynccontextmanager
async def outermost(app: Starlette) -> AsyncIterator[None]:
    """A lifespan in which Gradio's middleware, added last, comes to stand behind ours.

    Its CORS would grant any origin, and grants none where it sees none.
    """
    app.user_middleware.sort(key=lambda each: each.cls.__module__.startswith("gradio."))
    app.middleware_stack = app.build_middleware_stack()
    yield


def _waiting(queue: Any) -> int:
    """The bytes of the envelopes in Gradio's queue, as `_with_json` has written them down."""
    queues = queue.event_queue_per_concurrency_id.values()
    return sum(int(event.request.headers["content-length"]) for q in queues for event in q.queue)


def _check_event(path: str, scope: Scope, queue: Any) -> None:
    """Raise Refusal where Gradio would begin to answer about an event or a session that is none."""
    is_event = path.startswith("/gradio_api/call/")
    if not is_event and path != "/gradio_api/queue/data":
        return
    known = queue.pending_messages_per_session.keys() | queue.event_ids_to_events.keys()
    if is_event:
        name = path.rpartition("/")[2]
        known |= set().union(*queue.pending_event_ids_session.values())
    else:
        name = dict(parse_qsl(scope["query_string"].decode())).get("session_hash")
    if name not in known:
        raise Refusal(404, "there is no such event or session: ask again")


def _forget_abandoned(blocks: Any) -> None:
    """Drop what Gradio keeps of its clients: names of events whose answer nobody fetched, and
    the last value that each sent, which its state of a session holds.

    The answers themselves it drops when there are 2,000.
    """
    queue = blocks._queue
    events = queue.pending_event_ids_session
    for session in events.keys() - queue.pending_messages_per_session.keys():
        del events[session]
    blocks.state_holder.session_data.clear()
    blocks.state_holder.time_last_used.clear()


def page_path(scope: Scope) -> str:
    """The address asked for, relative to where the page is."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def _with_json(scope: Scope, length: int) -> Scope:
    """`scope` with headers that tell of `length` bytes of JSON, whatever they told before."""
    about_body = (b"content-type", b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name not in about_body]
    headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
    return {**scope, "headers": headers}


async def _read_body(request: Request, place: AbstractContextManager[None]) -> bytes:
    """The whole body; a long one takes its `place` while it comes.

    Raises Refusal for one that is too long, too slow or has too many values.
    """
    too_long = Refusal(413, f"the request has more than {MAX_BODY} bytes: send less at once")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY:
        raise too_long
    parts, size, signs = [], 0, 0
    try:
        with contextlib.ExitStack() as taken, anyio.fail_after(limits.PATIENCE) as time:
            async for part in request.stream():
                size += len(part)
                time.deadline += len(part) / limits.MIN_RATE
                if size > MAX_BODY:
                    raise too_long
                if size > SMALL >= size - len(part):
                    taken.enter_context(place)
                signs += len(part) - len(part.translate(None, SIGNS))
                if signs > MAX_SIGNS:
                    raise Refusal(422, f"at most {MAX_POINTS} points are read: thin them out")
                parts.append(part)
    except TimeoutError as error:
        raise Refusal(408, "the request took too long to come") from error
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` at once, and then what comes from the client."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
