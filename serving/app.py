"""The page on one server: its document and routes, and Gradio's API for Gradio's clients.

`gradio.Server` is FastAPI with Gradio's API in it, and without Gradio's front end.
"""

import contextlib
import hashlib
import io
import os
from typing import NamedTuple

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mnist_core.corrections.store import Corrections
from serving import corrections, middleware, routes, training
from serving.auth import login_routes
from serving.mcp import mcp_routes
from serving.metrics import Metrics
from serving.reloader import ModelReloader
from ui.document import document, files, preview, version
from ui.documents import pages


class PageServer(gr.Server):
    """Everything that is served. `access` stands before all of it, Gradio's middleware included.

    `invitation` is a public address and its QR code, {"address", "code"}, for pages opened later.
    """

    def __init__(
        self,
        reloader: ModelReloader,
        store: Corrections | None = None,
        live: training.LiveTraining | None = None,
        root_path: str = "",
        mcp: bool = False,
    ) -> None:
        super().__init__(title="Draw a digit", docs_url=None, redoc_url=None, openapi_url=None)
        self.metrics, self.prefix, self.invitation = Metrics(), root_path, None
        self.settings = {
            "version": version(),
            "recognize": routes.RECOGNIZE,
            "network": routes.NETWORK,
            "corrections": store and corrections.CORRECTIONS,
            "training": live and training.TRAINING,
            **{name: f"files/{version()}/{name}.gz" for name in files()},
        }
        served = [Route("/", self.page), *routes.recognition_routes(reloader, self.metrics)]
        served += [*login_routes(), *routes.file_routes(reloader, page_files(), pages())]
        if store:
            served += corrections.correction_routes(reloader, store, self.metrics).routes
        if live:
            served += training.training_routes(live).routes
        served += mcp_routes(reloader, self.metrics) if mcp else []
        self.router.routes.extend(served)
        for function in routes.api_functions(reloader, self.metrics, api_error):
            self.api(function, name=function.__name__, concurrency_limit=1)

    def page(self, request: Request) -> Response:
        """The document, which a browser keeps until it is another."""
        address = str(request.base_url)
        head = preview("Draw a digit", "A small network reads your handwriting", address, "")
        html, policy = document(self.settings | {"invitation": self.invitation}, head=head)
        tag = f'"{hashlib.sha256(html.encode()).hexdigest()[:16]}"'
        headers = {"content-security-policy": policy, "cache-control": "no-cache", "etag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(html, headers=headers, media_type="text/html")

    def build_middleware_stack(self) -> ASGIApp:
        inner = super().build_middleware_stack()
        return middleware.LimitsMiddleware(inner, self.metrics, version(), self.prefix)


def page_files() -> dict[str, tuple[bytes, str]]:
    """What a browser may keep for ever: content and media type, by address."""
    return {
        f"files/{version()}/{name}.gz": (content, "application/gzip")
        for name, content in files().items()
    }


class Launched(NamedTuple):
    """Where a page is served, its public address if it has one, and what Gradio printed."""

    address: str
    public_address: str | None
    printed: str


def launch(server: PageServer, host="127.0.0.1", port=None, share=False, auth=None) -> Launched:
    """Serve from a thread of its own; without a port it takes a free one from 7860 on."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # Gradio asks itself for the page: not through a proxy.
    hosts = [os.environ.get("no_proxy"), "localhost,127.0.0.1"]
    os.environ["no_proxy"] = ",".join(filter(None, hosts))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        _, address, public_address = server.launch(
            server_name=host,
            server_port=port,
            share=share,
            auth=auth,
            quiet=True,
            prevent_thread_lock=True,
            ssr_mode=False,
            app_kwargs={"exception_handlers": middleware.NOT_ANSWERED},
        )
    return Launched(address, public_address, printed.getvalue())


def api_error(words: str) -> gr.Error:
    """What shows `words` to a client of Gradio's and leaves no traceback in the log."""
    return gr.Error(words, print_exception=False)
