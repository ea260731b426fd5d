"""What the page's first answer shows before Gradio has loaded."""

import io

import httpx
import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect
from starlette.responses import RedirectResponse

from serving.skeleton import SkeletonMiddleware
from tests.conftest import run_async, serving
from tests.page import PHONE, open_page

SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 200_000,
}
WATCH_SHIFTS = """
    window.shifted = 0;
    const add = (list) => list.getEntries().forEach((entry) => (window.shifted += entry.value));
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });"""
PAINTED = "performance.getEntriesByName('first-contentful-paint').length"


def test_the_first_answer_shows_something_above_all_style_sheets(client):
    answer = client.get("/")
    page = answer.text
    assert page.index('id="skeleton"') < page.index('rel="stylesheet"') < page.index("<gradio-app")
    assert answer.headers["content-encoding"] == "gzip"
    assert ">Draw a digit</h1>" in page
    assert page.count('role="meter"') == 1 + 10  # the template and its bars
    plain = client.get("/", headers={"accept-encoding": "identity"})
    assert plain.text == page
    assert int(plain.headers["content-length"]) == len(plain.content)


def test_it_speaks_the_reader_s_language(client):
    page = client.get("/", headers={"accept-language": "zh-HK,zh;q=0.9,en;q=0.8"}).text
    assert ">手写一个数字</h1>" in page
    assert ">Draw a digit</h1>" in client.get("/", headers={"accept-language": "fr"}).text


def test_who_must_log_in_sees_none():
    with serving(auth=[("ann", "chalk")]) as address, httpx.Client() as client:
        assert 'id="skeleton"' not in client.get(address).text
        client.post(f"{address}login", data={"username": "ann", "password": "chalk"})
        assert 'id="skeleton"' in client.get(address).text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_that_is_no_page_comes_through(method):
    inner = SkeletonMiddleware(RedirectResponse("/login"), {"en": "SKELETON"}, "<a.js>")

    async def ask():
        transport = httpx.ASGITransport(inner)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.request(method, "/")

    answer = run_async(ask())
    assert (answer.status_code, answer.headers["location"]) == (307, "/login")
    assert "SKELETON" not in answer.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [{"viewport": {"width": 1280, "height": 800}}, PHONE])
def test_it_stands_there_at_once_where_the_page_will_and_looks_like_it(
    browser, server, scheme, device
):
    page = browser.new_page(color_scheme=scheme, reduced_motion="reduce", **device)
    held = []
    page.route("**/assets/**", lambda route: held.append(route))
    page.goto(server, wait_until="commit")
    page.wait_for_function(PAINTED)
    outline = page.screenshot()
    page.unroute("**/assets/**")  # they come
    open_page(page, server)
    expect(page.locator("#skeleton")).to_be_hidden()
    box = page.locator(".bars").bounding_box()
    real = page.screenshot()
    difference = ImageChops.difference(bars(outline, box), bars(real, box))
    assert max(high for _, high in difference.getextrema()) <= 4  # of 255: a rounded edge
    page.close()


def bars(screenshot: bytes, box: dict) -> Image.Image:
    """What is in `box` in a picture of the window, as far as they lie in it."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    left, top = box["x"], box["y"]
    right, bottom = left + box["width"], min(top + box["height"], picture.height)
    pixels = picture.crop(tuple(map(round, (left, top, right, bottom))))
    assert len(pixels.getcolors(100_000)) > 5  # there is something in it
    return pixels


def test_nothing_moves_while_the_page_comes_over_a_slow_link(browser, server):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, **SLOW})
    page.add_init_script(WATCH_SHIFTS)
    open_page(page, server)
    assert page.evaluate("shifted") < 0.01
    page.close()
