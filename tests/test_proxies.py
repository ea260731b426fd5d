"""The page below a prefix, behind proxies that take the prefix off and those that don't."""

import contextlib
import re
import socket
import threading

import httpx
import pytest
import uvicorn
from gradio_client import Client
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from serving.options import argument_parser
from serving.origins import Site
from tests.browser import draw
from tests.conftest import free_port, serving
from tests.drawings import DRAWINGS
from tests.page import expect_leader, open_page

PREFIXES = ("/digits", "/ui", "/net", "/app", "/networks/of/digits")


@contextlib.contextmanager
def proxy(port: int, prefix: str, strips: bool):
    """The address of a server that shows the one at `port` below `prefix`, as nginx would."""
    upstream = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)

    async def forward(request):
        path = request.url.path
        if strips:
            path = path.removeprefix(prefix) or "/"
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


@pytest.fixture(scope="module", params=["strips", "keeps"])
def proxied(request):
    port = free_port()
    with (
        serving(root_path="/digits", port=port, corrections=False, mcp=True),
        proxy(port, "/digits", request.param == "strips") as address,
    ):
        yield address


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_page_works_below_a_prefix_with_and_without_a_slash(browser, proxied, slash):
    page = browser.new_page(bypass_csp=True)  # tests.page waits by eval
    failures = []
    page.on("response", lambda r: failures.append(r.url) if r.status >= 400 else None)
    open_page(page, proxied + slash)
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    assert failures == []
    page.close()


def test_programs_work_below_a_prefix(proxied):
    drawing = {"strokes": DRAWINGS[7]}
    assert httpx.post(f"{proxied}/recognize", json=drawing).json()["digit"] == 7
    client = Client(f"{proxied}/", verbose=False)
    assert client.predict(DRAWINGS[7], api_name="/predict")["7"] > 0.9


@pytest.mark.parametrize("strips", [True, False])
def test_signing_in_works_below_a_prefix(browser, strips):
    port = free_port()
    with (
        serving(root_path="/digits", port=port, corrections=False, auth=[("ann", "chalk")]),
        proxy(port, "/digits", strips) as address,
    ):
        page = browser.new_page()
        page.goto(address)
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill("chalk")
        page.get_by_role("button", name="Sign in").click()
        page.locator(".paper").wait_for()
        page.close()


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_address_of_ours_begins_like_a_prefix(prefix):
    site = Site(prefix)
    for path in ("/", "/recognize", "/network", "/network/a.bin", "/page-files/1/a.gz"):
        assert site.strip_prefix(path) == path  # a proxy has taken the prefix off
        assert site.strip_prefix(prefix + path) == path
    assert site.strip_prefix(prefix) == "/"
    assert site.strip_prefix(f"{prefix}-others/x") == f"{prefix}-others/x"


@pytest.mark.parametrize(
    ("given", "prefix", "root"),
    [
        ("", "", ""),
        ("/", "", ""),
        ("/digits", "/digits", "/digits/"),
        ("/digits/", "/digits", "/digits/"),
        ("https://page.example/digits/", "/digits", "/digits/"),
        ("https://page.example/", "", ""),
    ],
)
def test_a_root_path_is_understood_with_and_without_slashes(given, prefix, root):
    args = argument_parser().parse_args(["--root-path", given])
    assert Site(args.root_path).prefix == prefix
    with serving(root_path=args.root_path, corrections=False) as address:
        html = httpx.get(address, headers={"host": "evil.example"}).text
        assert re.search(r'"root": ?"([^"]*)"', html)[1] == root
        config = httpx.get(f"{address}config", headers={"host": "evil.example"}).json()
        assert config["root"] == (given.rstrip("/") if "://" in given else prefix)
