"""The stage: the paper beside one of two views. What Look inside shows is what PyTorch computes."""

import math
import re

import pytest
from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import (
    PHONE,
    draw_digit,
    expect_accessible,
    paper,
    probabilities,
    record_requests,
    strokes_on,
    tool,
)
from ui.texts import CHINESE, ENGLISH

INSIDE, LEARN = ENGLISH["inside"], ENGLISH["training"]
SIZES = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": PHONE,
    "phone on its side": {**PHONE, "viewport": {"width": 667, "height": 375}},
    "tablet": {"viewport": {"width": 768, "height": 1024}},
    "twice as large": {"viewport": {"width": 640, "height": 400}},
}


def test_a_tab_opens_and_closes_the_stage_and_the_drawing_stays(page):
    draw_digit(page, 4)
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
    draw_digit(page, 4)
    page.locator(".clear").click()
    draw_digit(page, 7)
    page.mouse.wheel(0, 2000)
    expect(paper(page)).to_be_in_viewport(ratio=1)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


# Look inside


POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def number(words: str) -> float:
    digits, _, power = words.replace("−", "-").partition(" · 10")
    return float(digits) * 10 ** int(power.translate(POWERS) or 0)


def test_a_drawing_is_followed_from_pixels_to_its_surprise(page):
    """Of the numbers themselves tests/test_inside_js.py knows more."""
    asked = record_requests(page)
    draw_digit(page, 4)
    assert not [url for url in asked if "images" in url]  # not before the tab is opened
    tool(page, INSIDE).click()
    page.locator(".exact summary").click()
    four = page.locator(".exact tbody tr").nth(4).locator("td")
    expect(four).to_have_count(4)
    score, power, share, logarithm = map(number, four.all_inner_texts())
    assert power == pytest.approx(math.exp(score), rel=0.01)
    assert share == pytest.approx(probabilities(page)[4], abs=0.006)
    assert logarithm == pytest.approx(math.log(share), abs=1e-4)
    expect(page.locator(".heads small").nth(1)).to_have_text(re.compile(r"^\d+ of them on$"))
    page.locator(".softmax select").select_option("4")
    surprise = page.locator(".surprise").text_content()
    assert float(surprise.removeprefix(": surprise ")) == pytest.approx(0, abs=0.1)
    tool(page, "Clear").click()
    expect(page.locator(".draw-first")).to_be_visible()
    expect(page.locator(".unit .title")).to_be_hidden()


def test_a_unit_is_held_by_mouse_and_by_keyboard(page):
    draw(page, DRAWINGS[7])
    tool(page, INSIDE).click()
    title = page.locator(".unit .title")
    expect(title).to_have_text(ENGLISH["unit_strongest"].format(layer=1))
    parts = [
        float(cell.replace("−", "-")) for cell in page.locator(".ledger td").all_inner_texts()[:4]
    ]
    assert sum(parts[:3]) == pytest.approx(parts[3])
    second = page.get_by_role("slider", name=ENGLISH["units_of"].format(layer=2))
    second.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(second).to_have_attribute("aria-valuenow", "2")
    expect(title).to_have_text(ENGLISH["unit_held"].format(layer=2))
    expect(page.locator(".looks")).to_have_text(ENGLISH["looks_here"])
    box = page.locator(".sliders div").nth(2).bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 20)
    expect(title).to_have_text(ENGLISH["unit_pointed"].format(layer=3))
    page.mouse.move(2, 2)
    expect(title).to_have_text(ENGLISH["unit_held"].format(layer=2))
    page.mouse.click(box["x"] + 2, box["y"] + 20)
    draw(page, [[[0.2, 0.5], [0.8, 0.5]]])  # it stays held
    expect(title).to_have_text(ENGLISH["unit_held"].format(layer=3))


def test_a_unit_that_is_off_says_so(page):
    draw(page, DRAWINGS[7])
    tool(page, INSIDE).click()
    first = page.get_by_role("slider", name=ENGLISH["units_of"].format(layer=1))
    first.focus()
    state = page.locator(".state")
    for _ in range(40):  # from the lane of 0: most of its units are off for a 7
        page.keyboard.press("ArrowRight")
        if state.text_content() == ENGLISH["off"]:
            break
    expect(page.locator(".votes")).to_have_text(ENGLISH["silent"].format(digit=7))
    expect(page.locator(".unit .chart")).to_be_hidden()


def test_slowly_says_what_happens_and_moves_nothing_where_motion_is_unwanted(open_context):
    page = open_context("?open=inside", reduced_motion="reduce", **SIZES["desktop"])
    draw(page, DRAWINGS[4])
    expect(page.locator(".unit .title")).to_be_visible()
    slowly, said = page.locator(".slowly"), page.locator(".said")
    page.locator(".ask").nth(9).click()
    expect(said).to_contain_text(ENGLISH["looking_at"].format(digit=9))
    slowly.click()
    expect(said).to_contain_text("28 × 28")
    slowly.click()
    expect(slowly).to_have_attribute("aria-pressed", "false")
    slowly.click()
    expect(said).to_contain_text("Layer 2 weighs")
    expect(said).to_contain_text("4 leads")  # whichever is asked about
    expect(slowly).to_have_attribute("aria-pressed", "false")


def test_look_inside_is_accessible_on_a_dark_phone_in_chinese(open_context):
    page = open_context("?open=inside", **PHONE, color_scheme="dark", locale="zh-CN")
    draw(page, DRAWINGS[4])
    expect(page.locator(".unit .title")).to_have_text(CHINESE["unit_strongest"].format(layer=1))
    page.locator(".diagram .on").click()
    page.locator(".diagram .on").click()
    expect(page.locator(".heads b").first).to_have_text(CHINESE["layer"].format(layer=2))
    expect_accessible(page, is_stage=True)


def test_look_inside_is_accessible_on_a_light_screen(page):
    draw(page, DRAWINGS[4])
    tool(page, INSIDE).click()
    expect(page.locator(".unit .title")).to_be_visible()
    expect_accessible(page, is_stage=True)
