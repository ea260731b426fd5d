"""What a browser shows that was never here before: the drawing of a link, or a demonstration."""

import pytest
from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import PHONE, WATCH, expect_empty, expect_leader, send_pointer, tool, wait_for

SEVEN = "#drawing=1.A9gEuAOgBgDzA4gJ"
DEMONSTRATION = [["ink"], ["hint"]]  # what is seen on the paper, one after the other


@pytest.fixture
def first_visit(browser, server):
    """Opens the page in a browser that keeps nothing of it."""
    contexts, errors = [], []

    def open_one(fragment: str = "", **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(WATCH)
        page.goto(server + fragment)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


def wait_for_the_demonstration(page) -> None:
    wait_for(page, "seen.length > 0")
    assert page.evaluate("seen[0]") == ["ink"]


def expect_untouched(page) -> None:
    """Empty paper, nothing to undo, and nothing in the address."""
    expect_empty(page)
    for name in ("Undo", "Redo", "Erase", "Clear", "Link"):
        expect(tool(page, name)).to_be_disabled()
    assert page.evaluate("location.hash") == ""


# With a link


@pytest.mark.parametrize("settings", [{}, PHONE], ids=["desktop", "phone"])
def test_a_link_shows_its_drawing_and_keeps_its_address(first_visit, server, settings):
    page = first_visit(SEVEN, **settings)
    expect_leader(page, 7)
    expect(page).to_have_url(server + SEVEN)
    assert page.evaluate("seen") == [["ink"]]
    page.reload()
    expect_leader(page, 7)
    expect(page).to_have_url(server + SEVEN)


def test_a_link_that_cannot_be_read_is_answered_in_words_alone(first_visit):
    page = first_visit("#drawing=1.A")
    expect(page.locator(".notice")).to_contain_text("can't be read")
    expect_empty(page)
    assert page.evaluate("seen") == [["hint"]]


def test_a_drawing_that_the_tab_kept_comes_before_a_demonstration(first_visit):
    page = first_visit(SEVEN)
    expect_leader(page, 7)
    page.evaluate("localStorage.clear()")
    page.reload()
    expect_leader(page, 7)
    assert page.evaluate("seen") == [["ink"]]


# Without: the demonstration


def test_a_demonstration_draws_itself_and_fades_and_the_hint_follows(first_visit):
    page = first_visit()
    wait_for(page, "document.querySelector('.answer .digit')?.textContent === '4'")
    expect_untouched(page)
    assert page.evaluate("seen") == DEMONSTRATION
    page.reload()
    expect_untouched(page)
    assert page.evaluate("seen") == [["hint"]]


def test_people_who_want_less_motion_see_the_hint_at_once(first_visit):
    page = first_visit(reduced_motion="reduce")
    expect_untouched(page)
    assert page.evaluate("seen") == [["hint"]]


def test_nothing_is_offered_for_a_demonstration(first_visit):
    page = first_visit()
    page.evaluate(
        """() => {
            window.offered = new Set();
            const look = () => {
                for (const button of document.querySelectorAll("button")) {
                    const isThere = button.checkVisibility({ visibilityProperty: true });
                    const isOffered = isThere && button.ariaDisabled !== "true";
                    if (isOffered && seen.length === 1) offered.add(button.textContent.trim());
                }
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    wait_for_the_demonstration(page)
    page.get_by_role("button", name="中文").click()  # it is said again, and is still nobody's
    page.get_by_role("button", name="English").click()
    page.keyboard.press("Control+z")
    expect_untouched(page)
    offered = set(page.evaluate("[...offered]"))
    assert "Clear" in offered
    assert not offered & {"Undo", "Redo", "Erase", "Link", "Yes", "No"}


def touch_by_palm(page) -> None:
    send_pointer(page, "pointerdown", 1, "touch", 0.9, 0.9)
    send_pointer(page, "pointercancel", 1, "touch", 0.9, 0.9)


def erase_with_the_pen(page) -> None:
    send_pointer(page, "pointerdown", 1, "pen", 0.53, 0.55, button=5)  # where the 4 crosses itself
    send_pointer(page, "pointerup", 1, "pen", 0.53, 0.55)


@pytest.mark.parametrize(
    "act",
    [
        touch_by_palm,
        erase_with_the_pen,
        lambda page: page.keyboard.press("Escape"),
        lambda page: tool(page, "Clear").dispatch_event("click"),
        lambda page: page.reload(),
    ],
    ids=["palm", "eraser", "Escape", "Clear", "reload"],
)
def test_nothing_is_left_of_a_demonstration(first_visit, act):
    page = first_visit()
    wait_for_the_demonstration(page)
    act(page)
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
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
