"""DigitPad, the page's paper as a Gradio component, in gr.Interface and gr.Blocks."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import gradio as gr
import pytest
from playwright.sync_api import Locator, Page, expect

from serving.digit_pad import DigitPad
from tests.browser import draw
from tests.conftest import ROOT, free_port, wait_until_served
from tests.drawings import DRAWINGS

WAIT = 30_000  # milliseconds: the first answer of a busy machine


@pytest.fixture(scope="module")
def interface() -> Iterator[str]:
    """The address of scripts/gradio_interface.py, started as its users do."""
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "0"}
    command = [sys.executable, ROOT / "scripts" / "gradio_interface.py"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_served(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def open_page(new_window):
    """Opens an address in a window in which no script may fail."""

    def open_one(address: str) -> Page:
        page = new_window(locale="en")
        page.goto(address)
        expect(page.locator("canvas").first).to_be_visible(timeout=WAIT)
        return page

    return open_one


@contextlib.contextmanager
def launched(blocks: gr.Blocks) -> Iterator[str]:
    _, address, _ = blocks.launch(
        server_port=free_port(), prevent_thread_lock=True, quiet=True, ssr_mode=False
    )
    try:
        yield address
    finally:
        blocks.close(verbose=False)


def has_ink(canvas: Locator) -> bool:
    return canvas.evaluate("""(canvas) => canvas.getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)""")


def test_a_digit_drawn_in_the_interface_is_shown_in_the_label(interface, open_page):
    page = open_page(interface)
    canvas, label = page.locator("canvas"), page.get_by_test_id("label-output-value")
    draw(page, DRAWINGS[7])
    expect(label).to_have_text("7", timeout=WAIT)
    page.get_by_role("button", name="Undo").click()
    expect(label).to_have_count(0, timeout=WAIT)
    page.get_by_role("button", name="Redo").click()
    expect(label).to_have_text("7", timeout=WAIT)
    page.get_by_role("button", name="Clear", exact=True).last.click()  # the interface's own
    expect(page.locator(".hint")).to_be_visible()
    assert not has_ink(canvas)
    canvas.focus()
    for key in ("Space", *["ArrowDown"] * 12, "Space"):  # a 1
        page.keyboard.press(key)
    expect(label).to_have_text("1", timeout=WAIT)


def two_pads() -> gr.Blocks:
    with gr.Blocks() as blocks:
        first, second = DigitPad(label="first"), DigitPad({"strokes": DRAWINGS[4]})
        with gr.Row():
            inputs, changes = gr.Textbox("0", label="inputs"), gr.Textbox("0", label="changes")
            numbers = [gr.Textbox(label=name) for name in ("one", "two")]
        copy = gr.Button("Copy")
        for pad in (first, second):
            pad.input(lambda before: int(before) + 1, inputs, inputs)
            pad.change(lambda before: int(before) + 1, changes, changes)
        for pad, number in zip((first, second), numbers, strict=True):
            pad.change(lambda drawing: drawing["number"] if drawing else "none", pad, number)
        copy.click(lambda drawing: drawing, first, second)
    return blocks


def test_two_pads_share_no_ink_and_take_what_python_gives(open_page):
    with launched(two_pads()) as address:
        page = open_page(address)
        first, second = page.locator("canvas").all()
        assert has_ink(second)  # its value
        draw(page, DRAWINGS[7])
        expect(page.get_by_label("one")).to_have_value("7", timeout=WAIT)
        expect(page.get_by_label("two")).not_to_have_value("7")
        assert int(page.get_by_label("inputs").input_value()) > 0
        second.focus()
        page.keyboard.press("Escape")  # clears the second alone
        expect(page.get_by_label("two")).to_have_value("none", timeout=WAIT)
        assert (has_ink(first), has_ink(second)) == (True, False)
        inputs = int(page.get_by_label("inputs").input_value())
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_label("two")).to_have_value("7", timeout=WAIT)
        assert has_ink(second)
        first.focus()
        page.keyboard.press("Control+z")
        expect(page.get_by_label("one")).to_have_value("none", timeout=WAIT)
        # One more, of undoing: what Python gives is no input.
        expect(page.get_by_label("inputs")).to_have_value(str(inputs + 1), timeout=WAIT)
        assert int(page.get_by_label("changes").input_value()) > 0


def test_the_example_of_the_docs_runs(monkeypatch):
    text = (ROOT / "docs" / "gradio.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    monkeypatch.setattr(gr.Blocks, "launch", lambda blocks: None)
    names = {}
    exec(example, names)
    drawing = names["pad"].preprocess({"strokes": DRAWINGS[7]})
    assert names["describe"](drawing) == (drawing["probabilities"], "7: sure")
    assert names["describe"](None) == ({}, "")


def test_a_pad_reads_numbers_and_refuses_in_words(recognizer):
    pad = DigitPad(recognizer=recognizer)
    four = [[[x - 1.2, y] for x, y in stroke] for stroke in DRAWINGS[4]]
    drawn = pad.preprocess({"strokes": [*four, *DRAWINGS[2]]})
    assert drawn["number"] == "42"
    assert drawn["probabilities"] == {"42": drawn["confidence"]}
    one = pad.preprocess({"strokes": DRAWINGS[7]})
    assert (one["number"], list(one["probabilities"])) == ("7", [*"0123456789"])
    assert pad.preprocess(None) is pad.preprocess({"strokes": [[]]}) is None
    assert pad.postprocess(one) == {"strokes": one["strokes"]}
    assert pad.postprocess(None) is None
    with pytest.raises(gr.Error, match="stroke 1 has a coordinate"):
        pad.preprocess({"strokes": [[[1, 1e9]]]})
