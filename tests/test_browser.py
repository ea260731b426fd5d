"""Drawing in a real browser: mouse, pen, finger, palm and keys, and the bars that follow."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser import draw, move
from tests.drawings import DRAWINGS
from tests.page import (
    ENDPOINT,
    PHONE,
    Fingers,
    draw_digit,
    expect_empty,
    expect_leader,
    ink,
    paper,
    pen_down,
    probabilities,
    scribble,
    send_pointer,
    settle,
    strokes_on,
    tool,
    wait_until_answered,
)


def test_drawn_digits_lead_and_are_undone_and_cleared(page):
    expect_empty(page)
    expect(tool(page, "Undo")).to_be_disabled()
    for digit in (0, 2, 3):
        draw(page, DRAWINGS[digit], steps=1)  # they are curves of many short lines
        expect_leader(page, digit)
        shares = probabilities(page)
        assert sum(shares) == pytest.approx(1, abs=0.006)
        assert max(shares) == shares[digit]
        tool(page, "Clear").click()
        expect_empty(page)
        assert ink(page) == 0
    tool(page, "Undo").click()
    expect_leader(page, 3)
    draw(page, [[(0.2, 0.2), (0.8, 0.2)]])
    tool(page, "Undo").click()
    expect_leader(page, 3)


def test_the_bars_move_while_the_pen_is_down_also_when_the_window_changes(page):
    pen_down(page, (0.5, 0.2))
    move(page, (0.5, 0.7), steps=10)
    expect_leader(page, 1)  # and the pen has not been lifted
    page.set_viewport_size({"width": 900, "height": 700})
    settle(page)
    move(page, (0.5, 0.8), steps=3)
    page.mouse.up()
    wait_until_answered(page)
    (stroke,) = strokes_on(page)
    assert stroke[0] == pytest.approx([500, 200], abs=3)
    assert stroke[-1] == pytest.approx([500, 800], abs=3)


def test_a_tap_makes_a_dot_and_the_right_button_draws_nothing(page):
    move(page, (0.5, 0.5))
    page.mouse.down(button="right")
    move(page, (0.7, 0.7))
    page.mouse.up(button="right")
    assert ink(page) == 0
    pen_down(page, (0.5, 0.5))
    page.mouse.up()
    expect(page.locator(".result")).not_to_have_attribute("data-verdict", "empty")
    assert ink(page) > 100


def test_a_stroke_ends_at_the_edge_and_another_begins_where_it_returns(page):
    pen_down(page, (0.3, 0.5))
    for point in ((1.3, 0.5), (1.2, 0.9), (0.6, 0.9)):
        move(page, point, steps=5)
    page.mouse.up()
    wait_until_answered(page)
    first, second = strokes_on(page)
    assert first[-1] == [1000, 500]
    assert second[0] == [1000, 900]
    assert second[-1] == pytest.approx([600, 900], abs=3)


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


def test_a_pen_draws_wider_when_pressed_and_erases_with_its_other_end(page):
    inked = []
    for pressure in (0.1, 0.9):
        send_pointer(page, "pointerdown", 1, "pen", 0.5, 0.2, pressure)
        send_pointer(page, "pointermove", 1, "pen", 0.5, 0.5, pressure)
        send_pointer(page, "pointermove", 1, "pen", 0.5, 0.8, pressure)
        send_pointer(page, "pointerup", 1, "pen", 0.5, 0.8)
        expect_leader(page, 1)
        inked.append(ink(page))
        send_pointer(page, "pointerdown", 2, "pen", 0.5, 0.5, button=5)
        send_pointer(page, "pointerup", 2, "pen", 0.5, 0.5)
        expect_empty(page)
    assert inked[1] > 1.5 * inked[0]


def test_a_finger_draws_on_a_phone_and_a_second_one_does_not_disturb(open_context):
    page = open_context(**PHONE)
    fingers = Fingers(page)
    start, *_ = points = DRAWINGS[7][0]
    fingers.send("touchStart", start)
    fingers.send("touchStart", start, (0.9, 0.9))
    for (x, y), (to_x, to_y) in pairwise(points):
        for part in (0.25, 0.5, 0.75, 1):
            finger = (x + (to_x - x) * part, y + (to_y - y) * part)
            fingers.send("touchMove", finger, (0.9, 0.9 - part / 3))
    fingers.send("touchEnd")
    expect_leader(page, 7)
    assert len(strokes_on(page)) == 1
    unscrollable = """() => [...document.querySelectorAll("*")]
        .filter((node) => getComputedStyle(node).touchAction === "none" && node.checkVisibility())
        .map((node) => node.tagName)"""
    assert page.evaluate(unscrollable) == ["CANVAS"]


def hold(page, key: str, times: int) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def test_a_digit_is_drawn_with_the_keyboard_alone(page):
    hold(page, "Tab", 3)  # after language and theme
    expect(paper(page)).to_be_focused()
    hold(page, "ArrowUp", 10)
    hold(page, "ArrowLeft", 6)
    assert ink(page) > 0  # the cursor
    for _ in range(4):
        page.keyboard.down("Space")  # repeats, as a held key does
    page.keyboard.up("Space")
    expect(page.locator(".notice")).to_have_text("Pen down")
    hold(page, "ArrowRight", 14)
    page.keyboard.down("ArrowLeft")
    hold(page, "ArrowDown", 9)  # with the other: a slant
    page.keyboard.up("ArrowLeft")
    hold(page, "ArrowDown", 12)
    page.keyboard.press("Space")
    expect(page.locator(".notice")).to_have_text("Pen up")
    expect_leader(page, 7)
    expect(page.locator(".spoken")).to_contain_text("7")
    hold(page, "ArrowLeft", 5)  # moves without drawing
    tool(page, "Undo").click()
    expect_empty(page)


def test_keys_undo_redo_and_clear_but_not_in_a_text_field(page):
    draw(page, DRAWINGS[7])
    keys = ["Control+z", "Control+Shift+z", "Escape", "Meta+z", "Delete", "Control+z"]
    for key, is_empty in zip(keys, [True, False] * 3, strict=False):
        page.keyboard.press(key)
        expect_empty(page) if is_empty else expect_leader(page, 7)
    page.evaluate("document.body.append(document.createElement('input'))")
    page.locator("body > input").focus()
    for key in ("Control+z", "Escape", "Delete"):
        page.keyboard.press(key)
    page.locator("#about .card > summary").focus()
    page.keyboard.press("Delete")
    settle(page)
    expect_leader(page, 7)


# The server's answers, where the page has no network


def test_each_verdict_has_its_words(asking_page):
    page = asking_page

    def say(first: float, second: float, verdict: str, words: str) -> None:
        shares = [0.0] * 4 + [first] + [0.0] * 4 + [second]
        page.unroute(ENDPOINT)
        json = {"probabilities": shares, "runner_up": 9, "verdict": verdict, "digit": 4}
        page.route(ENDPOINT, lambda route: route.fulfill(json=json))
        tool(page, "Clear").click()
        draw(page, DRAWINGS[1])
        expect(page.locator(".comment")).to_have_text(words)

    draw(page, DRAWINGS[1])
    say(0.9996, 0.0003, "sure", "Almost certain")
    assert page.locator(".percent").all_inner_texts()[4] == "> 99.9 %"
    say(0.97, 0.02, "sure", "Quite sure: 97 %")
    expect(page.locator(".spoken")).to_have_text("4, Quite sure: 97 %")
    say(0.5, 0.45, "unsure", "4 or 9? Not sure")
    expect_leader(page, 4)
    say(0.3, 0.2, "no digit", "This does not look like a digit")
    assert probabilities(page) == [0] * 10  # empty bars
    expect(page.locator(".bar.leading")).to_have_count(0)


def test_a_refusal_and_a_failing_server_are_reported_and_the_drawing_stays(asking_page):
    page, notice = asking_page, asking_page.locator(".notice")
    refusal = {"error": "At most 100 strokes."}
    page.route(ENDPOINT, lambda route: route.fulfill(status=422, json=refusal))
    draw(page, DRAWINGS[7])
    expect(page.get_by_text("At most 100 strokes.")).to_be_visible()
    expect(page.locator(".bar.leading")).to_have_count(0)
    tool(page, "Clear").click()
    page.unroute(ENDPOINT)
    page.route(ENDPOINT, lambda route: route.abort())
    draw(page, DRAWINGS[7])
    expect(notice).to_contain_text("Your drawing is kept")
    assert ink(page) > 0
    page.unroute(ENDPOINT)
    expect_leader(page, 7)  # by itself
    expect(notice).to_be_empty()


# Painting


def test_the_canvas_is_crisp_on_a_fine_screen(open_context):
    page = open_context(device_scale_factor=3)
    assert paper(page).evaluate("canvas => canvas.width / canvas.clientWidth") == 3


def test_too_much_ink_is_reported(page):
    for strokes, points, words in ((101, 3, "more than 100 strokes"), (1, 9000, "too long")):
        scribble(page, strokes, points)
        expect(page.locator(".notice")).to_contain_text(words)
        expect(page.locator(".bar.leading")).to_have_count(0)
        assert ink(page) > 0
        tool(page, "Clear").click()
    draw_digit(page, 7)
    expect(page.locator(".notice")).to_be_empty()


TOGETHER = [".paper", ".tools .link", ".answer", ".bars", "#change"]
SCREENS = [(1280, 800), (1920, 1080), (768, 1024), (640, 400)]
PHONES = [(375, 667), (320, 568), (812, 375)]


@pytest.mark.parametrize("sizes", [SCREENS, PHONES], ids=["screen", "phone"])
def test_paper_answer_bars_and_explanation_are_in_sight_together(open_context, sizes):
    page = open_context(**(PHONE if sizes is PHONES else {}))
    draw_digit(page, 4)
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        for part in TOGETHER[: 4 if width == 320 else 5]:
            expect(page.locator(part)).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if (width, height) == sizes[0]:
            for button in page.locator(".tools button:visible, #examples button").all():
                box = button.bounding_box()
                assert min(box["width"], box["height"]) >= 44, button.text_content()
