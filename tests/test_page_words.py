"""What the page says, explains and looks like: languages, themes, explanations, accessibility."""

import re

import pytest
from playwright.sync_api import expect

from mnist_core.network.weights import load
from tests.browser import draw
from tests.conftest import ROOT
from tests.drawings import DRAWINGS, LETTERS
from tests.page import (
    draw_digit,
    english_in,
    expect_accessible,
    expect_leader,
    pixels,
    tool,
)
from ui.document import FOLDER
from ui.texts import CHINESE, ENGLISH, LANGUAGES


@pytest.mark.parametrize("code", LANGUAGES)
def test_all_languages_have_the_same_texts_with_the_same_placeholders(code):
    texts = LANGUAGES[code]
    assert texts.keys() == ENGLISH.keys()
    for key, english in ENGLISH.items():  # what the server says, {reason}, is in English
        places = set(re.findall(r"{\w+}", english)) - {"{reason}"}
        assert set(re.findall(r"{\w+}", texts[key])) - {"{reason}"} == places, key


def test_every_text_that_the_page_asks_for_exists():
    paths = [FOLDER / "index.html", *FOLDER.rglob("*.js")]
    source = "".join(path.read_text(encoding="utf-8") for path in paths)
    asked = set(re.findall(r'data-(?:text|label|title)="(\w+)"', source))
    asked |= set(re.findall(r'\b(?:text\(\s*|tell\([\w.#]+, )"(\w+)"', source))
    assert asked <= ENGLISH.keys()


def test_a_chinese_browser_gets_a_chinese_page(open_context):
    page = open_context(locale="zh-HK")
    expect(page).to_have_title(CHINESE["title"])
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    draw_digit(page, 7)
    expect(page.locator("#insight .question")).to_contain_text("为什么是 7")
    letter = {"name": "a.png", "mimeType": "image/png", "buffer": b"Dear sir"}
    page.locator("input.choose").set_input_files(letter)
    expect(page.locator(".notice")).to_have_text(CHINESE["not_a_picture"])
    assert english_in(page.locator("body").inner_text()) == []


def test_language_and_theme_are_the_reader_s_choice_and_keep_the_drawing(open_context):
    page = open_context(locale="de-DE")
    assert page.evaluate("document.documentElement.lang") == "en"
    draw(page, DRAWINGS[7])
    colour = "getComputedStyle(document.querySelector('.paper canvas')).color"
    light = page.evaluate(colour)
    tool(page, "中文").click()
    expect(page.locator(".comment")).to_have_text(CHINESE["certain"])
    tool(page, CHINESE["theme"]).click()
    assert page.evaluate(colour) != light
    expect_leader(page, 7)
    page.reload()
    expect(page).to_have_title(CHINESE["title"])
    expect_leader(page, 7)
    assert page.evaluate(colour) != light


# Explanations


def test_what_the_network_saw_and_why_are_shown(page, recognizer):
    question = page.locator("#insight .question")
    expect(question).to_have_text("Why?")
    draw(page, DRAWINGS[4])
    expect(question).to_have_text(re.compile("^Why 4, not [0-9]\\?$"))
    shown = [red for red, *_ in pixels(page)]
    expected = recognizer.predict_strokes(DRAWINGS[4]).pixels.ravel().astype(int)
    assert abs(expected - shown).mean() < 3  # the pointer goes by whole screen pixels
    tool(page, "Map").click()
    expect(page.locator(".rest")).to_contain_text("Left over: ")
    inked = [pixel for pixel in pixels(page, "why") if pixel[3] > 100]
    assert any(red > blue for red, _, blue, _ in inked)
    assert any(blue > red for red, _, blue, _ in inked)
    tool(page, "Clear").click()
    expect(question).to_have_text("Why?")
    assert not any(map(any, pixels(page, "why")))


def test_every_bar_can_be_asked_why_not(page):
    question = page.locator("#insight .question")
    draw_digit(page, 4)
    ask = tool(page, "Why 4, not 8?")
    tool(page, "Map").click()
    ask.click()
    expect(question).to_have_text("Why 4, not 8?")
    expect(ask).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".against")).to_have_text("Blue pushes towards 8")
    tool(page, "Clear").click()
    draw(page, DRAWINGS[8])
    expect(question).to_have_text(re.compile("Why 8, not [0-79]"))


def test_for_no_digit_the_explanation_says_what_does_not_fit(page):
    draw(page, LETTERS["K"])
    expect(page.locator(".comment")).to_have_text("This does not look like a digit")
    expect(page.locator("#insight .question")).to_have_text(re.compile("Why not even [0-9]"))
    tool(page, "Map").click()
    expect(page.locator(".for")).to_contain_text("the likeliest")


def test_about_shows_the_model_card_and_leads_to_the_lesson(page):
    provenance = load(ROOT / "weights")[1]["provenance"]
    page.get_by_text(ENGLISH["about"]).click()
    facts = page.locator("dl")
    expect(facts).to_contain_text(provenance["data"])
    expect(facts).to_contain_text(provenance["date"])
    expect(facts).to_contain_text(f"{100 * provenance['scores']['test_accuracy']:.2f} %")
    cells = page.locator("#about tbody td").all_inner_texts()
    counts = [int(cell.replace("·", "0")) for cell in cells]
    assert counts == [count for row in provenance["confusion"] for count in row]
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="The lesson").click()
    expect(opened.value.get_by_text("784 numbers").first).to_be_visible()
    opened.value.close()


# Everybody


def test_no_serious_violation_of_the_accessibility_rules(page):
    """On a light screen; tests/test_inside.py has a dark phone in Chinese."""
    draw_digit(page, 4)
    expect_accessible(page)
