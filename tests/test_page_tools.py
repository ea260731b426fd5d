"""What a person does beside drawing: undo, erase, keys, examples, links and pictures."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser import draw
from tests.drawings import DRAWINGS
from tests.page import (
    ENDPOINT,
    PHONE,
    expect_empty,
    expect_leader,
    ink,
    paper,
    record_shown,
    send_pointer,
    settle,
    strokes_on,
    tool,
    wait_for,
    wait_until,
    wait_until_answered,
    wait_until_replayed,
)
from ui.document import EXAMPLES

LINK = "#drawing=1."


def fragment(page) -> str:
    return page.evaluate("location.hash")


def drawn_strokes(page, act) -> list:
    """The strokes that `act` leads to, once they are read."""
    act()
    wait_until_answered(page)
    return strokes_on(page)


def painted(page) -> str:
    """What is on the paper, as it is painted."""
    settle(page)
    return paper(page).evaluate("canvas => canvas.toDataURL()")


def wait_until_painted(page, wanted: str) -> None:
    """Until a drawing that draws itself is complete, and read."""
    wait_for(page, "wanted => document.querySelector('canvas').toDataURL() === wanted", wanted)
    wait_until_answered(page)


def wait_until_shown(page, strokes: list) -> None:
    """Until a drawing that draws itself is complete, and in the address."""
    wait_until(page, lambda: strokes_on(page) == strokes)
    wait_until_answered(page)


def picture(digit_image, name="digit.png", mode="PNG", size=280) -> dict:
    """A file to upload: a MNIST image, dark on light, as a photograph of paper would be."""
    buffer = io.BytesIO()
    Image.fromarray(255 - digit_image).resize((size, size)).save(buffer, mode)
    return {"name": name, "mimeType": f"image/{mode.lower()}", "buffer": buffer.getvalue()}


# Undo, redo, clear, eraser


def test_undo_and_redo_go_across_clear(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    tool(page, "Clear").click()
    expect_empty(page)
    page.keyboard.press("Control+z")
    expect_leader(page, 7)
    page.keyboard.press("Control+y")
    expect_empty(page)
    tool(page, "Undo").click()
    tool(page, "Undo").click()
    expect_empty(page)
    expect(tool(page, "Undo")).to_be_disabled()
    tool(page, "Redo").click()
    expect_leader(page, 7)
    tool(page, "Redo").click()
    expect_empty(page)
    expect(tool(page, "Redo")).to_be_disabled()


def test_a_new_stroke_forgets_what_was_undone(page):
    draw(page, DRAWINGS[7])
    tool(page, "Undo").click()
    draw(page, DRAWINGS[1])
    expect_leader(page, 1)
    expect(tool(page, "Redo")).to_be_disabled()


def test_keys_undo_redo_and_clear(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.keyboard.press("Control+z")
    expect_empty(page)
    page.keyboard.press("Control+Shift+z")
    expect_leader(page, 7)
    page.keyboard.press("Escape")
    expect_empty(page)
    page.keyboard.press("Meta+z")
    expect_leader(page, 7)
    page.keyboard.press("Delete")
    expect_empty(page)


def test_delete_clears_the_paper_from_the_paper_alone(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.locator("#about .card > summary").focus()
    page.keyboard.press("Delete")
    settle(page)
    expect_leader(page, 7)
    paper(page).focus()
    page.keyboard.press("Delete")
    expect_empty(page)


def test_keys_leave_text_fields_alone(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.evaluate("document.body.append(document.createElement('input'))")
    page.locator("body > input").focus()
    for key in ("Control+z", "Escape", "Delete"):
        page.keyboard.press(key)
    settle(page)
    expect_leader(page, 7)


def test_the_eraser_takes_whole_strokes(page):
    draw(page, [*DRAWINGS[7], [(0.1, 0.9), (0.9, 0.9)], [(0.1, 0.1), (0.9, 0.1)]])
    tool(page, "Erase").click()
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "true")
    expect(paper(page)).to_have_css("cursor", "cell")
    draw(page, [[(0.2, 0.98), (0.2, 0.8)]])  # across the lower line
    expect(page.locator(".bar.leading")).to_have_count(1)
    strokes = drawn_strokes(page, lambda: draw(page, [[(0.8, 0.02), (0.8, 0.13)]]))
    assert len(strokes) == 1
    expect_leader(page, 7)
    tool(page, "Undo").click()
    tool(page, "Undo").click()
    tool(page, "Erase").click()
    strokes = drawn_strokes(page, lambda: draw(page, [[(0.5, 0.5), (0.5, 0.6)]]))
    assert len(strokes) == 4


def test_the_tools_are_large_enough_for_fingers(open_context):
    for width in (1280, 375):
        page = open_context(viewport={"width": width, "height": 700})
        for button in page.locator(".tools button:visible, #examples button").all():
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= 44, button.text_content()


def test_the_eraser_is_off_where_there_is_nothing_to_erase(page):
    expect(tool(page, "Erase")).to_be_disabled()
    draw(page, DRAWINGS[1])
    tool(page, "Erase").click()
    tool(page, "Clear").click()
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "false")
    expect(paper(page)).to_have_css("cursor", "crosshair")
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)


def test_an_eraser_that_meets_nothing_says_that_it_is_on(page):
    draw(page, DRAWINGS[1])
    tool(page, "Erase").click()
    draw(page, [[(0.1, 0.1), (0.1, 0.9)]])
    expect(page.locator(".notice")).to_contain_text("The eraser is on")
    assert len(strokes_on(page)) == 1
    tool(page, "Erase").click()
    draw(page, [[(0.1, 0.1), (0.1, 0.9)]])
    expect(page.locator(".notice")).to_be_empty()
    assert len(strokes_on(page)) == 2


def test_a_phone_has_one_button_for_pictures_and_photographs(open_context):
    page = open_context(**PHONE)
    labels = page.locator(".tools button:visible").all_inner_texts()
    assert [label.strip() for label in labels] == [
        "Undo", "Redo", "Erase", "Clear", "Picture", "Link",
    ]  # fmt: skip
    expect(page.locator("input[type=file]")).to_have_count(1)


def test_what_a_palm_erased_comes_back(page):
    draw(page, DRAWINGS[7])
    tool(page, "Erase").click()
    send_pointer(page, "pointerdown", 1, "touch", 0.5, 0.22)
    expect_empty(page)
    send_pointer(page, "pointerdown", 2, "pen", 0.9, 0.9)
    send_pointer(page, "pointerup", 2, "pen", 0.9, 0.9)
    expect_leader(page, 7)
    send_pointer(page, "pointerdown", 3, "mouse", 0.9, 0.9)  # that erases nothing
    send_pointer(page, "pointercancel", 3, "mouse", 0.9, 0.9)
    expect_leader(page, 7)


# The keyboard


def hold(page, key: str, times: int) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def test_a_digit_is_drawn_with_the_keyboard_alone(page):
    hold(page, "Tab", 3)  # after language and theme
    expect(paper(page)).to_be_focused()
    hold(page, "ArrowUp", 10)
    hold(page, "ArrowLeft", 6)
    assert ink(page) > 0  # the cursor
    page.keyboard.press("Space")
    expect(page.locator(".notice")).to_have_text("Pen down")
    hold(page, "ArrowRight", 14)
    page.keyboard.down("ArrowLeft")
    for _ in range(9):
        page.keyboard.press("ArrowDown")  # with the other: a slant
    page.keyboard.up("ArrowLeft")
    hold(page, "ArrowDown", 12)
    page.keyboard.press("Space")
    expect(page.locator(".notice")).to_have_text("Pen up")
    expect_leader(page, 7)
    expect(page.locator(".spoken")).to_contain_text("7")
    hold(page, "ArrowLeft", 5)  # moves without drawing
    tool(page, "Undo").click()
    expect_empty(page)


def test_space_held_down_puts_the_pen_down_once(page):
    hold(page, "Tab", 3)
    for _ in range(4):
        page.keyboard.down("Space")  # repeats, as a held key does
    page.keyboard.up("Space")
    expect(page.locator(".notice")).to_have_text("Pen down")
    page.keyboard.press("Control+z")
    expect_empty(page)
    expect(tool(page, "Undo")).to_be_disabled()
    expect(page.locator(".notice")).to_be_empty()


def test_the_result_is_not_announced_on_every_point(page):
    page.evaluate(
        """() => {
            window.said = [];
            const spoken = document.querySelector(".spoken");
            new MutationObserver(() => said.push(spoken.textContent)).observe(
                spoken, { childList: true, characterData: true, subtree: true });
        }"""
    )
    draw(page, DRAWINGS[7], steps=30)
    expect(page.locator(".spoken")).to_contain_text("7")
    assert len(page.evaluate("said")) <= 2


# Examples


def examples() -> list[dict]:
    return [json.loads(line) for line in EXAMPLES.read_text().splitlines()]


def test_the_network_reads_every_example(recognizer):
    drawings = examples()
    assert [drawing["label"] for drawing in drawings] == list(range(10))
    for drawing in drawings:
        prediction = recognizer.predict_strokes(drawing["strokes"])
        assert (prediction.digit, prediction.verdict) == (drawing["label"], "sure")


def test_an_example_draws_itself_stroke_by_stroke(page):
    record_shown(page)
    strokes = drawn_strokes(page, lambda: (page.get_by_label("7 with a bar").click(),
                                          wait_until_replayed(page)))  # fmt: skip
    assert strokes == examples()[7]["strokes"]
    expect_leader(page, 7)
    assert len(page.evaluate("shown")) > 5  # it was read while it was drawn
    tool(page, "Undo").click()
    expect_empty(page)


def test_a_pen_interrupts_an_example(page):
    page.get_by_label("0 with a slash").click()
    tool(page, "Clear").click()
    draw(page, DRAWINGS[1])
    settle(page)  # the example would go on with the next frame
    expect_leader(page, 1)
    assert len(strokes_on(page)) == 1


def test_what_interrupts_an_example_finds_it_whole(page):
    page.get_by_label("4 with an open top").click()
    page.get_by_label("7 with a bar").click()
    wait_until_replayed(page)
    expect_leader(page, 7)
    strokes = drawn_strokes(page, lambda: tool(page, "Undo").click())
    assert strokes == examples()[4]["strokes"]


def test_people_who_want_less_motion_see_the_example_at_once(open_context):
    page = open_context(reduced_motion="reduce")
    page.get_by_label("4 with an open top").click()
    assert ink(page) > 0
    assert fragment(page).startswith(LINK)  # published, so complete
    expect_leader(page, 4)


# Links


def test_a_link_brings_the_drawing_back(page, open_context):
    drawn = drawn_strokes(page, lambda: draw(page, DRAWINGS[4]))
    expect_leader(page, 4)
    link = fragment(page)
    assert link.startswith(LINK)
    assert len(link) < 600
    other = open_context(link)
    expect_leader(other, 4)
    tool(page, "Clear").click()
    assert fragment(page) == ""
    page.evaluate("link => location.hash = link", link)
    wait_until_shown(page, drawn)
    assert fragment(page) == link


def test_the_link_is_copied(open_context):
    page = open_context(permissions=["clipboard-read", "clipboard-write"])
    expect(tool(page, "Link")).to_be_disabled()
    draw(page, DRAWINGS[7])
    tool(page, "Link").click()
    expect(page.locator(".notice")).to_have_text("The link to this drawing is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert LINK in page.url


def scribble(page) -> None:
    """Draw what is too long for a link."""
    paper(page).evaluate(
        """canvas => {
            canvas.setPointerCapture = () => {};  // this pointer exists in this test alone
            const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId: 1, pointerType: "mouse", clientX: x, clientY: y }));
            const box = canvas.getBoundingClientRect();
            send("pointerdown", box.x, box.y);
            for (let i = 0; i < 2000; i++) {
                send("pointermove", box.x + (i % 2) * box.width, box.y + i / 10);
            }
            send("pointerup", box.x, box.y);
        }"""
    )


def test_a_drawing_too_long_for_a_link_says_so(page):
    scribble(page)
    tool(page, "Link").click()
    expect(page.locator(".notice")).to_contain_text("too long for a link")
    assert fragment(page) == ""


HOSTILE_LINKS = [
    "#drawing=",
    "#drawing=1.",
    "#drawing=9.AQAA",
    "#drawing=1.AQ",  # cut short
    "#drawing=1.____________",  # numbers without an end
    "#drawing=1.AAAA",  # strokes without points
    "#drawing=1.AdAPAQ",  # beyond the paper
    "#drawing=1." + "A" * 5000,
    "#drawing=1.<img src=x onerror=alert(1)>",
    "#drawing=1.%3Cscript%3Ealert(1)%3C/script%3E",
    "#drawing=1.${alert(1)}",
]


def test_hostile_links_are_refused_in_words(open_context):
    page = open_context(HOSTILE_LINKS[-1])
    page.on("dialog", lambda dialog: pytest.fail(f"a link ran: {dialog.message}"))
    notice = page.locator(".notice")
    for link in HOSTILE_LINKS:
        expect(notice).to_contain_text("can't be read")
        expect_empty(page)
        assert ink(page) == 0
        draw(page, [[(0.5, 0.2), (0.5, 0.8)]])
        expect(notice).to_be_empty()
        tool(page, "Clear").click()
        page.evaluate("link => location.hash = link", link)
    expect(notice).to_contain_text("can't be read")


def test_a_fragment_of_something_else_is_nobody_s_business(open_context):
    page = open_context("#about")
    expect(page.locator(".notice")).to_be_empty()
    expect_empty(page)


# Leaving and coming back


def go_away_and_back(page) -> None:
    page.goto("about:blank")
    page.go_back()


WAYS_BACK = pytest.mark.parametrize(
    "come_back", [lambda page: page.reload(), go_away_and_back], ids=["reload", "back"]
)


@pytest.fixture
def listening_page(page):
    """The page, which says what is on the paper however often it is loaded."""
    return page


@WAYS_BACK
def test_a_page_left_while_a_link_draws_itself_keeps_all_of_it(listening_page, server, come_back):
    page = listening_page
    drawn = drawn_strokes(page, lambda: draw(page, DRAWINGS[3], steps=1))
    link = fragment(page)
    page.goto("about:blank")
    page.goto(server + link)
    wait_for(page, "document.documentElement.dataset.drawing > 1")  # it has begun
    come_back(page)
    wait_until_shown(page, drawn)
    assert fragment(page) == link


def test_a_palm_on_a_drawing_that_draws_itself_leaves_all_of_it(page):
    page.get_by_label("4 with an open top").click()
    send_pointer(page, "pointerdown", 1, "touch", 0.9, 0.9)
    send_pointer(page, "pointercancel", 1, "touch", 0.9, 0.9)
    wait_until_shown(page, examples()[4]["strokes"])


@WAYS_BACK
def test_a_drawing_too_long_for_a_link_is_there_again(listening_page, come_back):
    page = listening_page
    scribble(page)
    scribbled = painted(page)
    come_back(page)
    wait_until_painted(page, scribbled)


@WAYS_BACK
def test_a_picture_is_there_again(page, mnist, come_back):
    page.locator("input.choose").set_input_files(picture(mnist[0][0].numpy()))
    expect_leader(page, mnist[1][0].item())
    come_back(page)
    expect_leader(page, mnist[1][0].item())
    expect(tool(page, "Link")).to_be_disabled()  # it is no drawing
    expect(tool(page, "Clear")).to_be_enabled()


def test_each_page_of_a_tab_has_its_own_drawing_again(listening_page, server):
    page = listening_page
    scribble(page)
    scribbled = painted(page)
    page.goto("about:blank")
    page.goto(server + "#drawing=1.A9gEuAOgBgDzA4gJ")
    expect_leader(page, 7)
    page.go_back()
    page.go_back()
    wait_until_painted(page, scribbled)
    page.go_forward()
    page.go_forward()
    expect_leader(page, 7)


# Pictures


def test_a_picture_is_read(page, mnist):
    image, label = mnist[0][0].numpy(), mnist[1][0].item()
    page.locator("input.choose").set_input_files(picture(image))
    expect_leader(page, label)
    assert ink(page) > 0
    assert fragment(page) == ""
    expect(tool(page, "Link")).to_be_disabled()
    draw(page, DRAWINGS[1])  # takes the picture's place
    expect_leader(page, 1)
    tool(page, "Undo").click()
    expect_leader(page, label)


def test_a_large_photograph_is_made_small_before_it_is_sent(page, mnist):
    image = mnist[0][0].numpy()
    with page.expect_request(ENDPOINT) as sent:
        page.locator("input.choose").set_input_files(picture(image, "photo.jpg", "JPEG", size=4500))
    assert len(sent.value.post_data) < 600_000
    expect_leader(page, mnist[1][0].item())


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(page, mnist, way):
    content = list(picture(mnist[0][0].numpy())["buffer"])
    page.evaluate(
        """([way, content]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(content)], "a.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(way === "paste"
                ? new ClipboardEvent("paste", { ...options, clipboardData: data })
                : new DragEvent("drop", { ...options, dataTransfer: data }));
        }""",
        [way, content],
    )
    expect_leader(page, mnist[1][0].item())


def test_a_blank_picture_is_nothing_to_read(page):
    draw(page, DRAWINGS[4])
    expect(page.locator("#insight .question")).to_contain_text("Why 4")
    blank = picture(np.zeros((28, 28), np.uint8), "blank.png")
    page.locator("input.choose").set_input_files(blank)
    expect(page.locator(".comment")).to_have_text("No digit found in this picture")
    expect(page.locator("#insight .question")).to_have_text("Why?")


def test_what_is_no_picture_is_said_to_be_none_and_the_drawing_stays(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    letter = {"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear sir"}
    page.locator("input.choose").set_input_files(letter)
    expect(page.locator(".notice")).to_contain_text("not a picture")
    expect_leader(page, 7)
