"""What train.py writes and prints of one small training with everything that it takes."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from mnist_core.drawing.strokes import write_drawings
from mnist_core.network import weights
from mnist_core.network.calibration import verdicts
from mnist_core.network.model import MLP
from mnist_core.network.quantize import read_header
from mnist_core.training import plots
from mnist_core.training.data import load_mnist, render_drawings, split, split_drawings
from mnist_core.training.trainer import confusion_matrix, evaluate, predict
from scripts import train
from scripts.corrections import write_csv
from tests.conftest import ROOT, call
from tests.drawings import DRAWINGS, LETTERS
from tests.golden_learning.train import hands
from tests.small_training import records, shrink, train_small
from tests.test_weights import PROVENANCE, THRESHOLDS

IMAGES = 3000  # of MNIST's, training and test each: see `shrink`


@dataclass
class Outcome:
    """A finished run: its folder, what it printed and the pictures that it drew."""

    directory: Path
    printed: str
    pictures: dict[str, Figure]
    metrics: list[dict[str, float]]
    model: MLP
    provenance: dict
    thresholds: dict[str, float]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Two epochs of a small `best` with drawings, letters, a teacher and own digits."""
    folder = tmp_path_factory.mktemp("outcome")
    torch.manual_seed(0)
    weights.save(MLP((8,)).eval(), folder / "teacher", PROVENANCE, THRESHOLDS)
    write_drawings(folder / "unipen-a.jsonl", hands(DRAWINGS, True))
    write_drawings(folder / "letters.jsonl", hands(LETTERS, False))
    images, labels = load_mnist(ROOT / "data", train=False)
    write_csv(folder / "mine.csv", (images[-40:].flip(2), labels[-40:]))
    options = ("--epochs", 2, "--seed", 5, "--threads", 1, "--device", "cpu")
    files = ("--drawings", folder / "unipen-a.jsonl", "--not-digits", folder / "letters.jsonl")
    more = ("--teachers", folder / "teacher", "--data", folder / "mine.csv")
    arguments = (*options, *files, *more, "--output", folder / "run")
    pictures = {}
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        patch.setattr(plots, "save", lambda figure, path: pictures.update({path.name: figure}))
        printed = call(train, *arguments).stdout
    with open(folder / "run" / "metrics.csv", newline="") as file:
        metrics = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    model, config = weights.load(folder / "run")
    found = metrics, model, config["provenance"], config["thresholds"]
    return Outcome(folder / "run", printed, pictures, *found)


@pytest.fixture(scope="module")
def held_out(mnist):
    """MNIST's held-out images of those that the training saw."""
    places = split(IMAGES)[1]
    return mnist[0][places], mnist[1][places]


def kept(outcome: Outcome) -> dict:
    """The row of the epoch whose network is kept: both count alike, drawings and images."""
    names = ("validation_accuracy", "drawings_accuracy", "styles_accuracy")
    return max(outcome.metrics, key=lambda row: sum(row[name] for name in names))


def test_the_log_begins_with_the_settings_and_ends_with_the_scores(outcome):
    lines = [line.split(maxsplit=1) for line in outcome.printed.splitlines() if line.strip()]
    table = {words[0]: words[1] for words in lines if len(words) == 2}
    expected = {"recipe": "best", "network": "784-16-10", "seed": "5", "device": "cpu"}
    assert expected.items() <= table.items()
    rows = outcome.printed.splitlines()
    for name, value in (("batch size", "100"), ("negatives", "40"), ("ema decay", "0.9995")):
        assert f"{name:16} {value}" in rows
    assert sum(row.startswith("epoch ") for row in rows) == 2
    assert f"test accuracy {outcome.provenance['scores']['test_accuracy']:.2%}" in rows
    assert f"the network of epoch {kept(outcome)['epoch']:.0f}:" in outcome.printed


def test_metrics_have_a_row_an_epoch_with_accuracies_of_all_that_is_held_out(outcome):
    assert [row["epoch"] for row in outcome.metrics] == [1, 2]
    names = {name for name in outcome.metrics[0] if name.endswith("_accuracy")}
    assert names == {f"{what}_accuracy" for what in ("validation", "drawings", "styles", "own")}
    for row in outcome.metrics:
        assert all(0 <= row[name] <= 1 for name in names)
        assert 0.5 < row["validation_loss"] < 2.3  # little was learned


def test_the_network_that_is_kept_is_the_one_that_the_scores_are_of(outcome, held_out, mnist):
    scores, row = outcome.provenance["scores"], kept(outcome)
    accuracy = evaluate(outcome.model, held_out)[1]
    assert scores["validation_accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert row["validation_accuracy"] == pytest.approx(accuracy, abs=0.01)  # before rounding
    unseen = render_drawings(split_drawings(hands(DRAWINGS, True))[1])
    accuracy = evaluate(outcome.model, unseen)[1]
    assert scores["drawings_accuracy"] == pytest.approx(accuracy, abs=1e-4)


def test_the_test_images_are_scored_once_and_their_confusion_kept(outcome):
    images, labels = (some[:IMAGES] for some in load_mnist(ROOT / "data", train=False))
    answers = predict(outcome.model, images).argmax(1)
    assert outcome.provenance["confusion"] == confusion_matrix(answers, labels).tolist()
    share = (answers == labels).double().mean().item()
    assert outcome.provenance["scores"]["test_accuracy"] == pytest.approx(share, abs=6e-5)


def test_the_last_snapshot_is_the_network_that_is_kept_at_its_step(outcome):
    headers = list(map(read_header, records((outcome.directory / "snapshots.bin").read_bytes())))
    last, steps = headers[-1], headers[-1]["steps"]
    assert [header["final"] for header in headers] == [False] * (len(headers) - 1) + [True]
    assert last["step"] == kept(outcome)["epoch"] * steps // 2
    assert last["epoch"] == kept(outcome)["epoch"]
    assert last["thresholds"] == outcome.thresholds
    assert [header["epoch"] for header in headers] == [2 * h["step"] / steps for h in headers]
    assert last["training_loss"] == pytest.approx(kept(outcome)["training_loss"])


def test_letters_of_held_out_contributors_are_scored(outcome):
    unseen = {one.extra["writer"] for one in split_drawings(hands(DRAWINGS, True))[1]}
    letters = [one for one in hands(LETTERS, False) if one.extra["writer"] in unseen]
    probabilities = predict(outcome.model, render_drawings(letters)[0]).exp()
    sure = (verdicts(probabilities, outcome.thresholds) == 2).double().mean().item()
    found = outcome.provenance["scores"]["letters_called_sure_digits"]
    assert found == pytest.approx(sure, abs=6e-5)


def test_the_card_s_command_trains_such_a_network_again(outcome):
    command = outcome.provenance["command"]
    assert command.startswith("python scripts/train.py --recipe best --seed 5")
    assert "--epochs 2" in command
    assert "--hidden" not in command  # as the recipe has them
    for option in ("--drawings", "--not-digits", "--data", "--teachers"):
        assert option in command
    assert set(outcome.provenance["files"]) == {"unipen-a.jsonl", "letters.jsonl", "mine.csv"}
    assert outcome.provenance["seed"] == 5
    assert outcome.provenance["recipe"]["name"] == "best"


def test_the_pictures_are_of_this_training(outcome, held_out):
    assert set(outcome.pictures) == {
        f"{name}.png" for name in ("samples", "curves", "confusion", "mistakes", "first-layer")
    }
    probabilities = predict(outcome.model, held_out[0]).exp()
    counts = confusion_matrix(probabilities.argmax(1), held_out[1])
    texts = [text.get_text() for text in outcome.pictures["confusion.png"].axes[0].texts]
    assert sorted(texts) == sorted(str(count) for count in counts.flatten().tolist() if count)
    curve = {line.get_label(): line for line in outcome.pictures["curves.png"].axes[1].lines}
    expected = [100 * row["validation_accuracy"] for row in outcome.metrics]
    assert list(curve["validation"].get_ydata()) == pytest.approx(expected)
    assert f"kept: epoch {kept(outcome)['epoch']:.0f}, highest mean accuracy" in curve
    assert len(outcome.pictures["samples.png"].axes[0].texts) == 40
    assert len(outcome.pictures["first-layer.png"].axes[0].texts) == 16


def test_the_samples_are_augmented_as_the_training_images_are(outcome, mnist):
    first = mnist[0][split(IMAGES)[0][0]].numpy()
    text = outcome.pictures["samples.png"].axes[0].texts[0]
    page = outcome.pictures["samples.png"].axes[0].images[0].get_array().data
    left, top = round(text.get_position()[0]) - 14, round(text.get_position()[1]) + 1
    shown = page[top : top + 28, left : left + 28]
    assert text.get_text() == str(mnist[1][split(IMAGES)[0][0]].item())
    assert shown.sum() == pytest.approx(first.sum(), rel=0.5)
    assert abs(shown - first).max() > 50


def test_a_training_begins_with_another_network(outcome, tmp_path):
    teacher = outcome.directory.parent / "teacher"
    options = ("--init", teacher, "--epochs", 1, "--learning-rate", 1e-12)
    train_small(*options, "--output", tmp_path / "run")
    before, after = (weights.load(folder)[0] for folder in (teacher, tmp_path / "run"))
    assert after.hidden == (8,)
    for layer in (0, 2):  # the last is divided by the temperature as well
        bias, other = before.layers[layer].bias, after.layers[layer].bias
        ratio = (other / bias).median()
        assert torch.allclose(other, bias * ratio, rtol=1e-3)


def test_tiny_learns_from_the_shipped_network_but_for_other_teachers(monkeypatch):
    begun = []
    monkeypatch.setattr(train.run, "begin", lambda settings, *_: begun.append(settings.teachers))
    train.begin("", "cpu", 1, recipe="tiny")
    train.begin("", "cpu", 1, recipe="tiny", teachers=[Path("/other")])
    train.begin("", "cpu", 1)
    assert begun == [[str(weights.SHIPPED.resolve())], ["/other"], []]
