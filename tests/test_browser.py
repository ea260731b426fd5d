"""The page as people use it: a real Chromium, real pointer events, the real network."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from scripts.browser import draw, move
from tests.drawings import DRAWINGS

expect.set_options(timeout=60_000)  # a machine that does much else can be slow

ENDPOINT = "**/component_server/"


@pytest.fixture
def page(browser, server):
    """The page, loaded, in a window of its own; it must log no error and ask no other host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints, hosts = [], []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("request", lambda request: hosts.append(request.url))
    open_page(page, server)
    yield page
    context.close()
    assert [line for line in complaints if "Failed to load resource" not in str(line)] == []
    assert [url for url in hosts if not url.startswith((server, "data:", "blob:"))] == []


def open_page(page, server) -> None:
    page.goto(server, timeout=120_000)
    expect(page.get_by_text("0 to 9")).to_be_visible()


def pen_down(page, point) -> None:
    move(page, point)
    page.mouse.down()


class Gate:
    """Holds the page's requests back until it is opened."""

    def __init__(self, page) -> None:
        self.held, self.is_open = [], False
        page.route(ENDPOINT, lambda route: self.pass_on(route))

    def pass_on(self, route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()

    def answer_first(self, digit: int) -> None:
        """Answer the request that has waited longest, as if the network were sure of `digit`."""
        answer = {"probabilities": [0.1] * 10, "runner_up": 0, "verdict": "sure", "digit": digit}
        self.held.pop(0).fulfill(json=answer)


def record_shown(page) -> None:
    """Note from now on what the page shows: window.shown, a digit or null for each answer."""
    page.evaluate(
        """() => {
            window.shown = [];
            document.addEventListener("prediction",
                (event) => shown.push(event.detail?.digit ?? null));
        }"""
    )


def bar(page, digit):
    return page.locator(f'[role="meter"][data-digit="{digit}"]')


def expect_leader(page, digit) -> None:
    expect(page.locator(".bar.leading")).to_have_attribute("data-digit", str(digit))
    expect(page.locator(".answer .digit")).to_have_text(str(digit))


def expect_empty(page) -> None:
    expect(page.get_by_text("0 to 9")).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)
    expect(page.locator(".answer .digit")).to_have_text("?")
    for digit in range(10):
        expect(bar(page, digit)).to_have_attribute("aria-valuenow", "10.0")


def ink(page) -> int:
    """How many of the canvas's pixels carry ink."""
    return page.locator("canvas").evaluate(
        """async canvas => {
            await new Promise(requestAnimationFrame);  // what is about to be painted
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return image.data.filter((value, i) => i % 4 === 3 && value > 0).length;
        }"""
    )


def test_the_page_opens_inviting_and_without_a_guess(page):
    expect_empty(page)
    expect(page.get_by_role("img", name="Paper: draw a digit")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()


@pytest.mark.parametrize("digit", [0, 2, 3, 4, 5, 7])
def test_a_drawn_digit_leads(page, digit):
    draw(page, DRAWINGS[digit])
    expect_leader(page, digit)
    page.wait_for_timeout(300)  # the last answer
    shown = page.locator(".bar").evaluate_all(
        "bars => bars.map(bar => [bar.dataset.digit, bar.getAttribute('aria-valuenow')])"
    )
    assert [name for name, _ in shown] == list("0123456789")
    assert all(re.fullmatch(r"\d+\.\d", value) for _, value in shown)
    values = [float(value) for _, value in shown]
    assert sum(values) == pytest.approx(100, abs=0.6)
    assert max(values) == values[digit]


def test_the_bars_move_while_the_pen_is_down(page):
    pen_down(page, (0.5, 0.2))
    move(page, (0.5, 0.8), steps=10)
    expect_leader(page, 1)  # and the pen has not been lifted


def test_a_tap_makes_a_dot(page):
    pen_down(page, (0.5, 0.5))
    page.mouse.up()
    expect(page.locator(".result")).not_to_have_attribute("data-verdict", "empty")
    assert ink(page) > 100


def test_a_stroke_that_leaves_the_paper_and_returns_stays_one(page):
    pen_down(page, (0.3, 0.5))
    move(page, (1.3, 0.5), steps=5)
    move(page, (0.4, 0.8), steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Undo").click()
    expect_empty(page)


def test_undo_takes_back_one_stroke_and_clear_all(page):
    draw(page, DRAWINGS[1])
    expect_leader(page, 1)
    one_stroke = ink(page)
    draw(page, [[[0.2, 0.2], [0.8, 0.2]]])
    page.get_by_role("button", name="Undo").click()
    expect_leader(page, 1)
    assert ink(page) == one_stroke
    draw(page, DRAWINGS[7])
    page.get_by_role("button", name="Clear").click()
    expect_empty(page)
    assert ink(page) == 0
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)


def test_what_is_no_digit_is_said_to_be_none(page):
    letter_k = [[[0.3, 0.2], [0.3, 0.8]], [[0.65, 0.2], [0.3, 0.5], [0.68, 0.8]]]
    draw(page, letter_k)
    expect(page.get_by_text("This does not look like a digit").first).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    expect_empty(page)


def test_each_verdict_has_its_words(page):
    def answer(first, second, verdict):
        probabilities = [0.0] * 10
        probabilities[4], probabilities[9] = first, second
        detail = {"probabilities": probabilities, "digit": 4, "runner_up": 9, "verdict": verdict}
        page.evaluate(
            "detail => document.dispatchEvent(new CustomEvent('prediction', { detail }))", detail
        )

    comment, spoken = page.locator(".comment"), page.locator(".spoken")
    answer(0.97, 0.02, "sure")
    expect(comment).to_have_text("97.0 %")
    expect(spoken).to_have_text("4, 97.0 %")
    answer(0.5, 0.45, "unsure")
    expect(comment).to_have_text("4 or 9? Not sure")
    expect_leader(page, 4)
    answer(0.3, 0.2, "no digit")
    expect(comment).to_have_text("This does not look like a digit")
    expect(spoken).to_have_text("This does not look like a digit")


def test_a_drawing_that_is_refused_is_said_to_be_and_not_answered(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.route(ENDPOINT, lambda route: route.fulfill(json={"error": "At most 100 strokes."}))
    draw(page, DRAWINGS[1])
    expect(page.get_by_text("At most 100 strokes.")).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)


def test_the_pen_takes_over_from_the_palm(page):
    send = """(canvas, [type, id, pointerType, x, y]) => {
        canvas.setPointerCapture = () => {};  // these pointers exist in this test alone
        const box = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new PointerEvent(type, { pointerId: id, pointerType, bubbles: true,
            clientX: box.x + x * box.width, clientY: box.y + y * box.height }));
    }"""
    with page.expect_request(ENDPOINT):
        page.locator("canvas").evaluate(send, ["pointerdown", 1, "touch", 0.9, 0.9])
    page.locator("canvas").evaluate(send, ["pointerdown", 2, "pen", 0.3, 0.22])
    page.locator("canvas").evaluate(send, ["pointermove", 1, "touch", 0.8, 0.9])
    page.locator("canvas").evaluate(send, ["pointermove", 2, "pen", 0.7, 0.22])
    page.locator("canvas").evaluate(send, ["pointermove", 2, "pen", 0.45, 0.8])
    page.locator("canvas").evaluate(send, ["pointerup", 2, "pen", 0.45, 0.8])
    expect_leader(page, 7)
    page.get_by_role("button", name="Undo").click()
    expect_empty(page)


def test_the_ink_follows_the_system_s_theme(page):
    draw(page, DRAWINGS[7])
    colour = """async canvas => {
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        const { data } = canvas.getContext("2d").getImageData(
            0.5 * canvas.width, 0.22 * canvas.height, 1, 1);
        return data[0];
    }"""
    assert page.locator("canvas").evaluate(colour) < 100
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert page.locator("canvas").evaluate(colour) > 150


def test_the_right_mouse_button_draws_nothing(page):
    move(page, (0.5, 0.5))
    page.mouse.down(button="right")
    move(page, (0.7, 0.7))
    page.mouse.up(button="right")
    assert ink(page) == 0


def test_one_request_at_a_time_and_the_last_state_is_sent(page):
    gate = Gate(page)
    pen_down(page, (0.3, 0.22))
    move(page, (0.7, 0.22), steps=20)
    move(page, (0.45, 0.8), steps=20)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert len(gate.held) == 1
    with page.expect_request(ENDPOINT) as last:
        gate.open()
    (stroke,) = json.loads(last.value.post_data)["data"]
    assert stroke[-1] == pytest.approx([450, 800], abs=3)
    expect_leader(page, 7)


def draw_and_clear_with_the_answer_on_its_way(page) -> Gate:
    """Draw a 7 and clear it before any answer; what is shown from then on is recorded."""
    gate = Gate(page)
    draw(page, DRAWINGS[7])
    page.wait_for_timeout(100)
    page.get_by_role("button", name="Clear").click()
    record_shown(page)
    return gate


def test_clear_wins_over_an_answer_on_its_way(page):
    gate = draw_and_clear_with_the_answer_on_its_way(page)
    with page.expect_response(ENDPOINT):
        gate.answer_first(7)
    page.wait_for_timeout(300)
    assert page.evaluate("shown") == []
    expect_empty(page)


def test_an_answer_to_what_was_cleared_is_not_shown_for_what_is_drawn_next(page):
    gate = draw_and_clear_with_the_answer_on_its_way(page)
    draw(page, DRAWINGS[1])
    gate.answer_first(7)
    gate.open()
    expect_leader(page, 1)
    assert 7 not in page.evaluate("shown")


def test_a_server_that_fails_is_said_and_the_drawing_kept(page):
    page.route(ENDPOINT, lambda route: route.abort())
    draw(page, DRAWINGS[7])
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Your drawing is kept")
    assert ink(page) > 0
    page.unroute(ENDPOINT)
    expect_leader(page, 7)  # by itself
    expect(notice).to_be_empty()


def test_the_canvas_is_crisp_and_keeps_its_drawing_when_resized(browser, server):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=3)
    page = context.new_page()
    open_page(page, server)
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.set_viewport_size({"width": 700, "height": 800})
    sizes = "canvas => [canvas.width, Math.round(canvas.clientWidth * devicePixelRatio)]"
    page.wait_for_timeout(300)
    pixels, wanted = page.locator("canvas").evaluate(sizes)
    assert pixels == wanted
    assert ink(page) > 0
    context.close()


def test_a_finger_draws_on_a_narrow_screen(browser, server):
    context = browser.new_context(
        viewport={"width": 375, "height": 667}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_page(page, server)
    box = page.locator("canvas").bounding_box()
    finger = context.new_cdp_session(page)

    def touch(kind, *points):
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
                  for x, y in points]  # fmt: skip
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    corners = DRAWINGS[7][0]
    touch("touchStart", corners[0])
    for (x0, y0), (x1, y1) in pairwise(corners):
        for i in range(1, 9):
            touch("touchMove", (x0 + (x1 - x0) * i / 8, y0 + (y1 - y0) * i / 8))
    touch("touchEnd")
    expect_leader(page, 7)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    expect(bar(page, 9)).to_be_in_viewport(ratio=1)
    context.close()


def test_the_page_s_own_api_link_is_there(page):
    page.get_by_role("button", name="Use via API").click()
    expect(page.get_by_text("/predict_image").first).to_be_visible()
