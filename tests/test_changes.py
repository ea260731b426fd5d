"""What would make a drawing another digit, on the page: seen, asked for and done at a tap."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import draw, move
from tests.drawings import DRAWINGS, LETTERS
from tests.page import (
    PHONE,
    expect_leader,
    pen_down,
    probabilities,
    serve_few_images,
    strokes_on,
    tool,
    wait_until,
    wait_until_answered,
)
from ui.texts import ENGLISH

OPEN_FOUR = [[(0.42, 0.15), (0.3, 0.55), (0.6, 0.57)], [(0.68, 0.3), (0.63, 0.85)]]
PROMISE = re.compile(r"^[<>]? ?([\d.]+) % with(?:out| it)$")
# As it is when the badge is tapped: the search may find a better line at any moment before.
REMEMBER_PROMISE = """() => document.querySelector(".badge").addEventListener("click", () => {
    window.promised = document.querySelector('.bar[data-digit="9"] .promise').textContent;
}, { capture: true })"""


def sentence(page):
    return page.locator(".sentence")


def ask_for(page, digit: int) -> None:
    page.locator(f'.bar[data-digit="{digit}"] .ask').click()


def test_a_line_is_promised_drawn_at_a_tap_and_taken_back(page):
    draw(page, OPEN_FOUR)
    expect_leader(page, 4)
    expect(sentence(page)).to_have_text(re.compile(r"\d$"))
    ask_for(page, 9)
    expect(sentence(page)).to_have_text(re.compile("^With this line it (would|might) be a 9$"))
    expect(page.locator(".badge")).to_have_text("9")
    expect(page.locator(".ghost .more")).to_have_count(1)
    bar = page.locator('.bar[data-digit="9"]')
    expect(bar).to_have_class(re.compile("other"))
    expect(bar.locator(".promise")).to_have_text(PROMISE)
    page.evaluate(REMEMBER_PROMISE)
    page.locator(".badge").click()
    expect_leader(page, 9)
    promised = float(PROMISE.match(page.evaluate("window.promised"))[1]) / 100
    assert probabilities(page)[9] == pytest.approx(promised, abs=0.006)
    wait_until(page, lambda: len(strokes_on(page)) == 3)
    tool(page, "Undo").click()
    expect_leader(page, 4)
    wait_until(page, lambda: len(strokes_on(page)) == 2)
    sentence(page).focus()
    expect(sentence(page)).to_have_text(re.compile("^With this line it (would|might) be a 9$"))
    page.keyboard.press("Enter")
    expect_leader(page, 9)


def test_a_pen_that_comes_down_forgets_it_and_draws_through_it(page):
    draw(page, OPEN_FOUR)
    ask_for(page, 9)
    expect(page.locator(".ghost polyline").first).to_be_attached()
    box = page.locator(".desk").bounding_box()
    pen_down(page, (0.55, 0.22))  # on the line that is promised
    expect(page.locator(".ghost polyline")).to_have_count(0)
    expect(page.locator(".badge")).to_be_hidden()
    expect(sentence(page)).to_have_text("")
    move(page, (0.5, 0.4))
    page.mouse.up()
    assert len(strokes_on(page)) == 3
    assert page.locator(".desk").bounding_box() == box


def test_switched_off_it_stays_off_and_neither_examples_nor_numbers_have_it(page):
    draw(page, OPEN_FOUR)
    expect(sentence(page)).not_to_have_text("")
    eye = tool(page, "Show what would make it another digit")
    eye.click()
    expect(eye).to_have_attribute("aria-pressed", "false")
    expect(sentence(page)).to_have_text("")
    page.reload()
    expect_leader(page, 4)
    expect(eye).to_have_attribute("aria-pressed", "false")
    eye.click()
    expect(sentence(page)).not_to_have_text("")
    draw(page, [[(0.9, 0.2), (0.9, 0.8)]])
    expect(page.locator(".answer .digit")).to_have_text("41")
    expect(sentence(page)).to_have_text("")


def test_behind_the_stage_nothing_is_looked_for_until_it_closes(page):
    draw(page, OPEN_FOUR)
    expect(sentence(page)).not_to_have_text("")
    tool(page, ENGLISH["inside"]).click()
    expect(sentence(page)).to_have_text("")
    draw(page, [[(0.1, 0.9), (0.2, 0.9)]])
    tool(page, "Undo").click()
    page.wait_for_timeout(2000)  # in which it would be found
    expect(sentence(page)).to_have_text("")
    tool(page, ENGLISH["inside"]).click()
    expect(sentence(page)).not_to_have_text("")


def test_on_a_phone_it_stands_under_the_paper_and_nothing_moves_or_overflows(open_context):
    page = open_context(**PHONE)
    paper, tools = page.locator(".paper"), page.locator(".tools")
    before = paper.bounding_box(), tools.bounding_box()
    draw(page, OPEN_FOUR)
    expect(sentence(page)).not_to_have_text("")
    assert (paper.bounding_box(), tools.bounding_box()) == before
    top = sentence(page).bounding_box()["y"]
    assert before[0]["y"] + before[0]["height"] <= top < before[1]["y"]
    for name in ("Pieces", "Map", "Neighbours"):
        tool(page, name).click()
        assert page.evaluate("document.documentElement.scrollWidth") == 375
    tool(page, "Pieces").scroll_into_view_if_needed()
    assert page.locator("#insight .tabs").bounding_box()["y"] < 667


def test_a_piece_that_is_pointed_at_is_taken_away(page):
    draw(page, OPEN_FOUR)
    pieces = page.locator("#pieces .drawing")
    expect(pieces.locator("[data-place]").first).to_be_attached()
    pieces.focus()
    page.keyboard.press("ArrowRight")
    expect(pieces.locator(".gone").first).to_be_attached()
    without = page.locator(".without")
    expect(without).to_have_text(re.compile(r"^Without this: (\d, .+ %|no digit)$"))
    assert without.bounding_box()["width"] > 100  # it is not for screen readers alone
    expect(pieces).to_have_attribute("aria-valuetext", re.compile("^Without this"))
    move(page, (0.5, 0.5))
    page.locator("h1").click(position={"x": 9, "y": 9})  # away from it
    expect(pieces.locator(".gone")).to_have_count(0)


def test_a_map_hatches_the_paper_where_ink_would_matter_alone(page):
    draw(page, LETTERS["A"])  # which leaves all units of the last layer off
    expect(page.locator(".result")).to_have_attribute("data-verdict", "no digit")
    tool(page, "Map").click()
    page.locator("#map input").check()
    wait_until_answered(page)
    assert page.locator(".hatches path").count() < 300
    tool(page, "Clear").click()
    draw(page, OPEN_FOUR)
    expect(page.locator(".hatches path").first).to_be_attached()


def test_neighbours_are_fetched_when_asked_for_and_have_labels(page):
    asked = []
    serve_few_images(page)
    page.on("request", lambda request: asked.append(request.url))
    draw(page, DRAWINGS[7])
    wait_until_answered(page)
    assert not [url for url in asked if url.endswith("images.gz")]
    tool(page, "Neighbours").click()
    expect(page.locator(".nearest figcaption").first).to_have_text(re.compile(r"^a \d$"))
    expect(page.locator(".verdict")).to_have_text("All five were meant as a 7.")
    assert len([url for url in asked if url.endswith("images.gz")]) == 1
