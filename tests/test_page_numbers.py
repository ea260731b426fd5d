"""Numbers on the page: read while they are written, divided anew by a tap, taught by the digit."""

import json

import numpy as np
from playwright.sync_api import expect

from tests.browser import draw, move
from tests.drawings import DRAWINGS
from tests.page import (
    PHONE,
    expect_empty,
    paper,
    pen_down,
    picture,
    strokes_on,
    tool,
    wait_for,
    wait_until_answered,
)


def at(digit: int, left: float) -> list:
    """A digit's strokes with its left edge there, so small that three stand side by side."""
    return [[(left + 0.3 * x, 0.3 + 0.4 * y) for x, y in stroke] for stroke in DRAWINGS[digit]]


def draw_forty_seven(page) -> None:
    for digit, left in ((4, 0.02), (7, 0.45)):
        draw(page, at(digit, left))
    expect(page.locator(".answer .digit")).to_have_text("47")


def test_a_number_is_read_while_it_is_written_and_each_digit_is_explained(page):
    shown, question = page.locator(".answer .digit"), page.locator("#insight .question")
    draw(page, at(4, 0.02))
    expect(shown).to_have_text("4")
    expect(page.locator(".brackets")).to_be_hidden()
    draw(page, at(2, 0.33), steps=1)
    expect(shown).to_have_text("42")
    draw(page, at(7, 0.62))
    expect(shown).to_have_text("427")
    expect(page.locator(".comment")).to_have_text("Almost certain")
    expect(page.locator(".spoken")).to_have_text("4 2 7, Almost certain")
    expect(question).to_contain_text("Why 7")  # the last one written
    page.get_by_role("button", name="Digit 1: 4").press("Enter")
    expect(question).to_contain_text("Why 4")
    expect(page.locator(".bar.leading")).to_have_attribute("data-digit", "4")
    tool(page, "Undo").click()
    expect(shown).to_have_text("42")
    link = page.url
    tool(page, "Clear").click()
    expect_empty(page)
    page.evaluate("link => (location.hash = new URL(link).hash)", link)
    expect(shown).to_have_text("42")


def test_what_is_divided_wrongly_is_mended_by_a_tap_and_a_new_stroke_forgets_it(page):
    shown = page.locator(".answer .digit")
    draw_forty_seven(page)
    page.get_by_role("button", name="Digit 1: 4").click()
    tool(page, "Join with 7").click()
    expect(page.locator(".bracket:visible")).to_have_count(0)
    wait_until_answered(page)
    assert len(shown.text_content()) == 1
    tool(page, "Split").click()  # it looks like no digit
    expect(shown).to_have_text("47")
    draw(page, at(1, 0.7))
    expect(shown).to_have_text("471")
    page.get_by_role("button", name="Digit 1: 4").click()
    tool(page, "Split").click()
    expect(page.locator(".bracket:visible")).to_have_count(4)
    # The buttons over the paper leave room to draw.
    assert paper(page).evaluate(
        """(canvas) => {
            const { x, y, width, height } = canvas.getBoundingClientRect();
            return document.elementFromPoint(x + width / 2, y + height / 4) === canvas;
        }"""
    )


def test_a_correction_is_about_the_digit_that_was_chosen(page):
    draw_forty_seven(page)
    page.get_by_role("button", name="Digit 1: 4").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.keyboard.press("9")
    wait_for(page, "localStorage.getItem('draw-a-digit:lessons')")
    (lesson,) = json.loads(page.evaluate("localStorage.getItem('draw-a-digit:lessons')"))
    assert (lesson["label"], len(lesson["strokes"])) == (9, 2)
    assert max(x for stroke in lesson["strokes"] for x, _ in stroke) < 400


def test_a_tap_on_a_digit_chooses_it_and_leaves_no_dot(page):
    draw_forty_seven(page)
    before = strokes_on(page)
    pen_down(page, (0.14, 0.5))
    page.mouse.up()
    expect(page.locator("#insight .question")).to_contain_text("Why 4")
    expect(page.get_by_role("button", name="Digit 1: 4")).to_have_attribute("aria-pressed", "true")
    assert strokes_on(page) == before
    pen_down(page, (0.14, 0.5))
    move(page, (0.3, 0.5), steps=3)  # which is a stroke
    page.mouse.up()
    drawn = strokes_on(page)
    assert len(drawn) == len(before) + 1
    assert drawn[-1][0] == [140, 500]


def test_brackets_are_as_large_as_a_finger_needs(open_context):
    page = open_context(**PHONE)
    draw_forty_seven(page)
    for bracket in page.locator(".bracket:visible").all():
        box, sheet = bracket.bounding_box(), paper(page).bounding_box()
        assert min(box["width"], box["height"]) >= 44
        assert box["y"] + box["height"] <= sheet["y"] + sheet["height"] + 1


def test_no_asks_which_part_of_a_number_is_wrong_before_which_digit_it_is(page):
    lessons = "JSON.parse(localStorage.getItem('draw-a-digit:lessons') ?? '[]')"
    draw_forty_seven(page)
    no = page.get_by_role("button", name="No", exact=True)
    no.click()
    expect(page.get_by_role("group", name="Which part of 47 is wrong?")).to_be_visible()
    page.keyboard.press("9")  # of which part?
    assert page.evaluate(lessons) == []
    page.get_by_role("button", name="Digit 1, read as 4").click()
    expect(page.get_by_role("group", name="Digit 1 of 47: which one is it?")).to_be_visible()
    page.keyboard.press("Escape")
    tool(page, "Clear").click()
    draw_forty_seven(page)
    no.click()
    page.get_by_role("button", name="It is one digit").click()
    expect(page.get_by_role("group", name="Which digit is it?")).to_be_visible()
    page.keyboard.press("8")
    wait_for(page, f"{lessons}.length")
    (lesson,) = page.evaluate(lessons)
    assert (lesson["label"], len(lesson["strokes"])) == (8, 3)


def test_digits_joined_in_one_stroke_are_split_by_hand(page):
    eight, nought = at(8, 0.05)[0], at(0, 0.13)[0]
    draw(page, [eight + nought])  # overlapping, so that it is not cut by itself
    expect(page.locator(".comment")).to_contain_text("Not sure")
    tool(page, "Split").click()
    expect(page.locator(".bracket:visible")).to_have_count(2)


def test_what_looks_like_no_digit_is_named(page):
    draw(page, at(7, 0.02))
    plus = [[(0.42, 0.5), (0.6, 0.5)], [(0.51, 0.41), (0.51, 0.59)]]
    draw(page, plus)
    draw(page, at(2, 0.62))
    expect(page.locator(".comment")).to_have_text("Digit 2 does not look like a digit")
    for lines, tops in ((("77", "77"), (-0.25, 0.2)), (("42", "17"), (-0.2, 0.15))):
        tool(page, "Clear").click()
        for top, digits in zip(tops, lines, strict=True):
            for left, digit in zip((0.1, 0.45), digits, strict=True):
                strokes = at(int(digit), left)
                draw(page, [[(x, y + top) for x, y in stroke] for stroke in strokes])
        expect(page.locator(".comment")).to_contain_text("one line of writing")


def test_a_number_in_a_picture_has_brackets_and_is_cropped_by_dragging(page, mnist):
    images, labels = mnist[0].numpy(), mnist[1].tolist()
    three, seven = images[labels.index(3)], images[labels.index(7)]
    lines = np.pad(np.concatenate([three, seven], 1), [(0, 40), (0, 0)])
    lines[40:68, 14:42] = seven  # 37 above a 7
    page.locator("input.choose").set_input_files(picture(lines, size=(224, 272)))
    crop = page.get_by_role("button", name="Crop")
    expect(page.locator(".comment")).to_contain_text("several lines")
    crop.click()
    box = page.locator(".crop-area").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 0.45 * box["height"])
    page.mouse.up()
    shown = page.locator(".answer .digit")
    expect(shown).to_have_text("37")
    expect(crop).to_be_hidden()
    page.get_by_role("button", name="Digit 2: 7").click()
    expect(page.locator(".bar.leading")).to_have_attribute("data-digit", "7")
    page.get_by_role("button", name="Digit 1: 3").click()
    expect(page.locator(".bar.leading")).to_have_attribute("data-digit", "3")
    expect(shown).to_have_text("37")
