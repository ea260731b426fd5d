"""The server: the page's document and routes, and Gradio's API for Gradio's clients.

`gradio.Server` is FastAPI with Gradio's API and without Gradio's front end.
"""

import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import gradio as gr
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from serving import corrections, log, routes, training
from serving.access import Access, refusal_response
from serving.auth import Passwords, sign_in_routes
from serving.classroom import CLASS, Classroom, class_routes, wall_routes
from serving.errors import Refusal
from serving.gradio_api import api_functions
from serving.limits import Workers
from serving.models import json_response
from serving.origins import Site
from serving.reloader import ModelReloader
from ui.document import FOLDER, document, files, preview, version
from ui.documents import pages

DESCRIPTION = "A small network reads your handwriting while you draw, and shows how sure it is."
PICTURE = FOLDER.parent / "docs" / "preview.png"
# In Accept-Encoding, unless its quality is 0.
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


class PageServer(gr.Server):
    """The server, with `Access` around everything, also Gradio's middleware."""

    def __init__(
        self,
        reloader: ModelReloader,
        store: Corrections | None = None,
        live: training.LiveTraining | None = None,
        site: Site | None = None,
        users: Passwords | None = None,
        offers_mcp: bool = False,
        classroom: Classroom | None = None,
    ) -> None:
        kinds = (Refusal, UserError, HTTPException, RequestValidationError, Exception)
        super().__init__(
            title="Draw a digit",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=self.lifespan,
            exception_handlers=dict.fromkeys(kinds, refuse),
        )
        self.reloader, self.site, self.users = reloader, site or Site(), users
        self.workers, self.invitation, self.mcp_server = Workers(), None, None
        self.classroom = classroom
        self.settings = self.fixed_settings(store, live)
        self.serve_functions(offers_mcp)
        self.described = self.own_routes(store, live)
        self.router.routes.extend([*self.described, *page_routes(self), *file_routes()])
        if classroom:
            self.router.routes.extend(wall_routes(classroom, reloader, self.settings).routes)
        if users:
            self.router.routes.extend(sign_in_routes(users, self.settings["root"]).routes)

    def fixed_settings(
        self, store: Corrections | None, live: training.LiveTraining | None
    ) -> dict[str, Any]:
        """Return the document's settings that stay as they are while the server runs."""
        return {
            "root": self.site.prefix and f"{self.site.prefix}/",
            "version": version(),
            "recognize": routes.RECOGNIZE,
            "network": routes.NETWORK,
            "corrections": store and corrections.CORRECTIONS,
            "training": live and training.PAGE_SETTINGS,
            "class": self.classroom and CLASS,
            "documents": True,
            "signed_in": self.users is not None,
            **{name: file_address(name) for name in files()},
        }

    def own_routes(
        self, store: Corrections | None, live: training.LiveTraining | None
    ) -> list[BaseRoute]:
        """Return the routes in the OpenAPI description."""
        api = [routes.recognition_routes(self.reloader, self.workers)]
        api += [routes.network_routes(self.reloader, is_public=self.users is None)]
        api += [corrections.correction_routes(self.reloader, store)] if store else []
        api += [training.training_routes(live)] if live else []
        api += [class_routes(self.classroom)] if self.classroom else []
        return [route for router in api for route in router.routes]

    def serve_functions(self, offers_mcp: bool) -> None:
        """Offer the three functions to Gradio's clients and, if `offers_mcp`, over MCP."""
        functions = functools.partial(api_functions, self.reloader, self.workers)
        for function in functions(functools.partial(gr.Error, print_exception=False)):
            self.api(function, name=function.__name__, concurrency_limit=None)
        if offers_mcp:
            from serving import mcp  # takes a second

            self.mcp_server = mcp.mcp_server(functions(UserError))
            self.router.routes.extend(mcp.routes(self.mcp_server))

    @contextlib.asynccontextmanager
    async def lifespan(self, _: ASGIApp) -> AsyncIterator[None]:
        async with (
            self.mcp_server.session_manager.run() if self.mcp_server else contextlib.nullcontext()
        ):
            yield

    def build_middleware_stack(self) -> ASGIApp:
        access = Access(super().build_middleware_stack(), self.site, self.users, version())
        return self.users.with_sessions(access) if self.users else access

    def page(self) -> "Page":
        """Return the document with its current settings."""
        previous = self.reloader.previous
        settings = self.settings | {
            "invitation": self.invitation,
            "network_name": self.reloader.current.name,
            "previous_name": previous and previous.name,
        }
        frames = " ".join(["'self'", *self.site.others])
        return make_page(json.dumps(settings), self.site.address(), frames)


async def refuse(request: Request, error: Exception) -> Response:
    return refusal_response(request.state.endpoint, error)


class Page(NamedTuple):
    """The document, plain and gzipped, and the headers of each answer."""

    html: bytes
    gzipped: bytes
    headers: dict[str, str]


@functools.lru_cache(maxsize=8)
def make_page(settings: str, address: str | None, frames: str) -> Page:
    """Make the document with `settings`, JSON. Sites in `frames` may show it in a frame.

    With an `address`, chats show a preview of a link to it.
    """
    head = preview("Draw a digit", DESCRIPTION, address)
    text, policy = document(json.loads(settings), head=head)
    html = text.encode()
    headers = {
        "content-security-policy": f"{policy}; frame-ancestors {frames}",
        "cache-control": "no-cache",
        "vary": "accept-encoding",
        "etag": f'W/"{hashlib.sha256(html).hexdigest()[:16]}"',
    }
    return Page(html, gzip.compress(html), headers)


def page_routes(server: PageServer) -> list[BaseRoute]:
    """Routes of the document, its preview for chats, and the OpenAPI description."""

    def show(request: Request) -> Response:
        """Return the document, or 304 if the browser has it."""
        page = server.page()
        if request.headers.get("if-none-match") == page.headers["etag"]:
            return Response(status_code=304, headers=page.headers)
        if GZIP.search(request.headers.get("accept-encoding", "")):
            headers = {**page.headers, "content-encoding": "gzip"}
            return Response(page.gzipped, 200, headers, "text/html")
        return Response(page.html, 200, page.headers, "text/html")

    def picture(request: Request) -> Response:
        return FileResponse(PICTURE, headers={"cache-control": "max-age=86400"})

    def description(request: Request) -> Response:
        """Describe our own routes, without 79 of Gradio's."""
        described = get_openapi(title="Draw a digit", version=version(), routes=server.described)
        return json_response(described)

    return [Route("/", show), Route("/preview.png", picture), Route("/openapi.json", description)]


def file_routes() -> list[BaseRoute]:
    """Routes of the page's files, which never change, and of pages of docs/."""

    def file(content: bytes, request: Request) -> Response:
        headers = {"cache-control": f"public, {routes.FOREVER}"}
        return Response(content, 200, headers, "application/gzip")

    def page(html: str, request: Request) -> Response:
        return HTMLResponse(html)

    served = {file_address(name): functools.partial(file, each) for name, each in files().items()}
    served |= {name: functools.partial(page, html) for name, html in pages().items()}
    return [Route(f"/{address}", show) for address, show in served.items()]


def file_address(name: str) -> str:
    return f"page-files/{version()}/{name}.gz"


class Launched(NamedTuple):
    """A server's address, its public address if it has one, and what Gradio printed."""

    address: str
    public_address: str | None
    printed: str


def launch(server: PageServer, host="127.0.0.1", port=None, share=False) -> Launched:
    """Serve from another thread, without a `port` on the first free one from 7860 on."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # Gradio requests the page from itself, which must not go through a proxy.
    hosts = [os.environ.get("no_proxy"), "localhost,127.0.0.1"]
    os.environ["no_proxy"] = ",".join(filter(None, hosts))
    server.page()  # fills the cache, as Gradio waits at most 3 s for the page
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
