"""Watch it learn: a training in the page, what it shows of it, and the form of a real one."""

import contextlib
import re

from playwright.sync_api import expect

from serving.training import LiveTraining
from tests.browser import draw
from tests.conftest import ROOT, serving
from tests.drawings import DRAWINGS
from tests.page import (
    PHONE,
    SAYS,
    expect_accessible,
    open_page,
    record_requests,
    settle,
    tool,
    wait_for,
    wait_until,
)
from ui.texts import CHINESE, ENGLISH

LEARN = ENGLISH["training"]
SLOW = {"timeout": 120_000}  # milliseconds: a process imports PyTorch, or a busy machine trains


def choose(page, name: str, option: str) -> None:
    """Choose what the next training is made of."""
    page.get_by_role("combobox", name=ENGLISH[f"control_{name}"]).select_option(option)


def percent(page, name: str) -> int:
    """The percentage at the end of a line of the chart: "own", "fresh" or "yours"."""
    words = page.locator(f".curves .{name}-words").text_content()
    return int(re.search(r"(\d+)(\.\d)? %", words)[1])


def seen(page) -> int:
    """How many images the network has learned from at the moment that is shown."""
    return int(re.sub(r"\D", "", page.locator("#learn .seen b").text_content()) or 0)


def test_a_network_learns_in_the_page_and_one_goes_back_in_its_training(open_context):
    page = open_context()
    asked = record_requests(page)
    draw(page, DRAWINGS[4])
    assert not [url for url in asked if url.endswith(".gz")]  # not before it is opened
    tool(page, LEARN).click()
    choose(page, "speed", "4 ×")
    choose(page, "hidden", "32")
    expect(page.locator("#learn .pictures figure")).to_have_count(32)
    since = page.locator(".since-words")
    expect(since).to_have_text(ENGLISH["since_here"].format(digit=4), **SLOW)  # it is over
    assert seen(page) == 20_000
    expect(tool(page, ENGLISH["one_step"])).to_be_disabled()
    assert percent(page, "fresh") > 85
    assert percent(page, "yours") > 50
    reads, place = page.locator("#learn .reads"), page.locator("#learn .place")
    expect(reads).to_have_text(f"{ENGLISH['reads_now']} 4")
    place.press("Home")
    expect(page.locator("#learn .seen b")).to_contain_text("0 images seen ·")
    expect(page.locator("#learn .wrong")).to_have_text(re.compile(r"^[23]\d wrong"))
    wait_until(page, lambda: percent(page, "fresh") < 30)
    assert page.locator("#learn .misread").count() > 20
    place.press("ArrowRight")
    expect(place).to_have_attribute("aria-valuetext", re.compile(r"^\d\d images seen"))
    tool(page, ENGLISH["clear"]).click()
    expect(reads).to_contain_text(ENGLISH["draw_to_learn"])
    draw(page, DRAWINGS[7])
    place.press("End")
    expect(reads).to_have_text(f"{ENGLISH['reads_now']} 7")
    expect(page.locator(".yours-words")).to_contain_text("your 7")
    expect(since).to_contain_text("your 7")


def test_nothing_of_it_is_wider_than_the_window(open_context):
    page = open_context("?open=training")
    draw(page, DRAWINGS[4])
    choose(page, "speed", "4 ×")
    page.get_by_role("button", name=ENGLISH["ten_images_name"]).click()
    card = page.get_by_role("button", name=ENGLISH["ten_images_name"])
    expect(card).to_contain_text("Its own: 100 %", **SLOW)  # all lines have their words
    for width, height in ((1920, 1080), (960, 700), (820, 1180), (667, 375), (640, 400)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_an_experiment_asks_and_says_what_came_of_it(open_context):
    page = open_context("?open=training")
    draw(page, DRAWINGS[4])
    choose(page, "speed", "4 ×")
    card = page.get_by_role("button", name=ENGLISH["no_hidden_name"])
    expect(card).to_contain_text(ENGLISH["no_hidden"])
    # The training before has a line once it has two moments.
    expect(page.locator(".curves .fresh")).to_have_attribute("points", re.compile(" "), **SLOW)
    card.click()
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(card).to_contain_text("So far it reads")
    expect(card).to_contain_text(re.compile(r"Ten templates read (8|9)\d of 100"), **SLOW)
    templates = page.locator("#learn .pictures figure")
    expect(templates).to_have_count(10)
    expect(page.locator("#learn .pictures .first b")).to_have_text("4")
    shown = templates.locator("span").all_text_contents()
    sums = [float(words.replace("−", "-")) for words in shown]
    assert max(sums) == sums[4] > 0
    assert page.locator(".curves .last").get_attribute("points")  # the training before
    choose(page, "wrong_labels", "50 %")
    expect(card).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#learn .lies")).to_contain_text("45 % are really wrong")


def test_a_step_is_seen_closely_and_what_was_learned_is_used(open_context):
    page = open_context("?open=training")
    step = page.locator("#learn .step")
    expect(page.locator("#learn .fresh-words").first).not_to_be_empty()
    tool(page, ENGLISH["one_step"]).click()
    expect(step).to_contain_text(re.compile(r"One image, labelled \d"))
    expect(step).to_contain_text(re.compile(r"its surprise, is \d+\.\d\d"))
    expect(page.get_by_text(ENGLISH["never_seen"])).to_be_hidden()  # of which it is none
    before = seen(page)
    tool(page, ENGLISH["one_step"]).click()
    expect(page.locator("#learn .seen b")).to_contain_text(f"{before + 1:,}")
    shipped = page.evaluate(f"{SAYS}.reader")
    tool(page, ENGLISH["use_it"]).click()
    wait_for(page, f"(name) => {SAYS}.reader !== name", shipped)
    own = page.evaluate(f"{SAYS}.reader")
    page.reload()
    wait_for(page, f"(name) => {SAYS}.reader === name", own)
    tool(page, ENGLISH["use_page_network"]).click()
    wait_for(page, f"(name) => {SAYS}.reader === name", shipped)


def test_it_rests_while_nobody_sees_it_and_says_when_images_do_not_come(open_context):
    page = open_context(alone=True)
    page.route("**/test_images.gz", lambda route: route.abort())
    tool(page, LEARN).click()
    news = page.locator("#learn .news")
    expect(news).to_have_text(ENGLISH["training_not_loaded"])
    page.unroute("**/test_images.gz")
    tool(page, ENGLISH["play"]).click()  # tries again
    expect(page.locator("#learn .seen b")).not_to_be_empty()
    expect(news).to_be_empty()
    choose(page, "hidden", "8")
    choose(page, "speed", "4 ×")
    tool(page, LEARN).click()
    page.wait_for_timeout(5000)  # longer than all of it takes
    tool(page, LEARN).click()
    settle(page)
    before = seen(page)
    assert before < 20_000
    wait_until(page, lambda: seen(page) > before)  # it goes on


def test_it_is_accessible_and_fits_a_dark_phone_in_chinese(open_context):
    page = open_context("?open=training", **PHONE, color_scheme="dark", locale="zh-CN")
    draw(page, DRAWINGS[4])
    expect(page.locator("#learn .yours-words")).to_contain_text("您的 4")
    card = page.get_by_role("button", name=CHINESE["too_fast_name"])
    expect(card).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name=CHINESE["settings"]).click()
    expect(page.get_by_role("combobox", name=CHINESE["control_images"])).to_be_in_viewport()
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    expect_accessible(page, is_stage=True)  # with its table unfolded
    expect(page.locator("#learn .numbers tbody tr td").nth(4)).not_to_be_empty()
    page.evaluate(f"scrollTo(0, {root}.scrollHeight)")
    tool(page, CHINESE["inside"]).click()  # nothing lies on it


def test_a_real_training_is_refused_mended_and_shown(new_window, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    small = LiveTraining(("-m", "tests.small_training"), tmp_path / "runs")
    with contextlib.closing(small), serving(live=small) as address:
        page = new_window()
        open_page(page, f"{address}?open=training")
        draw(page, DRAWINGS[7])
        real = page.locator("#learn .real")
        real.locator("summary").click()
        hidden = real.locator("[name=hidden]")
        hidden.fill("many")
        real.locator(".go").click()
        expect(real.locator("label .refused")).to_contain_text("hidden")  # beside it
        expect(hidden).to_have_attribute("aria-invalid", "true")
        hidden.fill("16，12")  # as Chinese keyboards write it
        real.locator(".go").click()
        expect(page.locator("#learn .news")).to_have_text(ENGLISH["training_starts"])
        expect(page.locator("#learn .pictures")).to_be_hidden()  # nothing of the one before
        expect(hidden).to_have_attribute("aria-invalid", "false")
        expect(page.locator("#learn .pictures figure")).to_have_count(16, **SLOW)
        expect(real.locator(".so-far")).to_have_text("Done: 10 epochs", **SLOW)
        expect(real.locator(".where")).to_contain_text(str(small.directory))
        assert percent(page, "fresh") > 50


def test_a_drawing_is_known_from_the_moment_after_the_last_mistake(node):
    reading = 'import { startReading } from "./ui/views/learn_reading.js";'
    script = """async ([reads, digit]) => {
        const moments = reads.map((read) => {
            const biases = Float32Array.from({ length: 10 }, (_, i) => (i === read ? 5 : 0));
            const layer = { weights: new Float32Array(7840), steps: biases.map(() => 1), biases };
            return { network: { hidden: [], layers: [layer] } };
        });
        let tell;
        const isRead = new Promise((go) => (tell = go));
        const readDrawing = startReading(tell);
        const prediction = { digit, pixels: new Uint8Array(784).fill(9) };
        const first = readDrawing({ moments, at: 1 }, prediction);
        await isRead;
        const all = readDrawing({ moments, at: 1 }, prediction);
        return [first.now.indexOf(Math.max(...first.now)), first.read, all.read, all.since];
    }"""
    cases = [([3, 4, 5, 4, 4], 4), ([4, 4, 4], 4), ([4, 4, 5], 4)]
    at_once, before, read, since = zip(*node(reading, script, cases), strict=True)
    assert at_once == (4, 4, 4)  # the moment that is shown
    assert before == ([], [], [])
    assert read == tuple(reads for reads, _ in cases)
    assert since == (3, 0, None)
