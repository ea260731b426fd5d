"""The page on one server: its document and routes, and Gradio's API for Gradio's clients.

`gradio.Server` is FastAPI with Gradio's API in it, and without Gradio's front end.
"""

import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import anyio
import brotli
import gradio as gr
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from serving import corrections, log, routes, training
from serving.access import Access, refusal_response
from serving.auth import Passwords, sign_in_routes
from serving.errors import Refusal
from serving.gradio_api import api_functions
from serving.limits import Lanes
from serving.metrics import Metrics
from serving.origins import Site
from serving.reloader import ModelReloader
from ui.document import FOLDER, document, files, preview, version
from ui.documents import pages

DESCRIPTION = "A small network reads your handwriting while you draw, and shows how sure it is."
PICTURE = FOLDER.parent / "docs" / "preview.png"


class PageServer(gr.Server):
    """Everything that is served, with `Access` around all of it, Gradio's middleware included."""

    def __init__(
        self,
        reloader: ModelReloader,
        store: Corrections | None = None,
        live: training.LiveTraining | None = None,
        site: Site | None = None,
        users: Passwords | None = None,
        offers_mcp: bool = False,
    ) -> None:
        kinds = (Refusal, UserError, HTTPException, RequestValidationError, Exception)
        super().__init__(
            title="Draw a digit",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=self.lifespan,
            exception_handlers=dict.fromkeys(kinds, self.refuse),
        )
        self.reloader, self.site, self.users = reloader, site or Site(), users
        self.metrics, self.lanes, self.invitation = Metrics(), Lanes(), None
        self.settings = {
            "root": self.site.prefix and f"{self.site.prefix}/",
            "version": version(),
            "recognize": routes.RECOGNIZE,
            "network": routes.NETWORK,
            "corrections": store and corrections.CORRECTIONS,
            "training": live and training.PAGE_SETTINGS,
            "documents": True,
            "signed_in": users is not None,
            **{name: file_address(name) for name in files()},
        }
        self.described = self.own_routes(store, live)
        self.mcp_sessions = None
        self.serve_functions(offers_mcp)
        self.router.routes.extend([*self.described, *page_routes(self)])
        self.router.routes.extend(routes.file_routes(page_files(), pages()))
        if users:
            self.router.routes.extend(sign_in_routes(users, self.settings["root"], self.metrics))

    def own_routes(
        self, store: Corrections | None, live: training.LiveTraining | None
    ) -> list[BaseRoute]:
        """The routes that the OpenAPI description is of."""
        reloader, metrics = self.reloader, self.metrics
        api = [routes.recognition_routes(reloader, metrics, self.lanes)]
        api += [routes.network_routes(reloader, self.users is None)]
        api += [corrections.correction_routes(reloader, store, metrics)] if store else []
        api += [training.training_routes(live)] if live else []
        return [route for router in api for route in router.routes]

    def serve_functions(self, offers_mcp: bool) -> None:
        """Offer the three functions to Gradio's clients and, if wanted, over MCP."""
        functions = functools.partial(api_functions, self.reloader, self.metrics, self.lanes)
        for function in functions(api_error):
            self.api(function, name=function.__name__, concurrency_limit=None)
        if offers_mcp:
            from serving import mcp  # takes a second

            self.mcp_sessions = mcp.session_manager(functions(UserError))
            self.router.routes.extend(mcp.routes(self.mcp_sessions))

    @contextlib.asynccontextmanager
    async def lifespan(self, _: ASGIApp) -> AsyncIterator[None]:
        async with self.mcp_sessions.run() if self.mcp_sessions else contextlib.nullcontext():
            yield

    def build_middleware_stack(self) -> ASGIApp:
        inner = super().build_middleware_stack()
        access = Access(inner, self.site, self.users, self.metrics, version())
        return self.users.with_sessions(access) if self.users else access

    async def refuse(self, request: Request, error: Exception) -> Response:
        return refusal_response(self.metrics, request.state.endpoint, error)

    def page(self, address: str | None) -> "Page":
        """The document with its current settings, for people who reach it at `address`."""
        previous = self.reloader.previous
        settings = self.settings | {
            "invitation": self.invitation,
            "network_name": self.reloader.current.name,
            "previous_name": previous and previous.name,
        }
        return make_page(json.dumps(settings), address, " ".join(["'self'", *self.site.others]))


class Page(NamedTuple):
    """The document by content encoding, "" for none, and the headers of each answer."""

    bodies: dict[str, bytes]
    headers: dict[str, str]


@functools.lru_cache(maxsize=8)
def make_page(settings: str, address: str | None, frames: str) -> Page:
    """The document with `settings`, JSON; pages of `frames` may frame it.

    With an `address`, a link to it that is pasted into a chat has a picture.
    """
    links = {"address": f"{address}/", "picture": f"{address}/preview.png"} if address else {}
    html, policy = document(
        json.loads(settings), head=preview("Draw a digit", DESCRIPTION, **links)
    )
    body = html.encode()
    bodies = {"br": brotli.compress(body, quality=10), "gzip": gzip.compress(body), "": body}
    headers = {
        "content-security-policy": f"{policy}; frame-ancestors {frames}",
        "cache-control": "no-cache",
        "vary": "accept-encoding",
        "etag": f'W/"{hashlib.sha256(body).hexdigest()[:16]}"',
    }
    return Page(bodies, headers)


def page_routes(server: PageServer) -> list[BaseRoute]:
    """/, its picture for chats, and the OpenAPI description of this project's own routes."""
    one_at_a_time = anyio.CapacityLimiter(1)

    async def show(request: Request) -> Response:
        """The document, or 304 if the browser has it already."""
        address = server.site.address(request.scope)
        made = await anyio.to_thread.run_sync(server.page, address, limiter=one_at_a_time)
        if request.headers.get("if-none-match") == made.headers["etag"]:
            return Response(status_code=304, headers=made.headers)
        accepted = request.headers.get("accept-encoding", "")
        encoding = next(name for name in made.bodies if name in accepted)
        headers = made.headers | ({"content-encoding": encoding} if encoding else {})
        return Response(made.bodies[encoding], headers=headers, media_type="text/html")

    def picture(request: Request) -> Response:
        return FileResponse(PICTURE, headers={"cache-control": "max-age=86400"})

    def description(request: Request) -> Response:
        return routes.json_response(openapi(server.described))

    return [
        Route("/", show),
        Route("/preview.png", picture),
        Route("/openapi.json", description),
    ]


def openapi(described: list[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI description of these routes alone: Gradio's own would be 79 more."""
    return get_openapi(title="Draw a digit", version=version(), routes=described)


def file_address(name: str) -> str:
    return f"page-files/{version()}/{name}.gz"


def page_files() -> Mapping[str, tuple[bytes, str]]:
    """Files that a browser may cache for ever: content and media type by address."""
    return {file_address(name): (file, "application/gzip") for name, file in files().items()}


class Launched(NamedTuple):
    """Where a page is served, its public address if it has one, and what Gradio printed."""

    address: str
    public_address: str | None
    printed: str


def launch(server: PageServer, host="127.0.0.1", port=None, share=False) -> Launched:
    """Serve from a thread of its own, without a `port` on the first free one from 7860 on."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # Gradio asks itself for the page: not through a proxy.
    hosts = [os.environ.get("no_proxy"), "localhost,127.0.0.1"]
    os.environ["no_proxy"] = ",".join(filter(None, hosts))
    server.page(None)  # compressed before Gradio asks for it, which waits for 3 s at most
    server.site.is_starting = True
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        _, address, public_address = server.launch(
            server_name=host,
            server_port=port,
            share=share,
            quiet=True,
            prevent_thread_lock=True,
            ssr_mode=False,
            run_history=False,
            app_kwargs={"lifespan": server.lifespan},
        )
    log.take_over_uvicorn()
    server.site.is_starting, server.site.public_address = False, public_address
    return Launched(address, public_address, printed.getvalue())


def api_error(words: str) -> gr.Error:
    """An error that Gradio's clients show as `words`, without a traceback in the log."""
    return gr.Error(words, print_exception=False)
