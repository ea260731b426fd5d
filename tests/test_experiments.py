"""The experiments: what they compare, and the pages and pictures that they make of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from experiments import (
    classroom,
    compare_losses,
    load,
    messages,
    people,
    recipes,
    robustness,
    shuffle_pixels,
    training_images,
    training_speed,
)
from experiments.tables import figures_of
from mnist_core.drawing.strokes import Drawing, write_drawings
from mnist_core.network import weights
from mnist_core.training.recipes import RECIPES
from tests.conftest import ROOT
from tests.drawings import DRAWINGS

FEW = ("--seeds", 1, "--epochs", 1, "--limit", 1000)


def call(monkeypatch, script, *arguments) -> None:
    """Run a script's `main` in this process."""
    monkeypatch.setattr("sys.argv", ["script.py", *map(str, arguments)])
    script.main()


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the lines of a page's tables that begin with `first`."""
    lines = [line for line in page.splitlines() if line.startswith(f"| {first}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    """The experiments run on one thread; the tests after them do not."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)


def test_every_message_is_on_the_sheet():
    sheet = messages.sheet().splitlines()
    assert "- undo: Undo | 撤销" in sheet  # the page's
    parts = {line.removeprefix("# ") for line in sheet if line.startswith("# ")}
    assert {"The page", "app.py", "scripts/train.py", "serving/routes.py"} < parts
    assert any("drawings: expected a list of at most {MAX_BATCH}" in line for line in sheet)


def test_four_losses_are_compared(tmp_path, monkeypatch):
    figures = tmp_path / "figures.json"
    call(monkeypatch, compare_losses, *FEW, "--output", tmp_path, "--figures", figures)
    page = (tmp_path / "losses.md").read_text(encoding="utf-8")
    a, b, c, _ = (rows(page, f"({letter})")[0] for letter in "abcd")
    assert a[1:] == b[1:]
    assert "(a) and (b) differ by at most 0 " in page
    assert float(c[1].split()[0]) < float(a[1].split()[0])  # a second softmax learns less
    assert float(c[2]) > compare_losses.LEAST_OF_C
    assert (tmp_path / "losses.png").exists()
    assert str(tmp_path) not in page  # the command is cited without where it wrote
    assert (
        json.loads(figures.read_text("utf-8"))["compare_losses"].items() >= figures_of(page).items()
    )


def test_recipes_are_trained_with_several_seeds(tmp_path, monkeypatch, mnist):
    few = mnist[0][:1000], mnist[1][:1000]
    monkeypatch.setattr(recipes, "load_mnist", lambda *_, **__: few)
    monkeypatch.setitem(RECIPES, "quick", replace(RECIPES["quick"], epochs=1))
    drawn = [Drawing(digit, [np.array(s) for s in DRAWINGS[digit]], {}) for digit in DRAWINGS]
    write_drawings(tmp_path / "drawn.jsonl", drawn)
    options = ("--drawings", tmp_path / "drawn.jsonl", "--recipes", "quick", "--seeds", 2)
    call(monkeypatch, recipes, *options, "--output", tmp_path)
    page = (tmp_path / "recipes.md").read_text(encoding="utf-8")
    images, drawings = rows(page, "quick")
    assert (images[3], drawings[3]) == ("1000", str(len(DRAWINGS)))
    assert "±" in images[1] and float(images[1].split()[0]) > 50


def test_shuffled_and_shifted_pictures_are_compared(tmp_path, monkeypatch):
    figures = tmp_path / "figures.json"
    call(monkeypatch, shuffle_pixels, *FEW, "--output", tmp_path, "--figures", figures)
    page = (tmp_path / "shuffled.md").read_text(encoding="utf-8")
    for name in ("as they are", "shuffled"):
        assert float(rows(page, name)[0][1].rstrip("%")) > 30  # chance is 10
    assert float(rows(page, "0 pixels")[0][2].rstrip("%")) > 99
    assert (tmp_path / "shuffled.png").exists()
    kept = json.loads(figures.read_text(encoding="utf-8"))["shuffle_pixels"]
    assert kept["network"] == weights.load(ROOT / "weights")[1]["name"]


def test_a_shift_moves_to_each_side_and_wraps_nothing():
    images = torch.zeros(4, 28, 28, dtype=torch.uint8)
    images[:, 14, 14] = images[:, 0, 0] = images[:, 27, 27] = 9
    shifted = shuffle_pixels.shifted(images, 2)
    middles = [(12, 14), (14, 12), (14, 16), (16, 14)]
    found = [next(middle for middle in middles if image[middle] == 9) for image in shifted]
    assert sorted(found) == middles
    assert [(image == 9).sum() for image in shifted] == [2, 2, 2, 2]  # one corner has left


def test_what_a_person_saves_is_never_counted():
    labels = torch.arange(100) % 10
    probabilities = torch.rand(100, 10, generator=torch.Generator().manual_seed(0))
    for choose in people.PROTOCOLS.values():
        saved, rest = choose(probabilities, labels, list(range(100)))
        assert len(saved) == 20
        assert not set(saved) & set(rest)
    saved, _ = people.least_certain(probabilities, labels, list(range(100)))
    misread = (probabilities.argmax(1) != labels)[:50].nonzero().flatten().tolist()
    assert saved == misread[:20]  # they come first, in the order they are drawn


def test_what_is_harder_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(robustness, "NEGATIVES", 20)
    monkeypatch.setattr(robustness, "READINGS", 3)
    call(monkeypatch, robustness, "--limit", 60, "--output", tmp_path)
    page = (tmp_path / "robustness.md").read_text(encoding="utf-8")
    for change in robustness.CHANGES:
        assert float(rows(page, f"MNIST test, {change} ")[0][1].rstrip("%")) > 90
    assert float(rows(page, "scribbles")[0][3].rstrip("%")) > 80  # no digit


def test_training_images_are_drawn(tmp_path, monkeypatch, mnist):
    few = mnist[0][:2000], mnist[1][:2000]
    monkeypatch.setattr(training_images, "load_mnist", lambda *_, **__: few)
    call(monkeypatch, training_images, "--output", tmp_path / "new")
    assert len(list((tmp_path / "new").glob("*.png"))) == 3


def test_the_usual_loop_and_ours_train_the_same_network(tmp_path, monkeypatch):
    monkeypatch.setattr(training_speed, "RECIPES", {"tutorial": RECIPES["tutorial"]})
    monkeypatch.setattr(training_speed, "TARGETS", (0.1, 1.0))
    call(monkeypatch, training_speed, *FEW, "--output", tmp_path)
    page = (tmp_path / "training_speed.md").read_text(encoding="utf-8")
    usual, ours = (float(rows(page, name)[0][3]) for name in ("the usual", "`fit`"))
    assert usual == pytest.approx(ours, abs=2e-4)  # the first epoch's loss
    (reached,) = rows(page, "tutorial")
    assert reached[3] == "not reached"


def test_many_people_draw_at_once_and_all_are_answered(server, monkeypatch, capsys):
    monkeypatch.setattr(load, "DRAWING_SECONDS", 0.5)
    monkeypatch.setattr(load, "PAUSE_SECONDS", 0.1)
    options = ("--address", server, "--people", 8, "--seconds", 1)
    with ThreadPoolExecutor(1) as thread:  # Playwright keeps this one's event loop
        assert thread.submit(end, monkeypatch, load, *options).result() == 0
    header, row = rows(capsys.readouterr().out, "")
    assert header == list(load.HEADER)
    assert row[0] == "8"
    assert float(row[1]) > 0  # answers a second


def end(monkeypatch, script, *arguments) -> int:
    """The exit code of a script's `main`."""
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, script, *arguments)
    return int(ended.value.code)


def test_a_class_sends_and_the_wall_has_it(monkeypatch, capsys):
    monkeypatch.setattr(classroom, "SECONDS", 0.1)
    with ThreadPoolExecutor(1) as thread:
        assert (
            thread.submit(end, monkeypatch, classroom, "--phones", 3, "--rounds", 2).result() == 0
        )
    ((phones, drawings, *_, refused),) = rows(capsys.readouterr().out, "3")
    assert (phones, drawings, refused) == ("3", "6", "0")
