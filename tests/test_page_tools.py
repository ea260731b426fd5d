"""Tools beside the paper: eraser, examples, links and pictures."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS, examples
from tests.page import (
    ENDPOINT,
    draw_digit,
    expect_empty,
    expect_leader,
    ink,
    paper,
    picture,
    record_shown,
    send_pointer,
    settle,
    strokes_on,
    tool,
    wait_until,
    wait_until_answered,
)


def fragment(page) -> str:
    return page.evaluate("location.hash")


def wait_until_drawn(page, strokes: list) -> None:
    """Wait until a drawing that draws itself is complete, and so in the address."""
    wait_until(page, lambda: strokes_on(page) == strokes)
    wait_until_answered(page)


@pytest.fixture(scope="module")
def five(mnist) -> np.ndarray:
    """The first image of MNIST, a 5."""
    return mnist[0][0].numpy()


def test_the_eraser_takes_whole_strokes_and_is_off_on_empty_paper(page):
    erase, notice = tool(page, "Erase"), page.locator(".notice")
    expect(erase).to_be_disabled()
    draw(page, [*DRAWINGS[7], [(0.1, 0.9), (0.9, 0.9)]])
    erase.click()
    expect(erase).to_have_attribute("aria-pressed", "true")
    expect(paper(page)).to_have_css("cursor", "cell")
    draw(page, [[(0.05, 0.1), (0.05, 0.5)]])  # meets nothing
    expect(notice).to_contain_text("The eraser is on")
    draw(page, [[(0.2, 0.98), (0.2, 0.8)]])  # across the lower line
    expect_leader(page, 7)
    assert len(strokes_on(page)) == 1
    tool(page, "Undo").click()
    assert len(strokes_on(page)) == 2
    tool(page, "Clear").click()
    expect(erase).to_have_attribute("aria-pressed", "false")
    draw_digit(page, 7)
    expect(notice).to_be_empty()


# Examples


def test_the_network_reads_every_example(recognizer):
    drawings = examples()
    assert [drawing["label"] for drawing in drawings] == list(range(10))
    for drawing in drawings:
        prediction = recognizer.predict_strokes(drawing["strokes"])
        assert (prediction.digit, prediction.verdict) == (drawing["label"], "sure")


def test_an_example_draws_itself_and_what_interrupts_it_finds_it_whole(page):
    record_shown(page)
    page.get_by_label("4 with an open top").click()
    send_pointer(page, "pointerdown", 1, "touch", 0.9, 0.9)  # a palm, which is nothing
    send_pointer(page, "pointercancel", 1, "touch", 0.9, 0.9)
    page.get_by_label("7 with a bar").click()
    wait_until_drawn(page, examples()[7]["strokes"])
    expect_leader(page, 7)
    assert len(page.evaluate("shown")) > 5  # it was read while it was drawn
    tool(page, "Undo").click()
    wait_until_answered(page)
    assert strokes_on(page) == examples()[4]["strokes"]
    page.get_by_label("0 with a slash").click()
    tool(page, "Clear").click()
    draw(page, DRAWINGS[1])
    settle(page)  # the example would go on with the next frame
    expect_leader(page, 1)
    assert len(strokes_on(page)) == 1


# Links


def test_a_link_is_copied_and_brings_the_drawing_back(open_context):
    page = open_context(permissions=["clipboard-read", "clipboard-write"], reduced_motion="reduce")
    expect(tool(page, "Link")).to_be_disabled()
    draw(page, DRAWINGS[4])
    tool(page, "Link").click()
    expect(page.locator(".notice")).to_have_text("The link to this drawing is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    link, drawn = fragment(page), strokes_on(page)
    assert link.startswith("#drawing=1.") and len(link) < 600
    tool(page, "Clear").click()
    assert fragment(page) == ""
    page.evaluate("link => location.hash = link", link)
    wait_until_drawn(page, drawn)
    assert fragment(page) == link


def test_a_link_that_cannot_be_read_is_reported_and_runs_nothing(open_context):
    page = open_context("#drawing=1.<img src=x onerror=alert(1)>")
    page.on("dialog", lambda dialog: pytest.fail(f"a link ran: {dialog.message}"))
    notice = page.locator(".notice")
    for link in ("#drawing=1.AdAPAQ", "#drawing=1.${alert(1)}"):  # the first is beyond the paper
        expect(notice).to_contain_text("can't be read")
        expect_empty(page)
        draw(page, DRAWINGS[1])
        expect(notice).to_be_empty()
        tool(page, "Clear").click()
        page.evaluate("link => location.hash = link", link)
    expect(notice).to_contain_text("can't be read")


# Pictures


def test_a_picture_is_read_kept_undone_and_replaced_by_a_drawing(page, five):
    page.locator("input.choose").set_input_files(picture(five))
    expect_leader(page, 5)
    page.reload()
    expect_leader(page, 5)
    assert ink(page) > 0
    assert fragment(page) == ""
    expect(tool(page, "Link")).to_be_disabled()
    draw_digit(page, 1)
    tool(page, "Undo").click()
    expect_leader(page, 5)


def test_a_large_photograph_is_made_small_before_it_is_sent(page, five):
    with page.expect_request(ENDPOINT) as sent:
        page.locator("input.choose").set_input_files(picture(five, "JPEG", size=(4500, 4500)))
    assert len(sent.value.post_data) < 600_000
    expect_leader(page, 5)


def test_a_picture_is_pasted_or_dropped(page, five):
    for way in ("paste", "drop"):
        page.evaluate(
            """([way, content]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(content)], "a.png", { type: "image/png" }));
                const options = { bubbles: true, cancelable: true };
                document.body.dispatchEvent(way === "paste"
                    ? new ClipboardEvent("paste", { ...options, clipboardData: data })
                    : new DragEvent("drop", { ...options, dataTransfer: data }));
            }""",
            [way, list(picture(five)["buffer"])],
        )
        expect_leader(page, 5)
        tool(page, "Clear").click()
        expect_empty(page)


def test_pictures_without_a_digit_and_what_is_no_picture_are_reported(page):
    choose = page.locator("input.choose")
    draw_digit(page, 7)
    letter = {"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear sir"}
    choose.set_input_files(letter)
    expect(page.locator(".notice")).to_contain_text("not a picture")
    expect_leader(page, 7)
    choose.set_input_files(picture(np.zeros((28, 28), np.uint8)))
    expect(page.locator(".comment")).to_have_text("No digit found in this picture")
    expect(page.locator("#insight .question")).to_have_text("Why?")
