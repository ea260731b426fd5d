"""Paper and bars as people use them: a real Chromium, real pointer events, the real network."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser import draw, move
from tests.drawings import DRAWINGS
from tests.page import (
    ENDPOINT,
    NETWORK,
    PHONE,
    Fingers,
    Gate,
    bar,
    between,
    expect_empty,
    expect_leader,
    ink,
    paper,
    pen_down,
    probabilities,
    record_requests,
    record_shown,
    send_pointer,
    settle,
    strokes_on,
    tool,
    wait_until,
    wait_until_answered,
)


def test_the_page_opens_inviting_and_without_a_guess(page):
    expect_empty(page)
    expect(page.get_by_role("application", name="Paper: draw a digit")).to_be_visible()
    expect(tool(page, "Undo")).to_be_disabled()
    expect(tool(page, "Clear")).to_be_disabled()


@pytest.mark.parametrize("digit", [0, 2, 3])  # 1, 4 and 7 are drawn below
def test_a_drawn_digit_leads(page, digit):
    draw(page, DRAWINGS[digit], steps=1)  # they are curves of many short lines
    expect_leader(page, digit)
    wait_until_answered(page)
    shown = page.locator(".bar").evaluate_all(
        "bars => bars.map(bar => [bar.dataset.digit, bar.firstElementChild.ariaValueNow])"
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


def test_a_stroke_is_cut_where_it_leaves_the_paper_and_another_begins_where_it_returns(page):
    pen_down(page, (0.3, 0.5))
    move(page, (1.3, 0.5), steps=5)
    move(page, (1.2, 0.9), steps=5)  # which would be smeared along the edge
    move(page, (0.6, 0.9), steps=5)
    page.mouse.up()
    wait_until_answered(page)
    first, second = strokes_on(page)
    assert first[-1] == [1000, 500]
    assert second[0] == [1000, 900]
    assert second[-1] == pytest.approx([600, 900], abs=3)
    tool(page, "Undo").click()
    tool(page, "Undo").click()
    expect_empty(page)


def test_undo_takes_back_one_stroke_and_clear_all(page):
    draw(page, DRAWINGS[1])
    expect_leader(page, 1)
    one_stroke = ink(page)
    draw(page, [[[0.2, 0.2], [0.8, 0.2]]])
    tool(page, "Undo").click()
    expect_leader(page, 1)
    assert ink(page) == one_stroke
    draw(page, DRAWINGS[7])
    tool(page, "Clear").click()
    expect_empty(page)
    assert ink(page) == 0
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)


def test_what_is_no_digit_is_said_to_be_none(page):
    letter_k = [[[0.3, 0.2], [0.3, 0.8]], [[0.65, 0.2], [0.3, 0.5], [0.68, 0.8]]]
    draw(page, letter_k)
    expect(page.get_by_text("This does not look like a digit").first).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)
    tool(page, "Clear").click()
    expect_empty(page)


def test_each_verdict_has_its_words(asking_page):
    def answer(first, second, verdict):
        probabilities = [0.0] * 10
        probabilities[4], probabilities[9] = first, second
        detail = {"probabilities": probabilities, "digit": 4, "runner_up": 9, "verdict": verdict}
        page.unroute(ENDPOINT)
        page.route(ENDPOINT, lambda route: route.fulfill(json=detail))
        tool(page, "Clear").click()
        draw(page, DRAWINGS[1])

    page = asking_page
    comment, spoken = page.locator(".comment"), page.locator(".spoken")
    draw(page, DRAWINGS[1])
    answer(0.9996, 0.0003, "sure")
    expect(comment).to_have_text("Almost certain")
    percents = page.locator(".percent").all_inner_texts()
    assert (percents[4], percents[9]) == ("> 99.9 %", "")
    expect(bar(page, 9)).to_have_attribute("aria-valuetext", "< 0.1 %")
    answer(0.97, 0.02, "sure")
    expect(comment).to_have_text("Quite sure: 97 %")
    expect(spoken).to_have_text("4, Quite sure: 97 %")
    answer(0.5, 0.45, "unsure")
    expect(comment).to_have_text("4 or 9? Not sure")
    expect_leader(page, 4)
    answer(0.3, 0.2, "no digit")
    expect(comment).to_have_text("This does not look like a digit")
    expect(spoken).to_have_text("This does not look like a digit")
    assert probabilities(page) == [0] * 10  # empty bars


def test_a_drawing_that_is_refused_is_said_to_be_and_not_answered(asking_page):
    draw(asking_page, DRAWINGS[7])
    expect_leader(asking_page, 7)
    asking_page.route(
        ENDPOINT, lambda route: route.fulfill(status=422, json={"error": "At most 100 strokes."})
    )
    draw(asking_page, DRAWINGS[1])
    expect(asking_page.get_by_text("At most 100 strokes.")).to_be_visible()
    expect(asking_page.locator(".bar.leading")).to_have_count(0)


def test_the_pen_takes_over_from_the_palm(page):
    send_pointer(page, "pointerdown", 1, "touch", 0.9, 0.9)
    wait_until_answered(page)
    send_pointer(page, "pointerdown", 2, "pen", 0.3, 0.22)
    send_pointer(page, "pointermove", 1, "touch", 0.8, 0.9)
    send_pointer(page, "pointermove", 2, "pen", 0.7, 0.22)
    send_pointer(page, "pointermove", 2, "pen", 0.45, 0.8)
    send_pointer(page, "pointerup", 2, "pen", 0.45, 0.8)
    send_pointer(page, "pointerdown", 3, "touch", 0.9, 0.9)  # the palm, while the pen is lifted
    send_pointer(page, "pointerup", 3, "touch", 0.9, 0.9)
    expect_leader(page, 7)
    tool(page, "Undo").click()
    expect_empty(page)


def test_a_pen_that_presses_harder_draws_a_wider_line(page):
    inked = []
    for pressure in (0.1, 0.9):
        send_pointer(page, "pointerdown", 1, "pen", 0.5, 0.2, pressure)
        send_pointer(page, "pointermove", 1, "pen", 0.5, 0.5, pressure)
        send_pointer(page, "pointermove", 1, "pen", 0.5, 0.8, pressure)
        send_pointer(page, "pointerup", 1, "pen", 0.5, 0.8)
        expect_leader(page, 1)
        inked.append(ink(page))
        tool(page, "Clear").click()
    assert inked[1] > 1.5 * inked[0]


def test_the_pen_s_other_end_erases(page):
    draw(page, DRAWINGS[1])
    expect_leader(page, 1)
    send_pointer(page, "pointerdown", 1, "pen", 0.5, 0.5, button=5)
    send_pointer(page, "pointerup", 1, "pen", 0.5, 0.5)
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
    assert paper(page).evaluate(colour) < 100
    page.emulate_media(color_scheme="dark")
    wait_until(page, lambda: paper(page).evaluate(colour) > 150)


def test_the_right_mouse_button_draws_nothing(page):
    move(page, (0.5, 0.5))
    page.mouse.down(button="right")
    move(page, (0.7, 0.7))
    page.mouse.up(button="right")
    assert ink(page) == 0


def test_one_request_at_a_time_and_the_last_state_is_sent(asking_page):
    gate = Gate(asking_page)
    pen_down(asking_page, (0.3, 0.22))
    move(asking_page, (0.7, 0.22), steps=20)
    move(asking_page, (0.45, 0.8), steps=20)
    asking_page.mouse.up()
    settle(asking_page)
    assert len(gate.held) == 1
    with asking_page.expect_request(ENDPOINT) as last:
        gate.open()
    (stroke,) = json.loads(last.value.post_data)["strokes"]
    assert stroke[-1] == pytest.approx([450, 800], abs=3)
    expect_leader(asking_page, 7)


def draw_and_clear_with_the_answer_on_its_way(page) -> Gate:
    """Draw a 7 and clear it before any answer; what is shown from then on is recorded."""
    gate = Gate(page)
    draw(page, DRAWINGS[7])
    wait_until(page, lambda: gate.held)
    tool(page, "Clear").click()
    settle(page)
    record_shown(page)
    return gate


def test_clear_wins_over_an_answer_on_its_way(asking_page):
    gate = draw_and_clear_with_the_answer_on_its_way(asking_page)
    with asking_page.expect_response(ENDPOINT):
        gate.answer_first(7)
    settle(asking_page)
    assert asking_page.evaluate("shown") == []
    expect_empty(asking_page)


def test_an_answer_to_what_was_cleared_is_not_shown_for_what_is_drawn_next(asking_page):
    gate = draw_and_clear_with_the_answer_on_its_way(asking_page)
    draw(asking_page, DRAWINGS[1])
    gate.answer_first(7)
    gate.open()
    expect_leader(asking_page, 1)
    assert "7" not in asking_page.evaluate("shown")


def test_a_server_that_fails_is_said_and_the_drawing_kept(asking_page):
    asking_page.route(ENDPOINT, lambda route: route.abort())
    draw(asking_page, DRAWINGS[7])
    notice = asking_page.locator(".notice")
    expect(notice).to_contain_text("Your drawing is kept")
    assert ink(asking_page) > 0
    asking_page.unroute(ENDPOINT)
    expect_leader(asking_page, 7)  # by itself
    expect(notice).to_be_empty()


def test_the_canvas_is_crisp_and_keeps_its_drawing_when_resized(open_context):
    page = open_context(device_scale_factor=3)
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.set_viewport_size({"width": 700, "height": 800})
    sizes = "canvas => [canvas.width, Math.round(canvas.clientWidth * devicePixelRatio)]"
    wait_until(page, lambda: len(set(paper(page).evaluate(sizes))) == 1)
    assert ink(page) > 0


def test_a_resize_in_mid_drawing_keeps_the_stroke(page):
    pen_down(page, (0.3, 0.22))
    move(page, (0.7, 0.22), steps=6)
    page.set_viewport_size({"width": 900, "height": 700})
    settle(page)
    move(page, (0.45, 0.8), steps=6)
    page.mouse.up()
    expect_leader(page, 7)
    tool(page, "Undo").click()
    expect_empty(page)


def test_a_finger_draws_on_a_narrow_screen(open_context):
    page = open_context(**PHONE)
    finger = Fingers(page)
    finger.send("touchStart", DRAWINGS[7][0][0])
    for start, end in pairwise(DRAWINGS[7][0]):
        for part in range(1, 9):
            finger.send("touchMove", between(start, end, part / 8))
    finger.send("touchEnd")
    expect_leader(page, 7)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    unscrollable = """() => [...document.querySelectorAll("*")]
        .filter((node) => getComputedStyle(node).touchAction === "none")
        .map((node) => node.tagName)"""
    assert page.evaluate(unscrollable) == ["CANVAS"]
    expect(bar(page, 9)).to_be_in_viewport(ratio=1)


def test_a_second_finger_does_not_tangle_the_stroke(open_context):
    page = open_context(**PHONE)
    finger = Fingers(page)
    start, corner, end = DRAWINGS[7][0]
    finger.send("touchStart", start)
    finger.send("touchStart", start, (0.9, 0.9))
    for part in range(1, 9):
        finger.send("touchMove", between(start, corner, part / 8), (0.9, 0.9 - part / 20))
    for part in range(1, 9):
        finger.send("touchMove", between(corner, end, part / 8), (0.9, 0.5))
    finger.send("touchEnd")
    expect_leader(page, 7)
    tool(page, "Undo").click()
    expect_empty(page)


def test_a_page_that_nobody_uses_asks_nothing(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    with page.expect_response(NETWORK):  # the last thing that happens, after a second stroke
        draw(page, DRAWINGS[1])
    settle(page)
    requests = record_requests(page)
    frames = page.evaluate(
        """async () => {
            let painted = 0;
            const draw = CanvasRenderingContext2D.prototype.clearRect;
            CanvasRenderingContext2D.prototype.clearRect = function (...box) {
                painted += 1;
                return draw.apply(this, box);
            };
            await new Promise((resume) => setTimeout(resume, 1000));
            CanvasRenderingContext2D.prototype.clearRect = draw;
            return painted;
        }"""
    )
    assert frames == 0
    assert requests == []


def test_about_leads_to_the_lesson_and_to_what_programs_ask(page):
    draw(page, DRAWINGS[7])
    page.get_by_text("How does it work?").click()
    for link, words in [("For programs", "recognize"), ("The lesson", "784 numbers")]:
        with page.context.expect_page() as opened:
            page.get_by_role("link", name=link).click()
        expect(opened.value.get_by_text(words).first).to_be_visible()
    expect_leader(page, 7)


TOGETHER = [".paper", ".tools .link", ".answer", ".bars", "figure:nth-of-type(2) .legend"]


@pytest.mark.parametrize("phone", [False, True], ids=["screen", "phone"])
def test_paper_answer_bars_and_explanation_are_in_sight_together(open_context, phone):
    page = open_context(**PHONE if phone else {})
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    sizes = [(1280, 800), (1366, 768), (1920, 1080), (960, 700), (768, 1024), (640, 400)]
    for width, height in [(375, 667), (320, 568), (812, 375)] if phone else sizes:
        page.set_viewport_size({"width": width, "height": height})
        for part in TOGETHER[: 4 if width == 320 else 5]:
            expect(page.locator(part)).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sheet, answer = (page.locator(part).bounding_box() for part in (".paper", ".answer"))
        is_beside = sheet["x"] + sheet["width"] < answer["x"]
        assert is_beside or sheet["y"] + sheet["height"] < answer["y"]
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert paper(page).bounding_box()["height"] > 0.55 * 1080
