"""The browser's storage: filled by other programs, full, refused, or shared by two tabs."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser import draw
from tests.page import (
    SLANTED,
    correct,
    expect_leader,
    open_page,
    record_requests,
    tool,
)
from ui.texts import CHINESE, ENGLISH

OURS = "draw-a-digit:"
FOREIGN = {"language": "en-US", "theme": "solarized", "corrections": "42", "network": "mainnet"}
FOREIGN |= {"taught": '{"for": "something else"}'}
SHEET = '{"strokes": [[["a", "b"], [1, 2]]]}'

REFUSE = """for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
}"""


@pytest.fixture
def visit(new_window, server):
    """Opens the page in a new browser context that holds `stored`."""

    def open_one(stored=(), script: str = "", **settings) -> Page:
        items = [{"name": name, "value": value} for name, value in dict(stored).items()]
        state = {"cookies": [], "origins": [{"origin": server[:-1], "localStorage": items}]}
        page = new_window(storage_state=state, **settings)
        page.context.add_init_script(script)
        open_page(page, server)
        return page

    return open_one


def stored_labels(page: Page) -> list[int]:
    text = page.evaluate("key => localStorage.getItem(key)", f"{OURS}lessons")
    return [lesson["label"] for lesson in json.loads(text)]


def teach(page: Page, label: int = 1) -> None:
    """Draw a slanted 7 and say that it is another digit."""
    draw(page, SLANTED)
    expect_leader(page, 7)
    correct(page, label)


def lessons_said(page: Page):
    """Return where "How does it work?" says how many lessons there are."""
    if not page.locator("#about .card[open]").count():
        page.get_by_text(ENGLISH["about"]).click()
    return page.locator("#about .lessons p")


def test_what_another_program_left_harms_nothing(visit):
    left = {OURS + key: value for key, value in (FOREIGN | {"lessons": "no JSON"}).items()}
    page = visit(left, locale="en-US")
    teach(page)
    expect(page.get_by_text("Was 7, now 1")).to_be_visible()
    leave = "([key, sheet]) => addEventListener('pagehide', () => sessionStorage[key] = sheet)"
    page.evaluate(leave, [f"{OURS}sheet", SHEET])
    tool(page, "中文").click()
    page.reload()
    expect(page.get_by_role("heading", name=CHINESE["title"])).to_be_visible()
    expect_leader(page, 1)


# Two tabs


@pytest.fixture
def tabs(visit, server):
    first = visit()
    second = first.context.new_page()
    open_page(second, server)
    return first, second


def test_what_one_tab_forgets_does_not_come_back_from_another(tabs):
    first, second = tabs
    teach(first)
    expect(first.get_by_text("Was 7, now 1")).to_be_visible()
    expect(lessons_said(second)).to_have_text(ENGLISH["lessons"].format(count=1))
    second.get_by_role("button", name=ENGLISH["forget_all"]).click()
    expect(first.locator(".learned")).to_be_empty()
    expect_leader(first, 7)
    tool(first, "Clear").click()
    teach(first, 4)
    expect(lessons_said(second)).to_have_text(ENGLISH["lessons"].format(count=1))
    assert stored_labels(first) == [4]


# Storage that keeps nothing


def test_a_browser_that_keeps_nothing_learns_and_says_for_how_long(visit):
    page = visit(script=REFUSE)
    asked = record_requests(page)
    teach(page)
    expect(page.locator("#feedback .toast")).to_have_text(ENGLISH["lesson_unkept"])
    expect_leader(page, 1)
    expect(page.locator(".consent")).to_be_hidden()  # nor would that be kept
    said = ENGLISH["lessons_unkept"].format(count=1, unkept=1)
    expect(lessons_said(page)).to_have_text(said)
    page.get_by_role("button", name=ENGLISH["forget_all"]).click()
    expect_leader(page, 7)
    expect(lessons_said(page)).to_be_hidden()
    assert not [url for url in asked if "corrections" in url]
