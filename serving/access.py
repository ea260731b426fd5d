"""Access: one layer around every request, also those to Gradio's API.

Closed by default: an address answers only if it is in ROUTES, and unless it is OPEN only to users
who are signed in. Each new route needs a line here.
"""

import contextlib

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import limits
from serving.auth import Passwords
from serving.errors import Refusal, not_found
from serving.gradio_api import ENDPOINTS, sanitize_payload
from serving.limits import ConcurrencyLimit, client_host
from serving.metrics import report
from serving.origins import SAFE, Site, from_own_machine

# Kinds of routes: for everybody, only from this machine, and answers that go on while the client
# listens.
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
    ("GET POST DELETE", "/corrections"),
    ("GET DELETE", "/corrections/{id}"),
    ("GET POST", "/training", OWN_MACHINE),
    ("POST", "/training/stop", OWN_MACHINE),
    ("GET", "/training/{run}.bin", OWN_MACHINE),
    ("POST", "/class"),
    ("POST", "/class/vote"),
    ("GET", "/class/stream", STREAM),
    ("GET POST", "/wall/{secret}"),
    ("GET", "/wall/{secret}/stream"),  # no STREAM, whose places pupils can take
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
    *(("GET", f"/gradio_api/call/{name}/{{event}}", STREAM) for name in ENDPOINTS),
]
# Gradio requests this from itself while it starts.
STARTUP_EVENTS = "/gradio_api/startup-events"
SECURITY_HEADERS = {
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
TABLE = [(methods.split(), compile_path(path)[0], path, *kind) for methods, path, *kind in ROUTES]


def find_rule(method: str, path: str) -> tuple[str, str | None]:
    """Return the address and kind of a request's route. Raises Refusal 404 or 405."""
    allowed = []
    for methods, pattern, name, *kind in TABLE:
        if pattern.fullmatch(path):
            if method in methods:
                return name, kind[0] if kind else None
            allowed += methods
    if not allowed:
        raise not_found()
    methods = ", ".join(sorted(allowed))
    reason = f"{method} is not allowed here; expected {methods}"
    raise Refusal("method_not_allowed", reason, allow=methods)


class Access:
    """ASGI middleware that checks requests and adds SECURITY_HEADERS and "page-version"."""

    def __init__(self, app: ASGIApp, site: Site, users: Passwords | None, version: str) -> None:
        self.app, self.site, self.users = app, site, users
        headers = {**SECURITY_HEADERS, "page-version": version}
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.requests = ConcurrencyLimit(limits.MAX_REQUESTS, limits.MAX_REQUESTS_PER_CLIENT)
        self.streams = ConcurrencyLimit(limits.MAX_STREAMS, limits.MAX_STREAMS_PER_CLIENT)

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
            pass
        except Exception as error:
            if started:  # the connection breaks off
                raise
            response = refusal_response(scope["state"]["endpoint"], error)
            await response(scope, receive, send_with_headers)

    async def _check(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or raise Refusal."""
        request = Request(scope, receive)
        limits.check_length(request.headers)
        if self.site.is_starting and scope["path"] == STARTUP_EVENTS:
            return await self.app(scope, receive, send)
        path, kind = find_rule(scope["method"], scope["path"])
        scope["state"]["endpoint"] = path
        is_gradios = path in ("/login", "/logout") and not self.users
        if is_gradios or (kind == OWN_MACHINE and not from_own_machine(scope)):
            raise not_found()
        self.site.check_origin(scope)
        if self.users and kind != OPEN and not self.users.is_signed_in(request):
            if path != "/":
                reason = "you are not signed in: reload the page, or use curl -u USER:PASSWORD"
                raise Refusal("signed_out", reason)
            scope["path"], scope["method"] = "/login", "GET"
        scope, client = self.site.strip_untrusted_headers(scope), client_host(request)
        if scope["method"] not in SAFE:
            with self.requests.acquire(client):
                await self._pass_on_body(scope, await limits.read_body(request), receive, send)
        else:
            with self.streams.acquire(client) if kind == STREAM else contextlib.nullcontext():
                await self.app(scope, receive, send)

    async def _pass_on_body(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Pass on a request with `body`, which is rebuilt from validated values for Gradio."""
        fresh = sanitize_payload(scope["path"], body)
        if fresh is not None:
            body, headers = fresh, dict(scope["headers"])
            headers |= {b"content-type": b"application/json", b"content-length": b"%d" % len(body)}
            scope = {**scope, "headers": list(headers.items())}
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, send)


def refusal_response(endpoint: str, error: Exception) -> Response:
    """Count and log `error`, and return the answer to it."""
    refusal = report(endpoint, error)
    content = {"error": refusal.reason, "code": refusal.code}
    if refusal.status == 422 and endpoint.startswith("/gradio_api"):
        # Gradio's clients show this message.
        content["detail"] = [{"__type__": "validate", "is_valid": False, "message": refusal.reason}]
    body = orjson.dumps(content)
    return Response(body, refusal.status, refusal.headers, media_type="application/json")
