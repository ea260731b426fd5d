"""What people have from earlier versions still opens: the files of tests/golden, see its README."""

import base64
import contextlib
import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from mnist_core import Recognizer
from mnist_core.corrections.store import Corrections
from mnist_core.drawing.strokes import read_drawings
from mnist_core.network import weights
from tests.conftest import ROOT, call, serving
from tests.page import ink, strokes_on, wait_for, wait_until_answered
from ui.texts import CHINESE

GOLDEN = ROOT / "tests" / "golden"
TOKENS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
LABELS = [1, 4, 7, 0, 5, 2, 8]  # of all corrections
REPLACED = "the network in weights/ is another one: see the end of tests/golden/README.md"


def load_json(name: str):
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


PREDICTIONS = load_json("predictions.json")
STORAGE = load_json("storage.json")


# Links -----------------------------------------------------------------------


def test_links_give_their_strokes(node):
    imports = 'import { linkedStrokes } from "./ui/paper/permalink.js";'
    links = load_json("links.json")
    assert len(links) == 10
    found = node(imports, "({ link }) => linkedStrokes(link)", links)
    assert dict(zip((each["what"] for each in links), found, strict=True)) == {
        each["what"]: each["strokes"] for each in links
    }


# Networks --------------------------------------------------------------------


def check_predictions(recognizer: Recognizer, known: dict, message: str) -> None:
    assert recognizer.name == known["name"], message
    found = recognizer.predict_drawings(PREDICTIONS["drawings"])
    assert [answer.verdict for answer in found] == known["verdicts"]
    probabilities = [answer.probabilities for answer in found]
    assert np.allclose(probabilities, known["probabilities"], atol=1e-4)


def test_the_shipped_network_answers_as_before():
    check_predictions(Recognizer.load(ROOT / "weights"), PREDICTIONS["weights"], REPLACED)


def test_a_network_s_folder_loads():
    check_predictions(
        Recognizer.load(GOLDEN / "network"),
        PREDICTIONS["network"],
        "a network's name is made of its bytes, so this is another file",
    )


def test_a_browser_s_network_file_loads(node):
    imports = """import { readNetwork } from "./ui/recognizer/network.js";
        import { predictStrokes } from "./ui/recognizer/recognizer.js";"""
    script = """({ file, drawings }) => {
        const network = readNetwork(Uint8Array.from(Buffer.from(file, "base64")).buffer);
        const answers = drawings.map((strokes) => predictStrokes(network, strokes));
        return {
            name: network.name,
            verdicts: answers.map(({ verdict }) => verdict),
            probabilities: answers.map(({ probabilities }) => [...probabilities]),
        };
    }"""
    file = base64.b64encode((GOLDEN / "network.bin").read_bytes()).decode()
    (found,) = node(imports, script, [{"file": file, "drawings": PREDICTIONS["drawings"]}])
    known = PREDICTIONS["network"]
    assert (found["name"], found["verdicts"]) == (known["name"], known["verdicts"])
    assert np.allclose(found["probabilities"], known["probabilities"], atol=1e-4)


# Drawings and corrections ----------------------------------------------------


def test_exported_drawings_are_read():
    plain, packed, own = (
        read_drawings(GOLDEN / name)
        for name in ("drawings.jsonl", "drawings.jsonl.gz", "page-export.jsonl")
    )
    assert [drawing.label for drawing in plain] == LABELS
    assert [drawing.label for drawing in own] == LABELS[:3]
    assert len({drawing.extra.get("writer") for drawing in plain}) == 3  # two, and one without
    for others in (packed, own):
        for one, other in zip(plain, others, strict=False):
            assert all(map(np.array_equal, one.strokes, other.strokes))
    assert own[0].strokes[0].tolist() == [[400, 320], [580, 250], [500, 750]]
    assert plain[4].strokes[0].tolist()[1] == [340, 205.5]


@pytest.fixture
def database(tmp_path) -> str:
    """The address of a copy of the corrections."""
    copy = tmp_path / "corrections.sqlite"
    shutil.copy(GOLDEN / "corrections.sqlite", copy)
    return f"sqlite:///{copy}"


def test_corrections_are_listed_changed_and_deleted(database):
    with contextlib.closing(Corrections(database, create=False)) as store:
        found = list(store.all())
        assert [one.label for one in found] == LABELS
        assert [one.answer for one in found[:6]] == [7, 4, 7, 0, 5, None]
        assert found[0].network == "d2860c8c"  # shipped at that time
        assert found[0].probabilities[7] == max(found[0].probabilities)
        assert f"{found[0].created:%Y-%m-%d}" == "2026-11-30"
        assert [len(store.of(token)) for token in TOKENS] == [3, 3]
        assert store.relabel(found[0].id, 7)
        key = store.add(TOKENS[1], 9, [[[1, 2], [3, 4]]], None, None, "0123abcd")
        assert store.get(TOKENS[1], key).id > found[-1].id
        assert store.delete_own(TOKENS[0]) == 3
        assert [one.label for one in store.all()] == [*LABELS[3:], 9]


# A run -----------------------------------------------------------------------


def metrics(directory: Path) -> list[dict[str, str]]:
    with open(directory / "metrics.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_that_was_stopped_goes_on_to_its_end(tmp_path):
    directory = tmp_path / "run"
    shutil.copytree(GOLDEN / "run", directory)
    done = call(ROOT / "scripts/train.py", "--resume", directory)
    assert done.returncode == 0, done.stderr
    rows = metrics(directory)
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[:2] == metrics(GOLDEN / "run")
    # The learning rate falls to its end, so that the last two epochs gain.
    assert float(rows[3]["validation_loss"]) < float(rows[1]["validation_loss"])
    _, config = weights.load(directory)
    assert config["hidden"] == [8]
    assert config["provenance"]["scores"]["test_accuracy"] > 0.9


# What a browser keeps ---------------------------------------------------------


@pytest.fixture
def open_with(new_window, server):
    """Opens the page, reloaded, in a new browser where an older version left what is given."""

    def open_with(local: dict[str, str], session: dict[str, str], address: str = server):
        page = new_window(reduced_motion="reduce")
        page.route(address, lambda route: route.fulfill(content_type="text/html", body="old"))
        page.goto(address)
        keep = """([local, session]) => {
            Object.assign(localStorage, local);
            Object.assign(sessionStorage, session);
        }"""
        page.evaluate(keep, [local, session])
        page.unroute(address)
        page.reload()
        wait_for(page, "document.documentElement.dataset.reader")
        return page

    return open_with


@pytest.fixture
def old_server(database, monkeypatch):
    """The address of a page with the golden corrections."""
    monkeypatch.setenv("DATABASE_URL", database)
    with serving() as address:
        yield address


def test_a_browser_keeps_lessons_drawings_and_choices(open_with, old_server):
    local = {key: value for key, value in STORAGE["local"].items() if key != "network"}
    strokes = json.loads(local["lessons"])[0]["strokes"]
    page = open_with(local, {"sheet": json.dumps({"strokes": strokes})}, old_server)
    expect(page.locator(".answer .digit")).to_have_text("1")  # without the lesson it is a 7
    expect(page.locator(".learned")).to_have_text(CHINESE["learned"].format(digit=1))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.locator("#about .card > summary").click()
    expect(page.locator("#about .lessons p")).to_contain_text("2")
    expect(page.locator(".given > summary")).to_have_text(CHINESE["yours"].format(count=3))


def test_a_browser_keeps_a_network_of_its_own(open_with):
    local = {"network": STORAGE["local"]["network"], "visited": "yes"}
    page = open_with(local, {"sheet": STORAGE["sheet of strokes"]})
    expect(page.locator(".answer .digit")).to_have_text("4")
    name = PREDICTIONS["network"]["name"]
    expect(page.locator("html")).to_have_attribute("data-network", name)


@pytest.mark.parametrize("kept", ["sheet of strokes", "sheet of a picture"])
def test_a_reloaded_page_shows_what_was_on_the_paper(open_with, kept):
    page = open_with({"visited": "yes"}, {"sheet": STORAGE[kept]})
    sheet = json.loads(STORAGE[kept])
    expect(page.locator(".answer .digit")).to_have_text("7" if "picture" in sheet else "4")
    wait_until_answered(page)
    if "picture" not in sheet:
        assert strokes_on(page) == sheet["strokes"]
    assert ink(page) > 100
