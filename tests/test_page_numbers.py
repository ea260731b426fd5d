"""Numbers on the page: read while they are written, divided anew by a tap, taught by the digit."""

import json

from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import expect_empty, paper, tool, wait_until_answered


def at(digit: int, left: float) -> list:
    """A digit's strokes with its left edge there, so small that three stand side by side."""
    return [[(left + 0.3 * x, 0.3 + 0.4 * y) for x, y in stroke] for stroke in DRAWINGS[digit]]


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
    draw(page, at(4, 0.02))
    draw(page, at(7, 0.45))
    expect(shown).to_have_text("47")
    page.get_by_role("button", name="Digit 1: 4").click()
    tool(page, "Join with 7").click()
    expect(page.locator(".brackets")).to_be_hidden()
    wait_until_answered(page)
    assert page.evaluate("read.number") is None
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
    draw(page, at(4, 0.02))
    draw(page, at(7, 0.45))
    page.get_by_role("button", name="Digit 1: 4").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.keyboard.press("9")
    page.wait_for_function("localStorage.getItem('draw-a-digit:lessons')")
    (lesson,) = json.loads(page.evaluate("localStorage.getItem('draw-a-digit:lessons')"))
    assert (lesson["label"], len(lesson["strokes"])) == (9, 2)
    assert max(x for stroke in lesson["strokes"] for x, _ in stroke) < 400
