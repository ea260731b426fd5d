"""How the page is shown: high contrast, print, screens and zoom, the first moments, much ink."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import (
    NO_EXAMPLE,
    PHONE,
    expect_leader,
    ink,
    paper,
    record_requests,
    settle,
    tool,
    wait_for,
    wait_until,
    wait_until_answered,
)


def fills(page, part: str) -> tuple[list[int], list[int]]:
    """The colours of an element's fill and of what it lies on, as they are painted."""
    script = """selector => {
        const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const node = document.querySelector(selector);
        const own = getComputedStyle(node).backgroundColor;
        return [parse(own), parse(getComputedStyle(document.body).backgroundColor)];
    }"""
    return page.evaluate(script, part)


def test_bars_and_legend_are_seen_in_high_contrast(open_context):
    page = open_context(forced_colors="active")
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    expect(page.locator(".legend")).to_be_visible()
    for part in (".leading .fill", ".bar:not(.leading) .fill"):
        fill, ground = fills(page, part)
        assert max(abs(a - b) for a, b in zip(fill[:3], ground[:3], strict=True)) > 60
    for part in (".legend .for", ".legend .against"):
        swatch = page.locator(part).evaluate(
            "node => getComputedStyle(node, '::before').backgroundColor"
        )
        assert swatch in ("rgb(230, 159, 0)", "rgb(0, 130, 220)")
    edge = page.locator(".bar .ask").first.evaluate("node => getComputedStyle(node).borderTopColor")
    assert edge == "rgb(255, 255, 255)"  # a bar has one frame


def test_print_shows_bars_and_is_dark_on_white_whatever_the_theme(open_context):
    page = open_context(color_scheme="dark")
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    page.emulate_media(media="print")
    settle(page)
    adjusted = "node => getComputedStyle(node).printColorAdjust"
    assert page.locator(".leading .fill").evaluate(adjusted) == "exact"
    for part in (".yes", ".tools", ".toast"):  # what nobody can press
        expect(page.locator(part).first).to_be_hidden()
    colour = "node => getComputedStyle(node).color.match(/\\d+/g).map(Number)"
    assert max(page.locator("h1").evaluate(colour)) < 100
    painted = paper(page).evaluate(
        """canvas => canvas.getContext("2d").getImageData(
            0.5 * canvas.width, 0.67 * canvas.height, 1, 1).data[0]"""
    )
    assert painted < 100  # the ink too


def test_the_canvas_follows_the_screen_s_pixel_ratio(page):
    draw(page, DRAWINGS[7])
    before = paper(page).evaluate("canvas => canvas.width")
    session = page.context.new_cdp_session(page)
    size = {"width": 1280, "height": 800, "mobile": False}
    motion = {2: "reduce", 3: "no-preference"}  # Chromium looks at media queries when one changes
    for ratio, wanted in motion.items():
        session.send("Emulation.setDeviceMetricsOverride", {**size, "deviceScaleFactor": ratio})
        page.emulate_media(reduced_motion=wanted)
        wait_for(page, "width => document.querySelector('canvas').width === width", ratio * before)
    assert ink(page) > 0
    session.send("Emulation.clearDeviceMetricsOverride")


SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize(
    "settings", [{}, PHONE, {"locale": "zh-CN"}], ids=["screen", "phone", "chinese"]
)
def test_the_first_bytes_show_paper_and_bars_and_nothing_moves_later(browser, server, settings):
    """The script comes late: what is seen before it is where it will be."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
    page = context.new_page()
    page.add_init_script(NO_EXAMPLE + SHIFTS)
    answer = httpx.get(server)
    head, _, script = answer.text.partition('<script type="module">')
    bare = {k: v for k, v in answer.headers.items() if "security" not in k and "encod" not in k}
    page.route(server, lambda route: route.fulfill(body=head, headers=bare))
    page.goto(server)
    places = [page.locator(part).bounding_box() for part in (".paper", ".bars", ".tools")]
    assert all(box["width"] > 100 for box in places)
    expect(page.locator(".tools .undo")).to_contain_text("Undo")
    page.evaluate(
        """source => {
            const script = document.createElement("script");
            script.type = "module";
            script.textContent = source;
            document.body.append(script);
        }""",
        script.partition("</script>")[0],
    )
    wait_until(page, lambda: page.evaluate("'reader' in document.documentElement.dataset"))
    page.wait_for_timeout(300)
    after = [page.locator(part).bounding_box() for part in (".paper", ".bars", ".tools")]
    assert after == places
    assert page.evaluate("shifts") <= 0.02
    context.close()


def test_a_first_visit_asks_for_little(browser, server):
    context = browser.new_context()
    page = context.new_page()
    asked = record_requests(page)
    page.goto(server)
    wait_until(page, lambda: page.evaluate("document.documentElement.dataset.reader"))
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    assert len([url for url in asked if not url.startswith("data:")]) <= 3
    context.close()


# Much ink


def many_strokes(page, strokes: int, points: int) -> None:
    """Draw by pointer events, as fast as they can be sent."""
    paper(page).evaluate(
        """(canvas, [strokes, points]) => {
            canvas.setPointerCapture = () => {};  // this pointer exists in this test alone
            const box = canvas.getBoundingClientRect();
            const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1,
                clientX: box.x + x * box.width, clientY: box.y + y * box.height }));
            for (let i = 0; i < strokes; i++) {
                const y = 0.05 + (0.9 * i) / strokes;
                send("pointerdown", 0, y);
                for (let j = 0; j < points; j++) send("pointermove", j % 2, y);
                send("pointerup", 0.5, y);
            }
        }""",
        [strokes, points],
    )


@pytest.mark.parametrize(
    ("strokes", "points", "said"),
    [(101, 3, "more than 100 strokes"), (1, 9000, "too long")],
    ids=["strokes", "points"],
)
def test_too_much_ink_is_said_to_be_too_much(page, strokes, points, said):
    many_strokes(page, strokes, points)
    expect(page.locator(".notice")).to_contain_text(said)
    assert ink(page) > 0
    expect(page.locator(".bar.leading")).to_have_count(0)
    tool(page, "Clear").click()
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    expect(page.locator(".notice")).to_be_empty()


def test_finished_strokes_are_not_worked_out_again(page):
    """However many there are, a new point adds at most some curves."""
    many_strokes(page, 60, 20)
    wait_until_answered(page)
    page.evaluate(
        """() => {
            window.curves = 0;
            const add = Path2D.prototype.quadraticCurveTo;
            Path2D.prototype.quadraticCurveTo = function (...place) {
                curves += 1;
                return add.apply(this, place);
            };
        }"""
    )
    many_strokes(page, 1, 5)
    settle(page)
    assert 0 < page.evaluate("curves") < 20
