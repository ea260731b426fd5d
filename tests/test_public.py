"""The page in public: behind a proxy, when the server is busy, goes away or is renewed."""

import os
import socket
import threading

import httpx
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from scripts.browser import draw
from tests.conftest import ROOT, free_port, run, serving
from tests.drawings import DRAWINGS
from tests.page import ENDPOINT, expect_leader, open_page, tool

RENEWED = "There is a newer version of this page."


def test_a_server_that_goes_away_is_waited_for(browser):
    port = free_port()
    page = browser.new_page()
    with serving(port=port) as address:
        open_page(page, address)
        draw(page, DRAWINGS[4][:1])
        expect(page.locator(".result")).not_to_have_attribute("data-verdict", "empty")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    draw(page, DRAWINGS[4][1:])
    expect(page.get_by_text("No answer from the server. Your drawing is kept")).to_be_visible()
    page.wait_for_timeout(5000)
    assert 2 <= len(asked) <= 6  # after 0.5, 1.5, 3.5 s and so on
    with serving(port=port):
        expect_leader(page, 4)
        expect(page.locator(".notice")).to_be_empty()
        expect(page.locator(".renewal")).to_be_hidden()
    page.close()


def test_a_busy_server_is_waited_for(page):
    answers = [503, 503]
    page.route(
        ENDPOINT,
        lambda route: route.fulfill(status=answers.pop()) if answers else route.continue_(),
    )
    draw(page, DRAWINGS[7])
    expect(page.get_by_text("Too many people are drawing")).to_be_visible()
    expect_leader(page, 7)
    expect(page.locator(".notice")).to_be_empty()


def renew(route) -> None:
    """Answer as a server with a newer page would, in a form that this page does not know."""
    route.fulfill(json={"anything": "else"}, headers={"page-version": "newer"})


def test_a_newer_server_asks_for_a_reload_that_keeps_the_drawing(page):
    draw(page, DRAWINGS[4][:1])
    page.route(ENDPOINT, renew)
    draw(page, DRAWINGS[4][1:])
    expect(page.get_by_text(RENEWED)).to_be_visible()
    page.unroute(ENDPOINT)
    with page.expect_navigation():
        tool(page, "Load the page again").click()
    expect_leader(page, 4)
    expect(page.locator(".renewal")).to_be_hidden()
    page.wait_for_function("location.hash.startsWith('#drawing=1.')")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_reload_keeps_a_picture_too(page, mnist, tmp_path):
    Image.fromarray(255 - mnist[0][0].numpy()).resize((280, 280)).save(tmp_path / "five.png")
    page.locator(".choose").set_input_files(tmp_path / "five.png")
    expect_leader(page, mnist[1][0].item())
    page.evaluate("document.querySelector('.renewal').hidden = false")
    with page.expect_navigation():
        tool(page, "Load the page again").click()
    expect_leader(page, mnist[1][0].item())


@pytest.fixture
def proxy():
    """A reverse proxy that shows another server's page below /digits/, as nginx would."""
    port = free_port()
    upstream = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)

    async def forward(request):
        path = request.url.path.removeprefix("/digits")
        headers = {k: v for k, v in request.headers.items() if k != "connection"}
        answer = await upstream.request(
            request.method, path, headers=headers, content=await request.body()
        )
        dropped = ("content-encoding", "content-length", "transfer-encoding")
        kept = {k: v for k, v in answer.headers.items() if k not in dropped}
        return Response(answer.content, answer.status_code, kept)

    site = Starlette(routes=[Route("/digits/{rest:path}", forward, methods=["GET", "POST"])])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(site, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield port, f"http://127.0.0.1:{listener.getsockname()[1]}/digits/"
        server.should_exit = True
        thread.join(20)


def test_a_reverse_proxy_shows_the_page_below_a_path(browser, proxy):
    port, address = proxy
    page = browser.new_page()
    failures = []
    page.on("response", lambda r: failures.append(r.url) if r.status >= 400 else None)
    with serving("--root-path", "/digits", port=port):
        open_page(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
    assert failures == []
    page.close()


def test_it_starts_as_a_space_does():
    """Hugging Face runs `python app.py` with these variables, and no options."""
    front_matter = (ROOT / "README.md").read_text(encoding="utf-8").split("---")[1]
    settings = dict(line.split(": ", 1) for line in front_matter.strip().splitlines())
    assert settings["sdk"] == "gradio"
    assert settings["app_file"] == "app.py"
    assert (ROOT / settings["app_file"]).exists()
    space = {
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/draw-a-digit",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SSR_MODE": "True",
    }
    with serving(environment=space) as address:
        answer = httpx.post(f"{address}recognize", json={"strokes": DRAWINGS[7]})
        assert answer.json()["digit"] == 7


def test_many_people_draw_at_once_and_all_are_answered(server):
    done = run(ROOT / "scripts" / "load_test.py", "--address", server, "--people", 8,
               "--seconds", 4)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    row = done.stdout.splitlines()[2].split()
    assert row[0] == "8"
    assert float(row[1]) > 5  # answers a second


def test_malformed_requests_do_no_harm(server):
    done = run(ROOT / "scripts" / "fuzz.py", "--address", server, "--requests", 2000, "--seed",
               os.getpid())  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a good drawing" in done.stdout


@pytest.mark.parametrize("script", ["load_test.py", "fuzz.py"])
def test_where_nothing_is_served_a_script_says_so(script):
    done = run(ROOT / "scripts" / script, "--address", f"http://127.0.0.1:{free_port()}/")
    assert done.returncode == 2
    assert "no page answers at" in done.stderr
    assert "Traceback" not in done.stderr
