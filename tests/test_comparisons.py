"""The scripts that train to compare: losses, shuffled pixels, and the time that training takes."""

import math
import re

import pytest
import torch

from mnist_core.framing import to_input
from mnist_core.training import RECIPES, Recipe
from scripts import benchmark_training, compare_losses, shuffle_pixels
from tests.conftest import ROOT

SMALL = Recipe(hidden=(16,), epochs=1, batch_size=64, learning_rate=0.01)
FEW = ("--seeds", 1, "--epochs", 1, "--limit", 1000)


def call(monkeypatch, script, *arguments) -> None:
    """Run a script's `main` in this process."""
    monkeypatch.setattr("sys.argv", ["script.py", *map(str, arguments)])
    script.main()


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the lines of a page's tables that begin with `first`."""
    lines = [line for line in page.splitlines() if line.startswith(f"| {first}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


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


# Shuffled pixels -------------------------------------------------------------


def test_shuffled_and_shifted_pictures_are_compared(tmp_path, monkeypatch):
    call(monkeypatch, shuffle_pixels, *FEW, "--output", tmp_path)
    page = (tmp_path / "shuffled.md").read_text(encoding="utf-8")
    for name in ("as they are", "shuffled"):
        assert float(rows(page, name)[0][1].rstrip("%")) > 30  # chance is 10
    assert float(rows(page, "0 pixels")[0][2].rstrip("%")) > 99
    assert (tmp_path / "shuffled.png").exists()


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


# The time of training --------------------------------------------------------


def test_the_usual_loop_and_ours_train_the_same_network(mnist):
    training, validation = benchmark_training.parts(mnist, 640)
    generator = torch.Generator().manual_seed(0)
    loaders = benchmark_training.usual_data(ROOT / "data", 640, SMALL.batch_size, generator)
    ((usual, _), (ours, _)) = benchmark_training.take_turns(training, validation, loaders, SMALL)[0]
    assert usual.training_loss == pytest.approx(ours.training_loss, rel=1e-4)
    assert usual.validation_loss == pytest.approx(ours.validation_loss, rel=1e-4)
    assert usual.validation_accuracy == pytest.approx(ours.validation_accuracy)


def test_the_floor_counts_each_multiplication_of_a_step(monkeypatch):
    monkeypatch.setattr(benchmark_training, "microseconds", lambda action: action().sum() * 0 + 1)
    operations, cost = benchmark_training.multiplications(RECIPES["tutorial"])
    # Forward and the weights' gradient; but for the first layer the inputs' gradient too.
    assert operations == 2 * 64 * (2 * 784 * 128 + 3 * 128 * 64 + 3 * 64 * 10)
    assert cost == 8


def test_the_benchmark_prints_its_tables(monkeypatch, capsys):
    monkeypatch.setattr(benchmark_training, "RECIPES", {"tutorial": SMALL, "quick": SMALL})
    monkeypatch.setattr(benchmark_training, "TARGETS", (0.1, 1.0))
    threads = ("--threads", torch.get_num_threads())
    call(monkeypatch, benchmark_training, *FEW, *threads)
    page = capsys.readouterr().out
    assert "900 training images, 100 of validation" in page
    assert rows(page, "the usual") and rows(page, "`fit`")
    assert re.search(r"`fit` is \d+\.\d times as fast", page)
    (reached,) = rows(page, "quick")
    assert re.fullmatch(r"\d+\.\d \(.*\)", reached[2])
    assert reached[3] == "not reached"
    for part in ("indexing", "forward", "backward", "optimiser", "floor"):
        assert rows(page, part)


@pytest.mark.parametrize("script", [compare_losses, shuffle_pixels, benchmark_training])
def test_wrong_settings_are_refused(script, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, script, "--epochs", 0)
    assert ended.value.code == 2
    name = script.__name__.removeprefix("scripts.")
    assert capsys.readouterr().err == f"{name}.py: epochs is 0; expected more than 0\n"
