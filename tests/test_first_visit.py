"""A first visit: the drawing of a link, or a demonstration that goes when somebody draws."""

import pytest
from playwright.sync_api import expect

from tests.page import (
    PHONE,
    SEVEN_LINK,
    WATCH,
    expect_empty,
    expect_leader,
    send_pointer,
    tool,
    wait_for,
)


@pytest.fixture
def first_visit(new_window, server):
    """Opens the page in a browser context that keeps nothing of it."""

    def open_one(fragment: str = "", **settings):
        page = new_window(**settings)
        page.add_init_script(WATCH)
        page.goto(server + fragment)
        return page

    return open_one


def wait_for_the_demonstration(page) -> None:
    wait_for(page, "seen.length > 0")
    assert page.evaluate("seen[0]") == ["ink"]


def expect_untouched(page) -> None:
    """Expect empty paper, nothing to undo, and nothing in the address."""
    expect_empty(page)
    for name in ("Undo", "Redo", "Erase", "Clear", "Link"):
        expect(tool(page, name)).to_be_disabled()
    assert page.evaluate("location.hash") == ""


def test_a_link_shows_its_drawing_and_keeps_its_address(first_visit, server):
    page = first_visit(SEVEN_LINK, **PHONE)
    expect_leader(page, 7)
    expect(page).to_have_url(server + SEVEN_LINK)
    assert page.evaluate("seen") == [["ink"]]
    page.evaluate("localStorage.clear()")
    page.reload()
    expect_leader(page, 7)
    assert page.evaluate("seen") == [["ink"]]


def test_a_demonstration_draws_itself_once_and_fades_and_the_hint_follows(first_visit):
    page = first_visit()
    wait_for(page, "document.querySelector('.answer .digit')?.textContent === '4'")
    expect_untouched(page)
    seen = page.evaluate("seen")  # the hint may come a frame before the last ink is gone
    assert [each for each in seen if len(each) == 1] == [["ink"], ["hint"]]
    page.reload()
    expect_untouched(page)
    assert page.evaluate("seen") == [["hint"]]


def test_people_who_want_less_motion_see_the_hint_at_once(first_visit):
    page = first_visit(reduced_motion="reduce")
    expect_untouched(page)
    assert page.evaluate("seen") == [["hint"]]


def test_nothing_is_left_of_a_demonstration(first_visit):
    page = first_visit()
    wait_for_the_demonstration(page)
    page.keyboard.press("Escape")
    expect_untouched(page)
    page.reload()
    expect_untouched(page)


def test_a_drawing_takes_the_place_of_a_demonstration(first_visit):
    page = first_visit()
    wait_for_the_demonstration(page)
    send_pointer(page, "pointerdown", 1, "touch", 0.9, 0.9)  # the palm, before the pen
    send_pointer(page, "pointerdown", 2, "pen", 0.5, 0.2)
    send_pointer(page, "pointermove", 2, "pen", 0.5, 0.8)
    send_pointer(page, "pointerup", 2, "pen", 0.5, 0.8)
    expect_leader(page, 1)
    assert 0 < page.evaluate("location.hash.length") < 40  # one stroke
    tool(page, "Undo").click()
    expect_empty(page)
    expect(tool(page, "Undo")).to_be_disabled()
