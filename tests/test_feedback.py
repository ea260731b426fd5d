"""Teaching on the page: what is learned there, and what is given to the server and taken back."""

import json
import re

import httpx
import pytest
from playwright.sync_api import expect

from mnist_core.drawing.strokes import read_drawings
from tests.browser import draw
from tests.conftest import serving
from tests.drawings import DRAWINGS
from tests.page import (
    PHONE,
    SAYS,
    SLANTED,
    correct,
    draw_digit,
    expect_leader,
    open_page,
    probabilities,
    record_requests,
    strokes_on,
    tool,
    wait_for,
    wait_until,
)
from tests.test_reloader import other_network
from ui.texts import ENGLISH


def drawn(page, strokes=SLANTED) -> None:
    draw(page, strokes)
    expect_leader(page, 7)


def agree(page) -> None:
    """Have this browser agree to its drawings being kept."""
    page.evaluate("localStorage.setItem('draw-a-digit:corrections', 'yes')")


def stored(page) -> list:
    return json.loads(page.evaluate("localStorage.getItem('draw-a-digit:lessons')") or "[]")


# What it learns here


def test_it_learns_at_once_remembers_at_the_next_visit_and_forgets(page):
    asked = record_requests(page)
    drawn(page)
    before = probabilities(page)
    page.keyboard.press("1")  # means nothing yet
    tool(page, "No").click()
    expect(page.locator(".digits button").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".digits")).to_be_hidden()
    expect(tool(page, "No")).to_be_focused()
    assert len(strokes_on(page)) == 1
    assert stored(page) == []
    tool(page, "No").click()
    page.keyboard.press("1")
    expect(page.get_by_text("Was 7, now 1")).to_be_visible()
    expect_leader(page, 1)
    assert probabilities(page)[1] > 0.8
    expect(page.locator("#insight .question")).to_contain_text("Why 1, not")
    correct(page, 4)  # a drawing has one label
    expect(page.get_by_text("Was 7, now 4")).to_be_visible()
    assert [lesson["label"] for lesson in stored(page)] == [4]
    assert [url.rpartition("/")[2] for url in asked if url.endswith(".gz")] == ["images.gz"]
    assert not [url for url in asked if "corrections" in url]  # nobody agreed to it

    asked.clear()
    page.reload()
    expect_leader(page, 4)
    expect(page.get_by_text("Learned: 4")).to_be_visible()
    assert not [url for url in asked if url.endswith(".gz")]  # it is not learned again
    page.get_by_text("How does it work?").click()
    expect(page.get_by_text("This browser's own lessons: 1.")).to_be_visible()
    rows = page.locator(".side tbody tr")
    expect(rows.first.locator("th")).to_have_text("with the lessons")
    shown = [rows.nth(row).locator("td").nth(digit) for row, digit in ((0, 4), (1, 7))]
    assert all(int(cell.inner_text()) > 70 for cell in shown)
    tool(page, "Forget").click()
    expect_leader(page, 7)
    assert probabilities(page) == before
    expect(page.locator(".learned")).to_be_empty()
    expect(page.locator("#about .lessons, .side").first).to_be_hidden()


def test_what_is_no_digit_is_not_called_right_and_may_not_convince(page):
    draw(page, [[(0.35, 0.5), (0.65, 0.5)]])
    expect(page.locator(".answer")).to_contain_text(ENGLISH["no_digit"])
    expect(page.locator(".yes")).to_be_hidden()
    correct(page, 1)
    expect(page.locator(".learned")).to_contain_text("Noted: 1.")


def test_digits_and_consent_fit_the_screen_and_cover_no_bars(open_context):
    page = open_context(**PHONE)
    drawn(page)
    tool(page, "No").click()
    for button in page.locator(".digits.sheet button").all():
        expect(button).to_be_in_viewport(ratio=1)
    page.locator(".digits button").nth(1).click()
    expect(page.locator(".learned")).to_have_text("Was 7, now 1")
    expect(page.locator(".consent")).to_be_hidden()  # there is time to see it
    expect(page.locator(".consent")).to_be_visible()
    bars = page.locator(".bars").bounding_box()
    assert page.locator(".consent").bounding_box()["y"] >= bars["y"] + bars["height"]
    for part in (".bars", ".agree", ".decline", ".learned", ".forget", ".yes", ".no"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    for part in (".learned", ".forget"):
        assert page.locator(part).evaluate("node => node.scrollWidth <= node.clientWidth")


# What is given


def test_a_person_gives_sees_exports_and_deletes(page, tmp_path):
    for part in (".choices", ".digits", ".consent", ".forget", ".given"):
        expect(page.locator(part)).to_be_hidden()
    drawn(page, DRAWINGS[7])
    tool(page, "Yes").click()
    consent = page.locator(".consent")
    expect(consent).to_be_visible()
    page.keyboard.press("Escape")
    expect(consent).to_be_hidden()
    assert len(strokes_on(page)) == 1  # the paper is not cleared
    tool(page, "Yes").click()
    page.get_by_role("button", name="No, thanks").click()
    tool(page, "Yes").click()
    expect(consent).to_be_hidden()  # it is asked once a visit
    kept = page.evaluate("Object.keys(localStorage).sort()")
    assert kept == [f"draw-a-digit:{name}" for name in ("lessons", "taught", "visited")]

    page.emulate_media(reduced_motion="reduce")  # the drawing is back at once, all of it
    page.reload()
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
    draw(page, [[(0.2, 0.9), (0.3, 0.9)]])
    expect(toast).to_be_hidden()  # its moment is over
    expect(page.locator(".given")).to_be_hidden()

    tool(page, "Undo").click()
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
    tool(page, "Delete all").press("Enter")
    expect(page.locator(".given li")).to_have_count(1)
    expect(page.get_by_role("button", name="Really delete all?")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("My drawings (0)")).to_be_focused()
    expect(page.locator(".given li")).to_have_count(0)


def test_a_refusal_is_explained_and_its_words_vanish(open_context):
    page = open_context(alone=True)
    page.clock.install()
    agree(page)
    drawn(page, DRAWINGS[7])
    refusals = {"signed_out": 401, "another_one": 500, "not_stored": 507}
    toast, answers = page.locator("#feedback .toast"), []
    page.route("**/corrections", lambda route: route.fulfill(**answers[-1]))
    for code, status in refusals.items():
        answers.append({"status": status, "json": {"error": f"Reason {code}.", "code": code}})
        tool(page, "Yes").click()  # to try again
        known = "logged_out" if status == 401 else f"refused_{code}"
        other = ENGLISH["not_kept"].replace("{reason}", f"Reason {code}.")
        expect(toast).to_have_text(ENGLISH.get(known, other))
    page.clock.run_for(9_000)
    expect(toast).to_be_hidden()


@pytest.mark.parametrize("is_kept", [True, False])
def test_where_the_outcome_is_unknown_the_server_is_asked_again(page, is_kept):
    sent, asked = [], []

    def reply(route) -> None:
        request = route.request
        if request.method == "POST":
            sent.append(json.loads(request.post_data))
            route.fulfill(status=503, json={"error": "Perhaps.", "code": "outcome_unknown"})
        elif request.url.endswith("corrections"):
            route.fulfill(json={"corrections": []})
        elif not asked.append(request.url) and len(asked) == 1:
            route.fulfill(status=503, json={"error": "Not now.", "code": "busy"})
        elif is_kept:
            route.fulfill(json={"id": sent[0]["id"]})
        else:
            route.fulfill(status=404, json={"error": "No.", "code": "not_found"})

    page.route(re.compile("/corrections/?\\w*$"), reply)
    agree(page)
    drawn(page, DRAWINGS[7])
    tool(page, "Yes").click()
    said = "Thank you: kept as 7." if is_kept else ENGLISH["refused_not_stored"]
    expect(page.locator("#feedback .toast")).to_have_text(said)
    assert len(sent) == 1
    assert {url.rpartition("/")[2] for url in asked} == {sent[0]["id"]}


# Networks


def test_a_new_network_answers_after_the_next_stroke_and_is_compared(new_window, directory):
    with serving(weights=directory) as address:
        page = new_window()
        open_page(page, address)
        draw_digit(page, 3)
        page.wait_for_timeout(3500)  # a look that was due
        name = other_network(directory)
        wait_until(page, lambda: httpx.get(f"{address}network").json()["name"] == name)
        asked = record_requests(page)
        page.wait_for_timeout(1000)
        assert asked == []  # while nobody does anything
        tool(page, "Undo").click()
        tool(page, "Redo").click()
        wait_for(page, f"name => {SAYS}.network === name", name)
        assert asked == [f"{address}network", f"{address}network/{name}.bin"]
        page.get_by_text("How does it work?").click()
        rows = page.locator(".side tbody tr")
        expect(rows.nth(0)).to_contain_text(f"network {name}")
        expect(rows.nth(0).locator("td").nth(4)).to_have_text("100")  # it reads a 4
        expect(rows.nth(1).locator("td").nth(3)).to_have_text("100")  # and the one before a 3
