"""What the page says and explains, in both languages, in every light, to everybody."""

import re

import pytest
from playwright.sync_api import expect

from mnist_core.network.weights import load
from tests.browser import draw
from tests.conftest import ROOT
from tests.drawings import DRAWINGS
from tests.page import (
    PHONE,
    english_in,
    expect_accessible,
    expect_leader,
    paper,
    tool,
    wait_until_answered,
)
from ui.document import FOLDER
from ui.texts import CHINESE, ENGLISH, LANGUAGES

CANVAS_PIXELS = """canvas => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]"""


def pixels(page, name: str) -> list[int]:
    """The red, green, blue and alpha of one of the 28 x 28 pictures."""
    return page.locator(f"#insight canvas.{name}").evaluate(CANVAS_PIXELS)


# Languages


@pytest.mark.parametrize("code", LANGUAGES)
def test_all_languages_say_the_same_things(code):
    """In files of their own: another language is another file of ui/texts."""
    texts = LANGUAGES[code]
    assert texts.keys() == ENGLISH.keys()
    for key, english in ENGLISH.items():  # what the server says is in English
        places = set(re.findall(r"{\w+}", english)) - {"{reason}"}
        assert set(re.findall(r"{\w+}", texts[key])) - {"{reason}"} == places, key


def test_every_text_that_the_page_asks_for_exists_and_none_is_left_over():
    patterns = ("*.html", "*.js", "views/*.js", "paper/*.js", "session/*.js", "core/*.js")
    sources = "".join(
        path.read_text(encoding="utf-8")
        for pattern in (*patterns, "files/examples.jsonl")
        for path in FOLDER.glob(pattern)
    )
    asked = set(re.findall(r'data-(?:text|label|title)="(\w+)"', sources))
    asked |= set(re.findall(r'\b(?:text\(\s*|tell\([\w.#]+, )"(\w+)"', sources))
    assert asked <= ENGLISH.keys()
    served = {"sign_in", "user_name", "password"}  # by the page that signs in
    left = [key for key in ENGLISH if not re.search(rf"\b{key}\b", sources)]
    assert [key for key in left if not key.startswith("refused_") and key not in served] == []


@pytest.mark.parametrize("locale", ["zh-CN", "zh-HK"])
def test_a_chinese_browser_gets_a_chinese_page(open_context, locale):
    page = open_context(locale=locale)
    expect(page.get_by_role("heading", name=CHINESE["title"])).to_be_visible()
    expect(page).to_have_title(CHINESE["title"])
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    expect(page.locator("#insight .question")).to_contain_text("为什么是 7")
    tool(page, CHINESE["clear"]).click()
    letter = {"name": "a.png", "mimeType": "image/png", "buffer": b"Dear sir"}
    page.locator("input.choose").set_input_files(letter)
    expect(page.locator(".notice")).to_have_text(CHINESE["not_a_picture"])
    words = page.locator("body").inner_text()
    assert "怎么工作" in words
    assert english_in(words) == []


def test_language_and_theme_are_the_reader_s_choice_and_keep_the_drawing(page):
    draw(page, DRAWINGS[7])
    dark = "getComputedStyle(document.querySelector('.paper canvas')).color"
    light = page.evaluate(dark)
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".comment")).to_have_text(CHINESE["certain"])
    page.get_by_role("button", name=CHINESE["theme"]).click()
    assert page.evaluate(dark) != light
    expect_leader(page, 7)
    page.reload()
    expect(page.get_by_role("heading", name=CHINESE["title"])).to_be_visible()
    expect_leader(page, 7)
    assert page.evaluate(dark) != light


def test_other_browsers_get_an_english_page(open_context):
    page = open_context(locale="de-DE")
    expect(page.get_by_role("heading", name=ENGLISH["title"])).to_be_visible()
    expect(tool(page, "Undo")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


# Insight


def test_what_the_network_saw_is_shown(page, recognizer):
    draw(page, DRAWINGS[4])
    wait_until_answered(page)
    shown = pixels(page, "saw")[::4]
    expected = recognizer.predict_strokes(DRAWINGS[4]).pixels.ravel().astype(int)
    assert abs(expected - shown).mean() < 3  # the pointer goes by whole screen pixels
    assert max(shown) > 200


def test_why_names_the_runner_up_and_its_map_has_both_colours(page):
    expect(page.locator("#insight .question")).to_have_text("Why?")
    draw(page, DRAWINGS[4])
    expect(page.locator("#insight .question")).to_have_text(re.compile("^Why 4, not [0-9]\\?$"))
    expect(page.locator("#insight .sum")).to_contain_text("times as likely")
    shown = pixels(page, "why")
    inked = [tuple(shown[i : i + 3]) for i in range(0, len(shown), 4) if shown[i + 3] > 100]
    assert any(red > blue for red, _, blue in inked)
    assert any(blue > red for red, _, blue in inked)
    tool(page, "Clear").click()
    expect(page.locator("#insight .question")).to_have_text("Why?")
    assert not any(pixels(page, "why"))


def test_every_bar_can_be_asked_why_not(page):
    question = page.locator("#insight .question")
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    ask = page.get_by_role("button", name="Why 4, not 8?")
    ask.click()
    expect(question).to_have_text("Why 4, not 8?")
    expect(ask).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".against")).to_have_text("Blue: evidence for 8")
    tool(page, "Clear").click()
    draw(page, DRAWINGS[8])
    expect(question).to_have_text(re.compile("Why 8, not [0-79]"))
    tool(page, "Clear").click()
    draw(page, DRAWINGS[4])
    page.get_by_role("button", name="Why 4, not 2?").press("Enter")
    expect(question).to_have_text("Why 4, not 2?")


def test_for_no_digit_the_explanation_says_what_does_not_fit(page):
    draw(page, [[[0.3, 0.2], [0.3, 0.8]], [[0.65, 0.2], [0.3, 0.5], [0.68, 0.8]]])  # a K
    expect(page.locator(".comment")).to_have_text("This does not look like a digit")
    expect(page.locator("#insight .question")).to_have_text(re.compile("Why not even [0-9]"))
    expect(page.locator(".for")).to_contain_text("the likeliest")


def test_explanations_that_are_not_on_the_screen_are_not_worked_out(open_context):
    page = open_context(viewport={"width": 375, "height": 360})
    draw(page, DRAWINGS[1])
    expect_leader(page, 1)
    expect(page.locator("#insight .question")).to_have_text("Why?")
    page.locator("#insight").scroll_into_view_if_needed()
    expect(page.locator("#insight .question")).to_contain_text("Why 1")


# About


def test_about_says_what_the_card_says(page):
    _, config = load(ROOT / "weights")
    provenance = config["provenance"]
    page.get_by_text(ENGLISH["about"]).click()
    facts = page.locator("dl")
    expect(facts).to_contain_text("784 → 1000 → 700 → 500 → 10")
    expect(facts).to_contain_text(provenance["data"])
    expect(facts).to_contain_text(provenance["date"])
    expect(facts).to_contain_text(f"{100 * provenance['scores']['test_accuracy']:.2f} %")
    cells = page.locator("#about tbody td").all_inner_texts()
    counts = [int(cell.replace("·", "0")) for cell in cells]
    assert counts == [count for row in provenance["confusion"] for count in row]


def test_the_shipped_confusion_matrix_is_the_network_s(recognizer):
    provenance = recognizer.config["provenance"]
    right = sum(row[digit] for digit, row in enumerate(provenance["confusion"]))
    assert right / 10_000 == pytest.approx(provenance["scores"]["test_accuracy"], abs=1e-4)


# Everybody


@pytest.mark.parametrize(
    "settings",
    [{}, {"color_scheme": "dark"}, {"locale": "zh-CN"}, PHONE],
    ids=["light", "dark", "chinese", "phone"],
)
def test_no_serious_violation_of_the_accessibility_rules(open_context, settings):
    page = open_context(**settings)
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    expect_accessible(page)


CONTRAST = """(selector) => {
    const light = (colour) => {
        const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
        const [r, g, b] = parts.map((c) => (c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const edge = light(getComputedStyle(document.querySelector(selector)).borderTopColor);
    const ground = light(getComputedStyle(document.body).backgroundColor);
    return Math.max(edge / ground, ground / edge);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_edges_of_paper_bars_and_buttons_can_be_seen(open_context, scheme):
    page = open_context(color_scheme=scheme)
    for part in (".paper canvas", ".track", ".tools .undo", ".saw"):
        assert page.evaluate(CONTRAST, part) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pen_can_be_read_on_its_paper(open_context, scheme):
    page = open_context(color_scheme=scheme)
    style = "canvas => [getComputedStyle(canvas).color, getComputedStyle(canvas).backgroundColor]"
    ink, ground = (
        [int(part) for part in re.findall(r"\d+", colour)[:3]]
        for colour in paper(page).evaluate(style)
    )
    assert abs(sum(ink) - sum(ground)) > 450  # of 765
