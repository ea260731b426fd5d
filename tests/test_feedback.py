"""Corrections on the page: what is offered, kept, shown and taken back; networks compared."""

import contextlib
import itertools
import json

import httpx
from PIL import Image
from playwright.sync_api import expect

from mnist_core.drawing.strokes import read_drawings
from tests.browser import draw
from tests.conftest import serving
from tests.drawings import DRAWINGS
from tests.page import Gate, expect_leader, open_page, record_requests, wait_until
from tests.test_reloader import other_network
from ui.texts import CHINESE, ENGLISH


def test_a_person_corrects_sees_exports_and_deletes(page, tmp_path):
    for part in (".choices", ".consent", ".take-back"):
        expect(page.locator(part)).to_be_hidden()
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.get_by_role("button", name="Right", exact=True).click()
    consent = page.get_by_text("nothing about you")
    expect(consent).to_be_visible()
    page.get_by_role("button", name="No", exact=True).click()
    expect(consent).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0  # nothing was kept, here or there

    page.keyboard.press("1")
    page.get_by_role("button", name="Keep it, and").click()
    expect(page.get_by_text("Kept as 1.")).to_be_visible()
    expect(page.locator(".choices")).to_be_hidden()
    page.locator(".take-back").click()
    expect(page.get_by_text("It is deleted.")).to_be_visible()
    page.keyboard.press("7")  # agreed already
    expect(page.get_by_text("Kept as 7.")).to_be_visible()

    page.get_by_text("What you gave").click()
    expect(page.locator(".given li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "corrections.jsonl")
    (drawing,) = read_drawings(tmp_path / "corrections.jsonl")
    assert (drawing.label, drawing.extra["answer"]) == (7, 7)
    page.get_by_role("button", name="Delete 7").click()
    expect(page.get_by_text("This browser has given nothing.")).to_be_visible()


def agree(page) -> None:
    """Have this browser agree to its drawings being kept."""
    page.evaluate("localStorage.setItem('corrections', 'yes')")


def drawn_seven(page) -> None:
    """A 7 is drawn and read, by somebody who has agreed."""
    agree(page)
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)


@contextlib.contextmanager
def held_corrections(page):
    """The corrections that the page sends while it gets no answer; they are answered at the end."""
    held = []
    page.route("**/corrections", lambda route: held.append(route))
    yield held
    for route in held:
        route.continue_()
    page.unroute("**/corrections")


RIGHT = {"name": "Right", "exact": True}


def test_right_that_is_clicked_twice_is_kept_once(page):
    drawn_seven(page)
    with held_corrections(page) as held:
        page.get_by_role("button", **RIGHT).dblclick()
        expect(page.get_by_role("button", **RIGHT)).to_be_disabled()
        page.keyboard.press("1")
        wait_until(page, lambda: held)
        page.wait_for_timeout(200)
        assert len(held) == 1
    expect(page.get_by_text("Kept as 7.")).to_be_visible()
    expect(page.locator(".choices")).to_be_hidden()
    page.keyboard.press("5")
    page.get_by_text("What you gave").click()
    expect(page.locator(".given li")).to_have_count(1)


def test_of_two_digit_keys_the_first_counts(page):
    drawn_seven(page)
    with page.expect_response("**/corrections"):
        page.keyboard.press("1")
        page.keyboard.press("5")
    expect(page.get_by_text("Kept as 1.")).to_be_visible()
    page.get_by_text("What you gave").click()
    expect(page.locator(".given li")).to_have_count(1)


def test_consent_that_is_given_twice_keeps_one(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.keyboard.press("7")
    with held_corrections(page) as held:
        page.locator(".agree").evaluate("button => (button.click(), button.click())")
        expect(page.locator(".consent")).to_be_hidden()
        wait_until(page, lambda: held)
        page.wait_for_timeout(200)  # in which a second would come too
        assert len(held) == 1
    expect(page.get_by_text("Kept as 7.")).to_be_visible()


def test_what_is_kept_is_what_is_on_the_paper_and_not_what_was_answered(asking_page):
    drawn_seven(asking_page)
    gate = Gate(asking_page)
    draw(asking_page, [[(0.35, 0.5), (0.65, 0.5)]])  # a bar, to which there is no answer yet
    expect(asking_page.get_by_role("button", **RIGHT)).to_be_disabled()  # that was about another
    with asking_page.expect_request("**/corrections") as sent:
        asking_page.keyboard.press("7")
    strokes = json.loads(sent.value.post_data)["strokes"]
    assert len(strokes) == 2
    assert strokes == asking_page.evaluate("drawn.strokes")
    expect(asking_page.get_by_text("Kept as 7.")).to_be_visible()
    gate.open()
    expect(asking_page.get_by_text("Kept as 7.")).to_be_visible()
    expect(asking_page.locator(".choices")).to_be_hidden()  # the answer changes nothing


def test_right_comes_back_with_the_answer_to_what_is_on_the_paper(asking_page):
    drawn_seven(asking_page)
    gate = Gate(asking_page)
    draw(asking_page, [[(0.35, 0.5), (0.65, 0.5)]])
    expect(asking_page.get_by_role("button", **RIGHT)).to_be_disabled()
    expect(asking_page.locator(".result")).to_have_css("opacity", "0.45")  # about another too
    gate.open()
    expect(asking_page.get_by_role("button", **RIGHT)).to_be_enabled()
    expect(asking_page.locator(".result")).to_have_css("opacity", "1")


def test_nothing_is_asked_of_a_drawing_without_an_answer_nor_of_a_picture(
    asking_page, mnist, tmp_path
):
    gate = Gate(asking_page)
    draw(asking_page, DRAWINGS[7])
    asking_page.keyboard.press("7")
    expect(asking_page.locator(".consent")).to_be_hidden()
    expect(asking_page.locator(".choices")).to_be_hidden()
    gate.open()
    expect(asking_page.locator(".choices")).to_be_visible()
    asking_page.keyboard.press("7")
    expect(asking_page.locator(".consent")).to_be_visible()
    Image.fromarray(255 - mnist[0][0].numpy()).resize((280, 280)).save(tmp_path / "five.png")
    asking_page.locator("input.choose").set_input_files(tmp_path / "five.png")
    expect(asking_page.locator(".consent")).to_be_hidden()  # it was asked for the drawing
    expect_leader(asking_page, mnist[1][0].item())
    expect(asking_page.locator(".choices")).to_be_hidden()


def test_undo_is_offered_for_a_minute(open_context):
    page = open_context(alone=True)
    page.clock.install()
    drawn_seven(page)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 60)  # from here on it stands still
    page.keyboard.press("7")
    expect(page.locator(".take-back")).to_be_visible()
    page.clock.run_for(59_000)
    expect(page.locator(".take-back")).to_be_visible()
    page.clock.run_for(2_000)
    expect(page.locator(".take-back")).to_be_hidden()


def test_a_store_that_fails_is_said_on_the_page(page):
    drawn_seven(page)
    full = {"status": 507, "json": {"error": "The disk is full."}}
    page.route("**/corrections", lambda route: route.fulfill(**full))
    page.keyboard.press("7")
    expect(page.get_by_text("tell whoever runs this page. The disk is full.")).to_be_visible()
    expect(page.locator(".choices")).to_be_visible()  # to try again


# By status; after each another sentence, or what is said of the one before would do.
REFUSALS = {401: "logged_out", 413: "unfit", 429: "too_many", 422: "unfit", 500: "not_kept"}
REFUSALS |= {503: "store_busy", 507: "store_fails"}


def test_whatever_is_refused_is_said_in_both_languages(open_context):
    statuses = itertools.cycle(REFUSALS)

    def refuse(route) -> None:
        status = next(statuses)
        route.fulfill(status=status, json={"error": f"Reason {status}."})

    for language, texts in (("en-US", ENGLISH), ("zh-CN", CHINESE)):
        page = open_context(locale=language)
        page.route("**/corrections", refuse)
        drawn_seven(page)
        for status, key in REFUSALS.items():
            page.keyboard.press("7")
            said = texts[key].replace("{reason}", f"Reason {status}.")
            expect(page.locator(".news [role=status]")).to_have_text(said)


def test_the_page_compares_networks_and_says_which_answered(browser, directory):
    with serving(weights=directory) as address:
        page = browser.new_page()
        open_page(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.wait_for_timeout(3500)  # a look that was due
        name = swap(page, address, directory)
        asked = record_requests(page)
        page.wait_for_timeout(1000)
        assert asked == []  # while nobody does anything
        expect_answer_by(page, name)
        expect_compared(page, name)
        assert asked == [f"{address}network", f"{address}network/{name}.bin"]
        opened_later = browser.new_page()
        open_page(opened_later, address)
        draw(opened_later, DRAWINGS[7])
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
        expect(page.locator(".side")).to_be_visible()
        second, third = (swap(page, address, directory) for _ in range(2))
        held = []
        page.route(f"**/network/{second}.bin", lambda route: held.append(route))
        expect_answer_by(page, third)
        expect(page.locator(".side")).to_be_hidden()  # it had been compared with the first
        held[0].continue_()
        expect(page.locator(".side")).to_contain_text(f"before: {second}")
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
    expect(page.get_by_text(f"Answered by network {name}")).to_be_visible(timeout=10_000)


def expect_compared(page, name: str) -> None:
    """The network `name`, which reads a 3, and the one before, which reads a 7, are compared."""
    rows = page.locator(".side tbody tr")
    expect(rows.nth(0)).to_contain_text(f"now: {name}")
    expect(rows.nth(0).locator("td").nth(3)).to_have_text("100")
    expect(rows.nth(1).locator("td").nth(7)).to_have_text("100")


def test_without_corrections_nothing_of_them_is_there(browser):
    with serving(corrections=False) as address:
        page = browser.new_page()
        open_page(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        expect(page.locator(".choices")).to_have_count(0)
        page.close()
