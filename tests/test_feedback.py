"""Teaching on the page: what is learned there, what is given, shown and taken back."""

import contextlib
import itertools
import json
import re

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from mnist_core.drawing.strokes import read_drawings
from tests.browser import draw
from tests.conftest import serving
from tests.drawings import DRAWINGS
from tests.page import (
    PHONE,
    Gate,
    expect_leader,
    open_page,
    probabilities,
    record_requests,
    settle,
    strokes_on,
    wait_for,
    wait_until,
    wait_until_replayed,
)
from tests.test_reloader import other_network
from ui.texts import CHINESE, ENGLISH

SLANTED = [[(0.4, 0.32), (0.58, 0.25), (0.5, 0.75)]]  # a 7 to the network, to others a 1
YES, NO = ({"name": name, "exact": True} for name in ("Yes", "No"))


def drawn(page, strokes=SLANTED) -> None:
    draw(page, strokes)
    expect_leader(page, 7)


SIDE = {**PHONE, "viewport": {"width": 812, "height": 375}}
NARROW_SIDE = {**PHONE, "viewport": {"width": 667, "height": 375}}


def correct(page, digit: int) -> None:
    settle(page)  # what is still drawn would close what is open
    page.get_by_role("button", **NO).click()
    page.locator(".digits button").nth(digit).click()


def agree(page) -> None:
    """Have this browser agree to its drawings being kept."""
    page.evaluate("localStorage.setItem('draw-a-digit:corrections', 'yes')")


def stored(page) -> list:
    return json.loads(page.evaluate("localStorage.getItem('draw-a-digit:lessons')") or "[]")


@contextlib.contextmanager
def held_corrections(page):
    """The corrections that the page sends while it gets no answer; they are answered at the end."""
    held = []
    page.route("**/corrections", lambda route: held.append(route))
    yield held
    for route in held:
        route.continue_()
    page.unroute("**/corrections")


# What it learns here


def test_it_learns_at_once_is_asked_to_forget_and_remembers_at_the_next_visit(page, server):
    page.route("**/corrections", lambda route: route.fulfill(status=503, json={"error": ""}))
    asked = record_requests(page)
    drawn(page)
    before = probabilities(page)
    page.keyboard.press("1")  # means nothing yet
    page.get_by_role("button", **NO).click()
    expect(page.locator(".digits button").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".digits")).to_be_hidden()
    expect(page.get_by_role("button", **NO)).to_be_focused()
    assert len(strokes_on(page)) == 1
    assert stored(page) == []
    page.get_by_role("button", **NO).click()
    page.keyboard.press("1")
    expect(page.get_by_text("Was 7, now 1")).to_be_visible()
    expect_leader(page, 1)
    assert probabilities(page)[1] > 0.8
    # The explanation is that of what answers now.
    expect(page.locator("#insight .question")).to_contain_text("Why 1, not")
    correct(page, 4)  # a drawing has one label
    expect(page.get_by_text("Was 7, now 4")).to_be_visible()
    expect_leader(page, 4)
    assert [lesson["label"] for lesson in stored(page)] == [4]
    assert [url.rpartition("/")[2] for url in asked if url.endswith(".gz")] == ["rehearsal.gz"]
    assert not [url for url in asked if "corrections" in url]  # nobody agreed to it

    link = page.url
    page.goto("about:blank")
    open_page(page, link)
    expect_leader(page, 4)
    expect(page.get_by_text("Learned: 4")).to_be_visible()
    page.get_by_text("How does it work?").click()
    expect(page.get_by_text("This browser's own lessons: 1.")).to_be_visible()
    rows = page.locator(".side tbody tr")
    expect(rows.first.locator("th")).to_have_text("with the lessons")
    shown = [rows.nth(row).locator("td").nth(digit) for row, digit in ((0, 4), (1, 7))]
    assert all(int(cell.inner_text()) > 70 for cell in shown)
    page.get_by_role("button", name="Forget", exact=True).click()
    expect_leader(page, 7)
    assert probabilities(page) == before
    expect(page.locator(".learned")).to_be_empty()
    expect(page.locator("#about .lessons, .side").first).to_be_hidden()
    correct(page, 1)
    expect_leader(page, 1)
    page.get_by_role("button", name="Forget all lessons").click()
    expect_leader(page, 7)
    assert stored(page) == []


def test_what_is_no_digit_is_not_called_right_and_may_not_convince(page):
    draw(page, [[(0.35, 0.5), (0.65, 0.5)]])
    expect(page.locator(".answer")).to_contain_text(ENGLISH["no_digit"])
    expect(page.locator(".yes")).to_be_hidden()
    correct(page, 1)
    expect(page.locator(".learned")).to_contain_text("Noted: 1.")


def test_what_was_learned_is_not_learned_again_when_the_page_is_opened(page):
    drawn(page)
    correct(page, 1)
    expect(page.get_by_text("Was 7, now 1")).to_be_visible()
    shown = probabilities(page)
    asked = record_requests(page)
    page.reload()
    expect(page.get_by_text("Learned: 1")).to_be_visible()
    assert probabilities(page) == shown
    assert not [url for url in asked if url.endswith(".gz")]
    # Other lessons, or something else in its place, are learned.
    kept = "draw-a-digit:taught"
    page.evaluate("key => localStorage.setItem(key, localStorage[key].slice(0, -9))", kept)
    page.reload()
    expect(page.get_by_text("Learned: 1")).to_be_visible()
    assert probabilities(page) == shown
    assert [url for url in asked if url.endswith(".gz")]


def test_the_page_goes_on_while_it_learns(page):
    """A stubborn lesson: all of the steps are taken."""
    drawn(page)
    page.evaluate(
        """() => {
            window.frames = 0;
            const count = () => { frames += 1; requestAnimationFrame(count); };
            requestAnimationFrame(count);
        }"""
    )
    correct(page, 8)
    before = page.evaluate("frames")
    expect(page.locator(".learned")).not_to_be_empty()
    assert page.evaluate("frames") - before > 10


def test_the_bars_are_left_alone_before_consent_is_asked_at_the_foot(open_context):
    for settings in ({}, PHONE, SIDE, NARROW_SIDE):
        page = open_context(**settings)
        drawn(page)
        correct(page, 1)
        expect(page.locator(".learned")).to_have_text("Was 7, now 1")
        expect(page.locator(".consent")).to_be_hidden()  # there is time to see it
        expect(page.locator(".bars")).to_be_in_viewport(ratio=1)
        expect(page.locator(".consent")).to_be_visible()
        foot = page.locator(".consent").bounding_box()
        bars = page.locator(".bars").bounding_box()
        assert foot["y"] >= bars["y"] + bars["height"]
        for part in (".agree", ".decline", ".learned", ".forget", ".yes", ".no"):
            expect(page.locator(part)).to_be_in_viewport(ratio=1)
        digit, yes = (page.locator(part).bounding_box() for part in (".answer .digit", ".yes"))
        assert digit["x"] + digit["width"] <= yes["x"] or digit["y"] + digit["height"] <= yes["y"]
        edges = (
            "node => { const box = node.getBoundingClientRect(); return [box.left, box.right]; }"
        )
        row = page.locator("#feedback").evaluate(edges)
        for part in (".learned", ".forget"):  # beside the pictures, and their words in them
            left, right = page.locator(part).evaluate(edges)
            assert row[0] <= left and right <= row[1]
            assert page.locator(part).evaluate("node => node.scrollWidth <= node.clientWidth")


def test_the_ten_digits_lie_in_their_sheet(open_context):
    for settings in ({}, PHONE, SIDE, NARROW_SIDE):
        page = open_context(**settings)
        drawn(page)
        page.get_by_role("button", **NO).click()
        sheet = page.locator(".digits.sheet").bounding_box()
        for digit in range(10):
            button = page.locator(f'.digits.sheet [data-digit="{digit}"]')
            expect(button).to_be_in_viewport(ratio=1)
            box = button.bounding_box()
            assert box["x"] + box["width"] < sheet["x"] + sheet["width"]


def test_without_corrections_it_learns_and_asks_nothing(browser):
    with serving(corrections=False) as address:
        page = browser.new_page()
        open_page(page, address)
        drawn(page)
        correct(page, 1)
        expect_leader(page, 1)
        expect(page.locator(".consent")).to_be_hidden()
        page.close()


# What is given


def test_a_person_gives_sees_exports_and_deletes(page, tmp_path):
    for part in (".choices", ".digits", ".consent", ".forget", ".given"):
        expect(page.locator(part)).to_be_hidden()
    drawn(page, DRAWINGS[7])
    where = "document.querySelector('#about').getBoundingClientRect().top + scrollY"
    place = page.evaluate(where)
    page.get_by_role("button", **YES).click()
    consent = page.locator(".consent")
    expect(consent).to_be_visible()
    page.keyboard.press("Escape")
    expect(consent).to_be_hidden()
    assert len(strokes_on(page)) == 1  # the paper is not cleared
    page.get_by_role("button", **YES).click()
    page.get_by_role("button", name="No, thanks").click()
    page.get_by_role("button", **YES).click()
    expect(consent).to_be_hidden()  # it is asked once
    kept = page.evaluate("Object.keys(localStorage).sort()")
    assert kept == [f"draw-a-digit:{name}" for name in ("lessons", "taught", "visited")]

    link = page.url
    page.goto("about:blank")
    open_page(page, link)
    wait_until_replayed(page)
    page.wait_for_timeout(1100)  # it draws itself for a second
    expect_leader(page, 7)
    correct(page, 1)
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_text("a random number")).to_be_visible()
    page.get_by_role("button", name="Yes, and those to come").click()
    toast = page.locator("#feedback .toast")
    expect(toast).to_have_text("Thank you: kept as 1.")
    correct(page, 7)  # agreed already, and instead of the first
    expect(toast).to_have_text("Thank you: kept as 7.")
    expect(page.get_by_text("My drawings (1)")).to_be_visible()
    page.locator(".forget").click()
    expect(toast).to_have_text("It is deleted.")
    assert page.evaluate(where) == place  # nothing that opened or was said moves the rest
    draw(page, [[(0.2, 0.9), (0.3, 0.9)]])
    expect(toast).to_be_hidden()  # its moment is over
    expect(page.locator(".given")).to_be_hidden()

    page.get_by_role("button", name="Undo", exact=True).click()
    correct(page, 7)
    page.get_by_text("My drawings (1)").click()
    expect(page.locator(".given li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "corrections.jsonl")
    (drawing,) = read_drawings(tmp_path / "corrections.jsonl")
    assert (drawing.label, drawing.extra["answer"]) == (7, 7)
    page.get_by_role("button", name="Delete all").click()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")  # thought better of it
    page.get_by_role("button", name="Delete all", exact=True).press("Enter")
    expect(page.locator(".given li")).to_have_count(1)
    expect(page.get_by_role("button", name="Really delete all?")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("My drawings (0)")).to_be_focused()
    expect(page.locator(".given li")).to_have_count(0)


def test_yes_that_is_clicked_twice_is_kept_once(page):
    drawn(page, DRAWINGS[7])
    page.get_by_role("button", **YES).click()
    expect(page.locator(".consent")).to_be_visible()
    with held_corrections(page) as held:
        page.locator(".agree").evaluate("button => (button.click(), button.click())")
        expect(page.locator(".consent")).to_be_hidden()
        page.get_by_role("button", **YES).dblclick()
        wait_until(page, lambda: held)
        page.wait_for_timeout(200)  # in which a second would come too
        assert len(held) == 1
    expect(page.get_by_text("My drawings (1)")).to_be_visible()


def test_what_is_kept_is_what_is_on_the_paper_and_not_what_was_answered(asking_page):
    agree(asking_page)
    drawn(asking_page, DRAWINGS[7])
    gate = Gate(asking_page)
    asking_page.get_by_role("button", **NO).click()
    draw(asking_page, [[(0.35, 0.5), (0.65, 0.5)]])  # a bar, to which there is no answer yet
    expect(asking_page.locator(".digits")).to_be_hidden()
    expect(asking_page.get_by_role("button", **YES)).to_be_disabled()  # that was about another
    with asking_page.expect_request("**/corrections") as sent:
        correct(asking_page, 7)
    strokes = json.loads(sent.value.post_data)["strokes"]
    assert len(strokes) == 2
    assert strokes == strokes_on(asking_page)
    expect(asking_page.get_by_text("kept as 7.")).to_be_visible()
    expect(asking_page.locator(".bars")).to_have_css("opacity", "0.45")  # about another too
    gate.open()
    expect(asking_page.get_by_role("button", **YES)).to_be_enabled()
    expect(asking_page.locator(".bars")).to_have_css("opacity", "1")


def test_nothing_is_asked_of_a_drawing_without_an_answer_nor_of_a_picture(
    asking_page, mnist, tmp_path
):
    gate = Gate(asking_page)
    draw(asking_page, DRAWINGS[7])
    asking_page.wait_for_timeout(200)
    expect(asking_page.locator(".choices")).to_be_hidden()
    gate.open()
    expect(asking_page.locator(".choices")).to_be_visible()
    correct(asking_page, 7)
    expect(asking_page.locator(".consent")).to_be_visible()
    Image.fromarray(255 - mnist[0][0].numpy()).resize((280, 280)).save(tmp_path / "five.png")
    asking_page.locator("input.choose").set_input_files(tmp_path / "five.png")
    expect(asking_page.locator(".consent")).to_be_hidden()  # it was asked for the drawing
    expect_leader(asking_page, mnist[1][0].item())
    expect(asking_page.locator(".choices")).to_be_hidden()


def test_what_is_said_vanishes(open_context):
    page = open_context(alone=True)
    page.clock.install()
    agree(page)
    drawn(page, DRAWINGS[7])
    page.route("**/corrections", lambda route: route.abort())
    page.get_by_role("button", **YES).click()
    expect(page.locator("#feedback .toast")).to_have_text(ENGLISH["no_store"])
    page.clock.run_for(9_000)
    expect(page.locator("#feedback .toast")).to_be_hidden()


# By code; after each another sentence, or what is said of the one before would do.
REFUSALS = {
    "signed_out": 401,
    "too_large": 413,
    "too_many_corrections": 429,
    "invalid_strokes": 422,
}
REFUSALS |= {"another_one": 500, "busy": 503, "not_stored": 507}


def test_whatever_is_refused_is_said_in_both_languages(open_context):
    codes = itertools.cycle(REFUSALS)

    def refuse(route) -> None:
        code = next(codes)
        answer = {"error": f"Reason {code}.", "code": code}
        route.fulfill(status=REFUSALS[code], json=answer)

    for language, texts in (("en-US", ENGLISH), ("zh-CN", CHINESE)):
        page = open_context(locale=language)
        page.route("**/corrections", refuse)
        agree(page)
        drawn(page, DRAWINGS[7])
        for code, status in REFUSALS.items():
            page.locator(".yes").click()  # to try again
            known = "logged_out" if status == 401 else f"refused_{code}"
            said = texts.get(known, texts["not_kept"].replace("{reason}", f"Reason {code}."))
            expect(page.locator("#feedback .toast")).to_have_text(said)


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_the_server_does_not_know_is_asked_again(page, is_kept):
    sent, asked = [], []

    def answer(route) -> None:
        request = route.request
        if request.method == "POST":
            sent.append(json.loads(request.post_data))
            route.fulfill(status=503, json={"error": "Perhaps.", "code": "outcome_unknown"})
            return
        if request.url.endswith("corrections"):
            return route.fulfill(json={"corrections": []})
        asked.append(request.url)
        if len(asked) == 1:
            route.fulfill(status=503, json={"error": "Not now.", "code": "busy"})
        elif is_kept:
            route.fulfill(json={"id": sent[0]["id"]})
        else:
            route.fulfill(status=404, json={"error": "No.", "code": "not_found"})

    page.route(re.compile("/corrections/?\\w*$"), answer)
    agree(page)
    drawn(page, DRAWINGS[7])
    page.get_by_role("button", **YES).click()
    said = "Thank you: kept as 7." if is_kept else ENGLISH["refused_not_stored"]
    expect(page.locator("#feedback .toast")).to_have_text(said)
    assert re.fullmatch("[0-9a-f]{32}", sent[0]["id"])
    assert len(sent) == 1
    assert {url.rpartition("/")[2] for url in asked} == {sent[0]["id"]}


# Networks


def test_about_compares_networks(browser, directory):
    with serving(weights=directory) as address:
        page = browser.new_page()
        open_page(page, address)
        draw(page, DRAWINGS[3])
        expect_leader(page, 3)
        page.wait_for_timeout(3500)  # a look that was due
        name = swap(page, address, directory)
        asked = record_requests(page)
        page.wait_for_timeout(1000)
        assert asked == []  # while nobody does anything
        expect_answer_by(page, name)
        assert asked == [f"{address}network", f"{address}network/{name}.bin"]
        expect_compared(page, name)
        opened_later = browser.new_page()
        open_page(opened_later, address)
        draw(opened_later, DRAWINGS[3])
        expect_compared(opened_later, name)
        for each in (page, opened_later):
            each.close()


def test_a_network_is_compared_with_the_one_before_it_alone(browser, directory):
    with serving(weights=directory) as address:
        page = browser.new_page()
        open_page(page, address)
        draw(page, DRAWINGS[7])
        first = swap(page, address, directory)
        expect_answer_by(page, first)
        page.get_by_text("How does it work?").click()
        expect(page.locator(".side")).to_be_visible()
        second, third = (swap(page, address, directory) for _ in range(2))
        held = []
        page.route(f"**/network/{second}.bin", lambda route: held.append(route))
        expect_answer_by(page, third)
        expect(page.locator(".side")).to_be_hidden()  # it had been compared with the first
        held[0].continue_()
        expect(page.locator(".side")).to_contain_text(f"network before: {second}")
        page.close()


def swap(page, address: str, directory) -> str:
    """The name of a network that answers from now on."""
    name = other_network(directory)
    wait_until(page, lambda: httpx.get(f"{address}network").json()["name"] == name)
    return name


def expect_answer_by(page, name: str) -> None:
    """In time after somebody does something."""
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Redo").click()
    wait_for(page, "name => document.documentElement.dataset.network === name", name)


def expect_compared(page, name: str) -> None:
    """The network `name`, which reads a 4, and the one before, which reads a 3, are compared."""
    page.get_by_text("How does it work?").click()
    rows = page.locator(".side tbody tr")
    expect(rows.nth(0)).to_contain_text(f"network {name}")
    expect(rows.nth(0).locator("td").nth(4)).to_have_text("100")
    expect(rows.nth(1).locator("td").nth(3)).to_have_text("100")
