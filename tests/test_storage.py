"""What the browser keeps for the page: left there by others, full, refused, or shared by tabs."""

import base64
import contextlib
import json

import pytest
from playwright.sync_api import Page, expect

from mnist_core.network.quantize import browser_file
from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import FILL, expect_leader, open_page, record_requests, settle, wait_until
from ui.texts import CHINESE, ENGLISH

OURS = "draw-a-digit:"
SLANTED = [[(0.4, 0.32), (0.58, 0.25), (0.5, 0.75)]]  # a 7 to the network, to others a 1
LESSON = {"strokes": [[[400, 320], [580, 250], [500, 750]]], "label": 1}
TOKEN = "0123456789abcdef" * 2
FOREIGN = {
    "language": "en-US",
    "theme": "solarized",
    "token": "eyJhbGciOiJIUzI1NiJ9.e30.x",
    "corrections": "42",
    "network": "mainnet",
}
FOREIGN_LESSONS = ["5", "[null]", '[{"a":1}]', '[{"strokes": [[["x", 1]]], "label": 1}]']

REFUSE = """for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
}"""
TAKE_NOTHING = "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceeded'); };"


@pytest.fixture
def visit(browser, server):
    """Opens the page in a browser of its own where `stored` was left; no page may fail."""
    complaints = []
    with contextlib.ExitStack() as stack:

        def open_one(stored=(), script: str = "", **settings) -> Page:
            items = [{"name": name, "value": value} for name, value in dict(stored).items()]
            state = {"cookies": [], "origins": [{"origin": server[:-1], "localStorage": items}]}
            context = browser.new_context(storage_state=state, **settings)
            stack.callback(context.close)
            context.on("weberror", lambda error: complaints.append(str(error.error)))
            context.add_init_script(script)
            page = context.new_page()
            open_page(page, server)
            return page

        yield open_one
    assert complaints == []


def stored(page: Page, key: str):
    return page.evaluate("key => localStorage.getItem(key)", OURS + key)


def teach(page: Page, label: int = 1, no: str = "No") -> None:
    """Draw a slanted 7 and say that it is another digit."""
    draw(page, SLANTED)
    expect_leader(page, 7)
    settle(page)  # what is still drawn would close what is open
    page.get_by_role("button", name=no, exact=True).click()
    page.locator(".digits button").nth(label).click()


def about(page: Page, texts: dict = ENGLISH):
    """What "How does it work?" says of the lessons."""
    if not page.locator("#about .card[open]").count():
        page.get_by_text(texts["about"]).click()
    return page.locator("#about .lessons p")


def said(key: str, texts: dict = ENGLISH, **values: object) -> str:
    return texts[key].format(**values)


# What others left


@pytest.mark.parametrize(
    ("prefix", "lessons"), [("", each) for each in FOREIGN_LESSONS] + [(OURS, "no JSON")]
)
def test_what_another_program_left_harms_nothing(visit, prefix, lessons):
    left = {prefix + key: value for key, value in (FOREIGN | {"lessons": lessons}).items()}
    page = visit(left, locale="en-US")
    expect(page.get_by_role("heading", name=ENGLISH["title"])).to_be_visible()
    teach(page)
    expect_leader(page, 1)
    expect(page.get_by_text("Was 7, now 1")).to_be_visible()
    page.get_by_role("button", name=ENGLISH["agree"]).click()
    expect(page.locator("#feedback .toast")).to_have_text(said("kept", digit=1))
    page.get_by_role("button", name="中文").click()
    page.reload()
    expect(page.get_by_role("heading", name=CHINESE["title"])).to_be_visible()
    expect_leader(page, 1)
    if not prefix:  # it is theirs
        assert page.evaluate("keys => keys.map((key) => localStorage[key])", list(left)) == list(
            left.values()
        )


@pytest.mark.parametrize(
    ("key", "sheet"),
    [
        ("sheet", '{"strokes": [[["a", "b"], [1, 2]]]}'),
        (OURS + "sheet", '{"strokes": [[["a", "b"], [1, 2]]]}'),
        (OURS + "sheet", '{"picture": 1}'),
    ],
)
def test_a_foreign_sheet_leaves_the_drawing_of_the_address(visit, key, sheet):
    page = visit()
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    leave_sheet(page, key, sheet)
    page.reload()
    expect_leader(page, 7)


def leave_sheet(page: Page, key: str, sheet: str) -> None:
    """Have the tab keep `sheet` under `key` alone when the page is left."""
    script = """([key, sheet]) => addEventListener("pagehide", () => {
        sessionStorage.clear();
        sessionStorage.setItem(key, sheet);
    })"""
    page.evaluate(script, [key, sheet])


def test_what_earlier_versions_kept_is_moved(visit, recognizer):
    network = base64.b64encode(browser_file(recognizer.model, recognizer.config)).decode()
    earlier = {
        "language": "zh",
        "theme": "dark",
        "lessons": json.dumps([LESSON]),
        "token": TOKEN,
        "corrections": "yes",
        "network": network,
    }
    page = visit(earlier)
    expect(page.get_by_role("heading", name=CHINESE["title"])).to_be_visible()
    expect(page.locator("html[data-theme=dark]")).to_be_visible()
    expect(about(page, CHINESE)).to_have_text(said("lessons", CHINESE, count=1))
    with page.expect_request("**/corrections") as sent:
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.get_by_role("button", name=CHINESE["yes"], exact=True).click()
    assert sent.value.headers["x-token"] == TOKEN
    wait_until(page, lambda: len(json.loads(stored(page, "lessons"))) == 2)
    kept = {key: stored(page, key) for key in earlier}
    assert json.loads(kept.pop("lessons"))[0] == LESSON
    assert kept == {key: value for key, value in earlier.items() if key != "lessons"}
    assert page.evaluate("keys => keys.filter((key) => key in localStorage)", list(earlier)) == []


def test_a_sheet_that_an_earlier_version_kept_comes_back(visit):
    page = visit()
    leave_sheet(page, "sheet", json.dumps({"strokes": LESSON["strokes"]}))
    page.reload()
    expect_leader(page, 7)
    assert page.evaluate("sessionStorage.getItem('sheet')") is None


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
    expect(about(second)).to_have_text(said("lessons", count=1))
    second.get_by_role("button", name=ENGLISH["forget_all"]).click()
    expect(first.locator(".learned")).to_be_empty()
    expect_leader(first, 7)
    draw(first, [[(0.1, 0.9), (0.2, 0.9)]])
    settle(first)
    first.get_by_role("button", name="No", exact=True).click()
    first.locator(".digits button").nth(4).click()
    expect(about(second)).to_have_text(said("lessons", count=1))
    assert [lesson["label"] for lesson in json.loads(stored(first, "lessons"))] == [4]


def test_two_tabs_lose_nothing_of_each_other(tabs):
    for label, page in enumerate(tabs, 1):
        page.evaluate("addEventListener('storage', (event) => event.stopImmediatePropagation())")
        draw(page, [[(0.5, 0.2), (0.5 + label / 100, 0.8)]])
        expect_leader(page, 1)
        settle(page)
        page.get_by_role("button", name="No", exact=True).click()
        page.locator(".digits button").nth(label).click()
        expect(page.locator(".forget")).to_be_visible()
    assert [lesson["label"] for lesson in json.loads(stored(tabs[0], "lessons"))] == [1, 2]
    for page in tabs:
        page.reload()
        expect(about(page)).to_have_text(said("lessons", count=2))


# Storage that keeps nothing


@pytest.mark.parametrize(
    ("script", "locale", "texts"),
    [(REFUSE, "en-US", ENGLISH), (TAKE_NOTHING, "zh-CN", CHINESE)],
    ids=["refused", "takes nothing"],
)
def test_a_browser_that_keeps_nothing_learns_and_says_for_how_long(visit, script, locale, texts):
    page = visit(script=script, locale=locale)
    asked = record_requests(page)
    teach(page, no=texts["no"])
    expect(page.locator("#feedback .toast")).to_have_text(texts["lesson_unkept"])
    expect_leader(page, 1)
    expect(page.locator(".learned")).to_have_text(said("learned_anew", texts, before=7, digit=1))
    expect(page.locator(".consent")).to_be_hidden()  # nor would that be kept
    expect(about(page, texts)).to_have_text(said("lessons_unkept", texts, count=1, unkept=1))
    page.get_by_role("button", name=texts["forget_all"]).click()
    expect_leader(page, 7)
    expect(about(page, texts)).to_be_hidden()
    assert not [url for url in asked if "corrections" in url]


def test_full_storage_is_said_to_be_full_and_forgets_all_the_same(visit):
    other = {"strokes": [[[100, 900], [200, 900]]], "label": 4}
    page = visit({OURS + "lessons": json.dumps([other])})
    page.evaluate(FILL)
    teach(page, 2)
    expect(page.locator("#feedback .toast")).to_have_text(ENGLISH["lesson_unkept"])
    expect(about(page)).to_have_text(said("lessons_unkept", count=2, unkept=1))
    page.get_by_role("button", name=ENGLISH["forget_all"]).click()
    page.reload()
    expect_leader(page, 7)
    assert stored(page, "lessons") == "[]"


def test_what_is_forgotten_stays_so_where_nothing_can_be_written(visit):
    page = visit({OURS + "lessons": json.dumps([LESSON])}, TAKE_NOTHING)
    expect(about(page)).to_have_text(said("lessons", count=1))
    page.get_by_role("button", name=ENGLISH["forget_all"]).click()
    expect(about(page)).to_be_hidden()
    page.reload()
    page.get_by_text(ENGLISH["about"]).click()
    expect(page.locator("dl")).not_to_be_empty()
    expect(page.locator("#about .lessons p")).to_be_hidden()


def test_nothing_is_given_that_could_not_be_deleted_later(visit):
    page = visit({OURS + "corrections": "yes"}, TAKE_NOTHING)
    asked = record_requests(page)
    teach(page)
    expect(page.locator("#feedback .toast")).to_have_text(ENGLISH["no_token"])
    assert not [url for url in asked if "corrections" in url]


def test_a_drawing_is_given_though_storage_is_full(visit):
    """The token is there already."""
    page = visit({OURS + "corrections": "yes", OURS + "token": TOKEN}, TAKE_NOTHING)
    teach(page)
    expect(page.locator("#feedback .toast")).to_have_text(said("kept", digit=1))
    expect(about(page)).to_have_text(said("lessons_unkept", count=1, unkept=1))
