"""The page below a prefix, behind a proxy, and signing in there."""

import contextlib
import socket
import threading

import httpx
import pytest
import uvicorn
from gradio_client import Client
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from serving.app import PageServer
from serving.options import argument_parser
from serving.origins import Site
from serving.reloader import ModelReloader
from tests.conftest import ROOT, free_port, serving
from tests.drawings import DRAWINGS
from tests.page import SEVEN_LINK, draw_digit, expect_leader, tool


@contextlib.contextmanager
def proxy(port: int, prefix: str):
    """The address of a server that shows the one at `port` below `prefix`, which it strips."""
    upstream = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)

    async def forward(request):
        path = request.url.path.removeprefix(prefix) or "/"
        headers = {k: v for k, v in request.headers.items() if k != "connection"}
        url = httpx.URL(path=path, query=request.url.query.encode())
        asked = upstream.build_request(
            request.method, url, headers=headers, content=await request.body()
        )
        answer = await upstream.send(asked, stream=True)
        return StreamingResponse(answer.aiter_raw(), answer.status_code, answer.headers)

    paths = (prefix, f"{prefix}/{{rest:path}}")
    methods = ["GET", "HEAD", "POST", "DELETE"]
    site = Starlette(routes=[Route(path, forward, methods=methods) for path in paths])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(site, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{prefix}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def proxied():
    port = free_port()
    with (
        serving(root_path="/digits", port=port, corrections=False, auth=[("ann", "chalk")]),
        proxy(port, "/digits") as address,
    ):
        yield address


def test_the_page_and_signing_in_work_below_a_prefix(new_window, proxied):
    page = new_window()
    failures = []
    page.on("response", lambda r: failures.append(r.url) if r.status >= 400 else None)
    page.goto(f"{proxied}{SEVEN_LINK}")  # without a slash at its end
    for password in ("wrong", "chalk"):
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        if password == "wrong":
            words = "The name or the password is wrong."
            expect(page.get_by_role("alert")).to_have_text(words)
    expect_leader(page, 7)  # the link's drawing is still in the address
    tool(page, "Clear").click()
    draw_digit(page, 1)
    assert [url for url in failures if not url.endswith("/login")] == []
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_programs_work_below_a_prefix(proxied):
    drawing = {"strokes": DRAWINGS[7]}
    answer = httpx.post(f"{proxied}/recognize", json=drawing, auth=("ann", "chalk"))
    assert answer.json()["digit"] == 7
    client = Client(f"{proxied}/", auth=("ann", "chalk"), verbose=False)
    assert client.predict(DRAWINGS[7], api_name="/predict")["7"] > 0.9


@pytest.mark.parametrize("prefix", ["/digits", "/net", "/networks/of/digits"])
def test_the_prefix_is_stripped_once_where_a_proxy_has_not_done_so(prefix):
    site = Site(f"{prefix}/")
    for path in ("/", "/recognize", "/network", "/network/a.bin", "/page-files/1/a.gz"):
        assert site.strip_prefix(path) == path
        assert site.strip_prefix(prefix + path) == path
    assert site.strip_prefix(prefix) == "/"
    assert site.strip_prefix(f"{prefix}-others/x") == f"{prefix}-others/x"


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ("", ""),
        ("/digits/", "/digits"),
        ("https://page.example/digits/", "/digits"),
        ("https://page.example/", ""),
    ],
)
def test_a_root_path_is_understood_with_and_without_slashes(given, prefix):
    args = argument_parser().parse_args(["--root-path", given])
    page = PageServer(ModelReloader(ROOT / "weights"), site=Site(args.root_path))
    assert page.settings["root"] == (prefix and f"{prefix}/")
    assert Site(args.root_path).prefix == prefix
