"""The experiments: what they compare, and the pages and pictures that they make of it."""

import dataclasses
import json
import math
import re

import pytest
import torch

from experiments import (
    compare_losses,
    contributors,
    personalization,
    recipes,
    robustness,
    shuffle_pixels,
    training_images,
)
from mnist_core.drawing.framing import to_input
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.tables import figures_of
from mnist_core.training import data, trainer
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import Trainer
from tests.conftest import ROOT

FEW = ("--seeds", 1, "--epochs", 1, "--limit", 1000)


def call(monkeypatch, script, *arguments) -> None:
    """Run a script's `main` in this process."""
    monkeypatch.setattr("sys.argv", ["script.py", *map(str, arguments)])
    script.main()


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the lines of a page's tables that begin with `first`."""
    lines = [line for line in page.splitlines() if line.startswith(f"| {first}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# Contributors ----------------------------------------------------------------


def test_each_time_others_are_held_out(tmp_path, monkeypatch, mnist):
    few = tuple(tensor[:500] for tensor in mnist)
    monkeypatch.setattr(data, "load_mnist", lambda root, train: few)
    stroke = [[[10, 10], [40, 80], [70, 20]]]
    writers = [
        {"writer": f"{who}-{i}", "strokes": stroke} for who in "abcdefghijkl" for i in (1, 2)
    ]
    for name, what in (("digits", {"label": 7}), ("letters", {"character": "A"})):
        lines = [json.dumps({**what, **writer}) for writer in writers]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    files = ("--drawings", tmp_path / "digits.jsonl", "--not-digits", tmp_path / "letters.jsonl")
    call(monkeypatch, contributors, *files, "--epochs", 1, "--times", 2, "--output", tmp_path)
    first, second = rows((tmp_path / "contributors.md").read_text(encoding="utf-8"), "")[1:]
    assert (first[2], second[2]) == ("2", "2")  # both of one contributor's
    assert first[1] != second[1]
    assert all(share.endswith("%") for share in (first[0], *first[3:8], first[9]))


# Losses ----------------------------------------------------------------------


def test_four_losses_are_compared(tmp_path, monkeypatch):
    call(monkeypatch, compare_losses, *FEW, "--output", tmp_path)
    page = (tmp_path / "losses.md").read_text(encoding="utf-8")
    (a,), (b,), (c,), (d,) = (rows(page, f"({letter})")[:1] for letter in "abcd")
    assert a[1:-1] == b[1:-1]  # all but the time
    assert "differ by at most 0." in page
    assert float(c[4]) > compare_losses.LEAST_OF_C
    assert d[0] == "(d) log(softmax), NLLLoss"
    assert (tmp_path / "losses.png").exists()


def test_the_least_loss_of_a_second_softmax_is_log_1_plus_9_over_e():
    assert pytest.approx(math.log(1 + 9 / math.e)) == compare_losses.LEAST_OF_C
    sure = torch.tensor([[1000.0] + [0.0] * 9])
    loss = compare_losses.LOSSES["(c) softmax, CrossEntropyLoss"](sure, torch.tensor([0]))
    assert loss.item() == pytest.approx(compare_losses.LEAST_OF_C)


def test_the_page_shows_where_the_naive_form_overflows():
    table = compare_losses.overflow_table()
    high, low, tame = (rows(table, f"[{score}, 0]")[0] for score in (1000, -1000, 2))
    assert high[1:] == ["[nan, 0]", "[1, 0]", "[0, -inf]", "[nan, nan]", "[0, -1000]", "[0, 0]"]
    assert low[1:] == ["[0, 1]", "[0, 1]", "[-inf, 0]", "[nan, nan]", "[-1000, 0]", "[-1, 1]"]
    assert tame[3:5] == tame[5:7]
    page = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
    assert table in page
    assert compare_losses.gradient_table() in page


def test_steps_with_a_nan_are_counted(mnist):
    part = mnist[0][:640], mnist[1][:640]
    wild = Recipe(hidden=(16,), epochs=2, batch_size=64, learning_rate=1.0)
    counts = [
        compare_losses.train(name, part, part, part, wild, seed=0).not_finite
        for name in ("(a) log_softmax, NLLLoss", "(d) log(softmax), NLLLoss")
    ]
    assert counts[0] == 0 < counts[1] <= 20


def test_the_experiment_s_losses_are_those_that_a_training_can_choose(mnist):
    part = mnist[0][:640], mnist[1][:640]
    recipe, weights = Recipe((16,), 2, 64, 0.01), {}
    for label, name in zip(compare_losses.LABELS, trainer.LOSS_FUNCTIONS, strict=True):
        torch.manual_seed(0)
        model, chosen = MLP((16,)), dataclasses.replace(recipe, loss=name)
        epochs = list(Trainer(model, part, chosen, torch.Generator().manual_seed(0)).fit(part))
        expected = compare_losses.train(label, part, part, part, recipe, seed=0)
        assert [epoch.training_loss for epoch in epochs] == pytest.approx(expected.losses)
        weights[name] = torch.nn.utils.parameters_to_vector(model.parameters())
    assert torch.equal(weights["nll"], weights["cross-entropy"])
    assert (weights["nll"] - weights["softmax-cross-entropy"]).abs().max() > 0.01


def test_the_experiments_train_the_tutorial_s_network_alike(mnist):
    """So that its accuracy is the same number in README, lesson and docs."""
    few = mnist[0][:700], mnist[1][:700]
    recipe = dataclasses.replace(RECIPES["tutorial"], epochs=2)
    training, validation = (data.select(few, part) for part in data.split(700))
    name = compare_losses.LABELS[0]
    compared = compare_losses.train(name, training, validation, validation, recipe, seed=4)
    model, _ = recipes.train(few, recipe, seed=4)
    alone = torch.nn.utils.parameters_to_vector(model.parameters())
    assert torch.equal(alone, compared.weights)


# Shuffled pixels -------------------------------------------------------------


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
    assert kept["4 pixels"] == figures_of(page)["4 pixels"]


def test_one_order_shuffles_all_pictures(mnist):
    order = torch.randperm(784)
    images, labels = shuffle_pixels.shuffled((mnist[0][:5], mnist[1][:5]), order)
    assert torch.equal(to_input(images), to_input(mnist[0][:5])[:, order])
    assert torch.equal(labels, mnist[1][:5])


def test_a_shift_moves_to_each_side_and_wraps_nothing():
    images = torch.zeros(4, 28, 28, dtype=torch.uint8)
    images[:, 14, 14] = images[:, 0, 0] = images[:, 27, 27] = 9
    moved = shuffle_pixels.shifted(images, 2)
    places = [[list(map(int, place)) for place in image.nonzero()] for image in moved]
    assert [[14, 16] in place for place in places].count(True) == 1
    assert sorted(next(p for p in place if 10 < p[0] < 20) for place in places) == [
        [12, 14],
        [14, 12],
        [14, 16],
        [16, 14],
    ]
    assert all(len(place) == 2 for place in places)  # one corner has left the picture


# Personalization -------------------------------------------------------------


def result(writer: str, before: int, after: int, mnist: float) -> personalization.Result:
    return personalization.Result(writer, 3, before, after, 100, mnist, 1.0)


def test_personalization_counts_by_seed_and_by_writer():
    results = [result("a", 8, 2, 0.9), result("a", 6, 2, 0.898), result("b", 0, 1, 0.9)]
    results.append(result("b", 0, 1, 0.9))  # two writers, two seeds each
    (row,) = rows(personalization.summary_table({"corrects": results}, 0.9), "corrects")
    assert row[1:6] == ["7.0 ± 1.4", "3.0 ± 0.0", "43%", "29%", "200"]
    assert row[6:] == ["90.00%", "89.95%", "89.80% to 90.00%", "1 of 4", "1.0"]
    people = personalization.person_table(results)
    assert rows(people, "a") == [["a", "14", "4", "200", "6"]]
    assert rows(people, "b") == [["b", "0", "2", "200", "6"]]


def test_the_page_on_corrections_says_how_it_was_made():
    page = (ROOT / "docs" / "corrections.md").read_text(encoding="utf-8")
    assert personalization.PROTOCOL in page
    assert personalization.NOTE in page


# Robustness ------------------------------------------------------------------


def test_what_is_harder_is_read(tmp_path, monkeypatch):
    measure = robustness.milliseconds
    monkeypatch.setattr(robustness, "OUTLIERS", 20)
    monkeypatch.setattr(robustness, "milliseconds", lambda work, _: measure(work, 3))
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    call(monkeypatch, robustness, "--limit", 60, "--output", tmp_path)
    assert (tmp_path / "calibration.png").exists()
    page = (tmp_path / "robustness.md").read_text(encoding="utf-8")
    shipped = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    firsts = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
    assert firsts == re.findall(r"^\| ([^|]+) \|", shipped, re.MULTILINE)
    for change in robustness.CHANGES:
        assert float(rows(page, f"MNIST test, {change} ")[0][1].rstrip("%")) > 90
    assert float(rows(page, "scribbles")[0][3].rstrip("%")) > 80  # no digit


# Pictures, and what all of them refuse ---------------------------------------


def test_training_images_are_drawn(tmp_path, monkeypatch, mnist):
    few = mnist[0][:2000], mnist[1][:2000]
    monkeypatch.setattr(training_images, "load_mnist", lambda *_, **__: few)
    call(monkeypatch, training_images, "--output", tmp_path / "new")
    assert {file.name for file in (tmp_path / "new").iterdir()} == {
        "augmented.png",
        "negatives.png",
        "styles.png",
    }


def test_a_network_that_is_missing_is_refused(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, robustness, "--weights", "nowhere")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("robustness.py: no network in nowhere: ")


@pytest.mark.parametrize("script", [compare_losses, shuffle_pixels])
def test_wrong_settings_are_refused(script, monkeypatch, capsys):
    name = script.__name__.removeprefix("experiments.")
    for option, says in (
        ("--epochs", "epochs is 0; expected more than 0"),
        ("--limit", "--limit is 0; expected at least 10 images"),
    ):
        with pytest.raises(SystemExit) as ended:
            call(monkeypatch, script, option, 0)
        assert ended.value.code == 2
        assert capsys.readouterr().err == f"{name}.py: {says}\n"


def test_docs_are_written_only_when_told():
    for script in (*ROOT.glob("experiments/*.py"), *ROOT.glob("scripts/*.py")):
        assert 'ROOT / "docs"' not in script.read_text(), script
