"""The stage: two tabs, of which one is open beside the paper or none."""

import pytest
from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import PHONE, expect_leader, paper, strokes_on, tool
from ui.texts import ENGLISH

INSIDE, LEARN = ENGLISH["inside"], ENGLISH["training"]
SIZES = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": PHONE,
    "phone on its side": {**PHONE, "viewport": {"width": 667, "height": 375}},
    "tablet": {"viewport": {"width": 768, "height": 1024}},
    "twice as large": {"viewport": {"width": 640, "height": 400}},
}


def test_a_tab_opens_and_closes_the_stage_and_the_drawing_stays(page):
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    strokes = strokes_on(page)
    tool(page, INSIDE).click()
    expect(page.locator("#insight")).to_be_hidden()
    expect(tool(page, INSIDE)).to_have_attribute("aria-pressed", "true")
    tool(page, LEARN).click()
    expect(tool(page, INSIDE)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")  # which clears the paper off the stage
    expect(page.locator("#insight")).to_be_visible()
    tool(page, INSIDE).click()
    tool(page, INSIDE).click()
    expect(page.locator("#insight")).to_be_visible()
    assert strokes_on(page) == strokes
    page.keyboard.press("Escape")
    expect(page.locator(".hint")).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_one_draws_on_the_stage_and_nothing_is_wider_than_the_window(open_context, size):
    page = open_context("?open=inside", **SIZES[size])
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    page.locator(".clear").click()
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.mouse.wheel(0, 2000)
    expect(paper(page)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
