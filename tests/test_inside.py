"""Look inside, watch it learn, and train: what the page shows is what the networks compute."""

import contextlib
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from mnist_core.drawing.framing import to_input
from serving.training import LiveTraining
from tests.browser import draw
from tests.conftest import ROOT, serving
from tests.drawings import DRAWINGS
from tests.page import (
    FILL,
    PHONE,
    SAYS,
    expect_accessible,
    expect_leader,
    open_page,
    pixels,
    record_requests,
    tool,
    wait_for,
    wait_until,
)
from ui.texts import CHINESE, ENGLISH

POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
TALL = {"viewport": {"width": 1280, "height": 2600}}  # the paper and all sections in sight


def number(words: str) -> float:
    digits, _, power = words.partition(" · 10")
    return float(digits) * 10 ** int(power.translate(POWERS) or 0)


def numbers(view) -> np.ndarray:
    """Return what the table shows of each digit: score, power, share and logarithm, (10, 4)."""
    rows = view.locator(".softmax tbody tr").all()
    cells = [[cell.text_content() for cell in row.locator("td").all()] for row in rows]
    return np.array([[number(row[i]) for i in (0, 1, 2, 4)] for row in cells])


def test_a_drawing_is_followed_from_pixels_to_its_loss(open_context, recognizer):
    page, model = open_context("?open=inside", **TALL), recognizer.model
    view = page.locator("#inside .inside .view")
    expect(view.locator(".draw-first")).to_have_text(ENGLISH["draw_first"])
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    grey = torch.tensor([red for red, *_ in pixels(page)], dtype=torch.uint8)
    values = to_input(grey)
    with torch.no_grad():
        scores = model.layers(values)[0].double()
        columns = (scores, scores.exp(), scores.softmax(0), scores.log_softmax(0))
        wanted = torch.stack(columns, 1).numpy()
        wait_until(page, lambda: np.allclose(numbers(view), wanted, rtol=1e-4, atol=1e-4))
        for n, linear in enumerate(model.layers[:-1:2]):
            values = linear(values).relu()
            words = view.locator(".layers figcaption").nth(n + 1).text_content()
            active = int(re.fullmatch(r"Layer \d: (\d+) of \d+ units at work", words)[1])
            assert abs(active - int((values > 0).sum())) <= 1  # one may be almost 0
    expect(view.locator(".label")).to_have_value("4")
    view.locator(".label").select_option("9")
    found = re.fullmatch(r"the loss is −log (.+) = (.+)", view.locator(".cost").text_content())
    assert number(found[2]) == pytest.approx(-wanted[9, 3], rel=1e-3)
    tool(page, "Clear").click()
    expect(view.locator(".draw-first")).to_be_visible()


def test_units_are_reached_by_mouse_and_by_keyboard(open_context):
    page = open_context("?open=inside", **TALL)
    draw(page, DRAWINGS[7])
    view = page.locator("#inside .inside .view")
    layer = view.get_by_role("slider", name=ENGLISH["units_of"].format(layer=1))
    layer.focus()
    for key, place in (("Home", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 1000)):
        page.keyboard.press(key)
        expect(layer).to_have_attribute("aria-valuenow", str(place))
    page.keyboard.press("ArrowLeft")
    expect(layer).to_have_attribute("aria-valuenow", "975")  # 25 rows
    which = view.locator(".which")
    expect(which).to_have_text(layer.get_attribute("aria-valuetext"))
    expect(view.locator(".looks")).to_have_text(ENGLISH["looks_for"])
    box = view.get_by_role("slider").nth(2).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(which).to_contain_text("of layer 3")
    before = which.text_content()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    expect(which).not_to_have_text(before)
    chosen = which.text_content().partition(":")[0]
    draw(page, [[[0.2, 0.5], [0.8, 0.5]]])  # it stays chosen
    expect(which).to_contain_text(chosen)


def test_the_slider_goes_from_the_untrained_to_the_final_network(open_context):
    page = open_context(reduced_motion="reduce", alone=True, **TALL)
    asked, held = record_requests(page), []
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    section = page.locator("#inside .training")
    summary, note = section.locator("summary").first, page.locator("#inside .note")
    assert not [url for url in asked if url.endswith(".gz")]  # not before it is opened
    page.route("**/snapshots.gz", lambda route: held.append(route))
    summary.click()
    wait_until(page, lambda: held)
    expect(note).to_have_text(ENGLISH["loading"])
    held[0].abort()
    expect(note).to_have_text(ENGLISH["not_loaded"])
    page.unroute("**/snapshots.gz")
    for _ in range(2):
        summary.click()  # tries again
    expect(note).to_contain_text("784-128-64-10")
    place, now = section.locator(".place"), section.locator(".now")
    expect(section.locator(".known")).to_contain_text("reads a 7")
    place.fill("0")
    expect(now).to_contain_text("Untrained")
    assert place.get_attribute("aria-valuetext") == now.text_content()
    before = numbers(section)
    place.fill(place.get_attribute("max"))
    expect(now).to_contain_text("Ready for use")
    wait_until(page, lambda: numbers(section)[7, 2] > 0.9 > before[7, 2])
    place.fill("0")
    section.locator(".play").click()
    wait_until(page, lambda: int(place.input_value()) >= 2)
    section.locator(".play").click()
    paused = place.input_value()
    page.wait_for_timeout(700)
    assert place.input_value() == paused
    section.locator(".numbers summary").click()
    rows = section.locator(".numbers tbody tr")
    expect(rows).to_have_count(int(place.get_attribute("max")) + 1)
    expect(rows.last.locator("td").last).to_have_text("7")


def test_it_is_accessible_and_fits_a_dark_phone_in_chinese(open_context):
    high = {**PHONE, "viewport": {"width": 375, "height": 5000}}
    page = open_context("?open=training", **high, color_scheme="dark", locale="zh-CN")
    draw(page, DRAWINGS[4])
    page.locator("#inside .inside > summary").click()
    expect(page.locator("#inside .which").first).to_contain_text("第 3 层")
    expect(page.locator("#inside .known")).not_to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#inside .inside > summary")).to_have_text(CHINESE["inside"])
    lesson = page.locator("#inside a").first
    expect(lesson).to_have_attribute("href", re.compile(r"/lesson\.zh\.md#part-2$"))
    expect_accessible(page)
    page.locator("#heading .language").click()
    expect(page.locator("#inside .which").first).to_contain_text("of layer 3")
    expect(page.locator("#inside .note")).to_contain_text("learns from 54,000 digits")
    expect(lesson).to_have_attribute("href", re.compile(r"/lesson\.md#part-2$"))


def test_a_network_is_trained_from_the_page_and_used(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    small = LiveTraining(("-m", "tests.small_training"), tmp_path / "runs")
    with contextlib.closing(small), serving(live=small) as address:
        context = browser.new_context(**TALL)
        page = context.new_page()
        open_page(page, f"{address}?open=training")
        draw(page, DRAWINGS[7])
        form = page.locator("#inside .live")
        form.locator("[name=hidden]").fill("many")
        form.locator(".go").click()
        expect(form.locator(".state")).to_contain_text("hidden")  # why not
        form.locator("[name=hidden]").fill("16, 12")
        form.locator(".go").click()
        expect(form.locator(".stop")).to_be_visible()
        start = {"timeout": 120_000}  # milliseconds, in which a process imports PyTorch
        expect(page.locator("#inside .note")).to_contain_text("784-16-12-10", **start)
        other = context.new_page()
        open_page(other, f"{address}?open=training")
        expect(other.locator("#inside .note")).to_contain_text("784-16-12-10")
        expect(form.locator(".state")).to_have_text("Done: 10 epochs", **start)
        expect(other.locator("#inside .state")).to_have_text("Done: 10 epochs")
        page.bring_to_front()
        expect(form.locator(".where")).to_contain_text(str(small.directory))
        expect(page.locator("#inside .now")).to_contain_text("Ready for use")
        shipped = page.evaluate(f"{SAYS}.network")
        page.evaluate(FILL)
        form.locator(".use").click()
        expect(page.locator(".notice")).to_have_text(ENGLISH["network_unkept"])
        page.evaluate("localStorage.removeItem('other')")
        form.locator(".use").click()
        wait_for(page, f"(name) => {SAYS}.network && {SAYS}.network !== name", shipped)
        own = page.evaluate(f"{SAYS}.network")
        page.reload()
        wait_for(page, f"(name) => {SAYS}.network === name", own)
        page.locator("#inside .return").click()
        wait_for(page, f"(name) => {SAYS}.network === name", shipped)
        context.close()
