"""Who may ask what: one layer around everything that is served, Gradio's API included.

Closed by default: an address answers only if ROUTES has it, with its methods, and only to people
who are signed in unless ROUTES opens it. A new route is two edits: the route, and its line here.
"""

import contextlib
from typing import NamedTuple

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import limits
from serving.auth import Passwords
from serving.errors import Refusal
from serving.gradio_api import ENDPOINTS, sanitize_payload
from serving.limits import ConcurrencyLimit, client_name
from serving.metrics import Metrics
from serving.origins import SAFE, Site, from_own_machine, strip_untrusted_headers

# What a route is beyond being shut to who is not signed in: open to anybody, only for this
# machine's own browser, or answered as long as the client listens.
OPEN, OWN_MACHINE, STREAM = "open", "own machine", "stream"
ROUTES = [
    ("GET HEAD", "/"),
    ("GET HEAD", "/healthz", OPEN),
    ("GET POST", "/login", OPEN),
    ("POST", "/logout"),
    ("POST", "/recognize"),
    ("GET", "/network"),
    ("GET HEAD", "/network/{name}.bin"),
    ("GET HEAD", "/page-files/{version}/{name}.gz"),
    ("GET HEAD", "/lesson.md"),
    ("GET HEAD", "/lesson.zh.md"),
    ("GET HEAD", "/api.md"),
    ("GET HEAD", "/preview.png"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/corrections", STREAM),
    ("POST DELETE", "/corrections"),
    ("GET DELETE", "/corrections/{id}"),
    ("GET POST", "/training", OWN_MACHINE),
    ("POST", "/training/stop", OWN_MACHINE),
    ("GET", "/training/{run}.bin", OWN_MACHINE),
    ("POST", "/mcp"),
    ("POST", "/gradio_api/mcp"),
    ("POST", "/gradio_api/mcp/"),
    # Gradio's, for its clients
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("GET", "/gradio_api/heartbeat/{session}", STREAM),
    ("POST", "/gradio_api/queue/join"),
    ("GET", "/gradio_api/queue/data", STREAM),
    *(("POST", f"/gradio_api/call/{name}") for name in ENDPOINTS),
    *(("POST", f"/gradio_api/call/v2/{name}") for name in ENDPOINTS),
    *(("GET", f"/gradio_api/call/{name}/{{event}}", STREAM) for name in ENDPOINTS),
    *(("GET", f"/gradio_api/call/v2/{name}/{{event}}", STREAM) for name in ENDPOINTS),
]
# Gradio asks itself for this while it starts, and nobody does afterwards.
STARTUP_EVENTS = "/gradio_api/startup-events"
NOTHING = "there is nothing at this address"
SECURITY_HEADERS = {
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
TABLE = [(methods.split(), compile_path(path)[0], path, *kind) for methods, path, *kind in ROUTES]


class Rule(NamedTuple):
    """What ROUTES says of a request: the address, and OPEN, OWN_MACHINE, STREAM or None."""

    path: str
    kind: str | None


def find_rule(method: str, path: str) -> Rule:
    """The rule of a request. Raises Refusal 404 where there is none, 405 for other methods."""
    allowed = []
    for methods, pattern, name, *kind in TABLE:
        if pattern.fullmatch(path):
            if method in methods:
                return Rule(name, kind[0] if kind else None)
            allowed += methods
    if not allowed:
        raise Refusal(404, NOTHING, code="not_found")
    words = f"{method} is not answered at this address"
    raise Refusal(405, words, code="method_not_allowed", allow=", ".join(sorted(allowed)))


class Access:
    """ASGI middleware; every answer names the `page_version`, beside headers for security."""

    def __init__(
        self, app: ASGIApp, site: Site, users: Passwords | None, metrics: Metrics, version: str
    ) -> None:
        self.app, self.site, self.users, self.metrics = app, site, users, metrics
        headers = {**SECURITY_HEADERS, "page-version": version}
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.requests = ConcurrencyLimit(limits.MAX_UNDERWAY, limits.UNDERWAY_PER_CLIENT)
        self.uploads = ConcurrencyLimit(limits.MAX_UPLOADS, limits.UPLOADS_PER_CLIENT)
        self.streams = ConcurrencyLimit(limits.MAX_STREAMS, limits.STREAMS_PER_CLIENT)

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

        scope = {**scope, "path": self.site.strip_prefix(scope["path"])}
        scope["state"] = {**scope.get("state", {}), "endpoint": "other"}
        try:
            await self._check(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # nobody is there to be told
        except Exception as error:
            if started:  # what was sent already is all there is
                with contextlib.suppress(RuntimeError):  # or it was complete
                    await send({"type": "http.response.body"})
            else:
                response = refusal_response(self.metrics, scope["state"]["endpoint"], error)
                await response(scope, receive, send_with_headers)

    async def _check(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on. Raises Refusal for one that may not be answered."""
        request = Request(scope, receive)
        length = limits.check_head(request)
        if self.site.is_starting and scope["path"] == STARTUP_EVENTS:
            return await self.app(scope, receive, send)
        self.site.check_host(scope)
        rule = find_rule(scope["method"], scope["path"])
        scope["state"]["endpoint"] = rule.path
        is_ours = self.users or rule.path not in ("/login", "/logout")  # Gradio has its own
        if not is_ours or (rule.kind == OWN_MACHINE and not from_own_machine(scope)):
            raise Refusal(404, NOTHING, code="not_found")
        self.site.check_origin(scope)
        if self.users and rule.kind != OPEN and not self.users.is_signed_in(request):
            if rule.path != "/":
                words = "you are not signed in: load the page again, or curl -u USER:PASSWORD"
                raise Refusal(401, words, code="signed_out")
            scope["path"], scope["method"] = "/login", "GET"
        await self._pass_on(request, length, rule, receive, send)

    async def _pass_on(
        self, request: Request, length: int, rule: Rule, receive: Receive, send: Send
    ) -> None:
        scope, client, path = request.scope, client_name(request.client), rule.path
        # Whose Origin it sees Gradio lets read.
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"origin"]
        if path.startswith(("/gradio_api/", "/config")):
            address = self.site.address(scope) or self.site.prefix or "/"
            scope = strip_untrusted_headers(scope, address)
        if scope["method"] in SAFE:
            with self.streams.acquire(client) if rule.kind == STREAM else contextlib.nullcontext():
                return await self.app(scope, receive, send)
        is_large = length > limits.LARGE
        with self.uploads.acquire(client) if is_large else contextlib.nullcontext():
            body = await limits.read_body(request)
        with self.requests.acquire(client):
            fresh = sanitize_payload(scope["path"], body)
            if fresh is not None:
                scope, body = with_json(scope, len(fresh)), fresh
            await self.app(scope, replay(body, receive), send)


def refusal_response(metrics: Metrics, endpoint: str, error: Exception) -> Response:
    """What is answered to `error`, which is counted and logged."""
    refusal = metrics.refusal(endpoint, error)
    content = {"error": refusal.reason, "code": refusal.code}
    if refusal.status == 422 and endpoint.startswith("/gradio_api"):
        # What Gradio's clients show to whoever uses them.
        content["detail"] = [{"__type__": "validate", "is_valid": False, "message": refusal.reason}]
    body = orjson.dumps(content)
    return Response(body, refusal.status, refusal.headers, media_type="application/json")


def with_json(scope: Scope, length: int) -> Scope:
    """`scope` with headers that tell of `length` bytes of JSON, whatever they told before."""
    headers = [
        header
        for header in scope["headers"]
        if header[0] not in (b"content-type", b"content-length")
    ]
    headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
    return {**scope, "headers": headers}


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` at once, and then what comes from the client."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
