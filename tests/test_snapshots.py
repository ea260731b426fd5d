"""A training's snapshots: when, what is in them, and that a resumed run writes the same."""

import csv

import numpy as np
import pytest
import torch

from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file, quantize
from mnist_core.training import run
from mnist_core.training.recipes import Recipe
from mnist_core.training.run import Checkpoint
from mnist_core.training.snapshots import Snapshots
from mnist_core.training.trainer import Trainer
from tests.small_training import records, train_small
from tests.test_quantize import read

EPOCHS, BATCH, STEPS = 8, 90, 48  # of the small `best`, on 540 images
DUE = [0, 1, 2, 4, 9, 14, 19, 24, 28, 33, 38, 43, 48]
LOSSES = ("training_loss", "validation_loss")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A run that nothing disturbed, with batch normalisation and an average of the weights."""
    directory = tmp_path_factory.mktemp("snapshots") / "run"
    train_small("--batch-size", BATCH, "--output", directory, images=600)
    return directory


def headers(found: list[bytes]) -> list[dict]:
    return [read(record)[0] for record in found]


def same_network(record: bytes, model: MLP, config: dict) -> bool:
    """Whether what follows the header is `model`'s to the byte."""
    size = 16 + int.from_bytes(record[12:16], "little")
    file = browser_file(model, config)
    return record[size:] == file[16 + int.from_bytes(file[12:16], "little") :]


def untrained(hidden: tuple[int, ...], batch_norm: bool = False, bits: int = 8) -> MLP:
    torch.manual_seed(0)
    return quantize(MLP(hidden, batch_norm).fused(), bits)


def test_a_training_s_snapshots_lead_from_the_untrained_to_the_finished_network(directory):
    found = records((directory / "snapshots.bin").read_bytes())
    *before, last = headers(found)
    model, config = weights.load(directory)
    assert same_network(found[0], untrained((16,), batch_norm=True, bits=4), config)
    assert same_network(found[-1], model, config)
    assert [header["step"] for header in before] == DUE
    for header in before:
        assert header["name"] == f"step {header['step']}"
        assert (header["steps"], header["epochs"], header["final"]) == (STEPS, EPOCHS, False)
        assert header["epoch"] == header["step"] / 6
        assert header["thresholds"] == {"digit": 0, "sure": 0}
    best = Checkpoint.load(directory).best()
    assert (last["name"], last["thresholds"]) == (config["name"], config["thresholds"])
    assert (last["step"], last["epoch"], last["final"]) == (6 * best["epoch"], best["epoch"], True)
    assert last["training_loss"] == best["training_loss"]
    scores = config["provenance"]["scores"]
    assert last["validation_accuracy"] == pytest.approx(scores["validation_accuracy"], abs=1e-4)


def test_their_losses_are_those_of_the_steps_between(directory):
    found = headers(records((directory / "snapshots.bin").read_bytes()))[:-1]
    assert found[0]["training_loss"] is None
    between = np.diff(DUE)
    losses = [header["training_loss"] for header in found[1:]]
    with open(directory / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = np.mean([float(row["training_loss"]) for row in rows])
    assert np.average(losses, weights=between) == pytest.approx(epochs)
    assert losses[0] > losses[4] > losses[-1]
    assert found[-1]["validation_loss"] == pytest.approx(float(rows[-1]["validation_loss"]), 0.02)


def test_a_resumed_run_writes_the_same_snapshots(tmp_path, directory, monkeypatch):
    """Stopped in epoch 6 of 6 steps each; the checkpoint is that of epoch 5."""
    expected = (directory / "snapshots.bin").read_bytes()
    keep = run.save_epoch

    def stop(of, trainer, epoch, log) -> None:
        if epoch.epoch == 6:
            raise KeyboardInterrupt
        keep(of, trainer, epoch, log)

    monkeypatch.setattr(run, "save_epoch", stop)
    train_small("--batch-size", BATCH, "--output", tmp_path / "run", images=600, code=130)
    monkeypatch.setattr(run, "save_epoch", keep)
    file = tmp_path / "run" / "snapshots.bin"
    assert headers(records(file.read_bytes()))[-1]["step"] == 33
    with open(file, "ab") as half:
        half.write(expected[: len(expected) // 30])
    for _ in range(2):  # then it is finished
        train_small("--resume", tmp_path / "run", images=600)
        assert file.read_bytes() == expected


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_training_does_not_feel_its_snapshots(tmp_path, mnist, average):
    some = mnist[0][:540], mnist[1][:540]
    recipe = Recipe((16,), 2, 90, 0.01, batch_norm=True, augment=True, ema_decay=average)
    states = []
    for snapshots in (None, Snapshots(tmp_path, 2, 12)):
        torch.manual_seed(0)
        training = Trainer(MLP((16,), True), some, recipe, torch.Generator().manual_seed(0))
        for _ in range(2):
            training.run_epoch(some, snapshots)
        states.append(training.state_dict())
    assert len(records((tmp_path / "snapshots.bin").read_bytes())) == 11
    without, with_them = states
    assert without.pop("loss_since_snapshot")[1] == 540 * 2
    assert with_them.pop("loss_since_snapshot") == (0, 0)
    assert without.pop("schedule") == with_them.pop("schedule")
    torch.testing.assert_close(without, with_them, rtol=0, atol=0)


def test_a_network_that_breaks_is_shown_broken(tmp_path):
    settings = ("--recipe", "tutorial", "--loss", "log-of-softmax", "--learning-rate", 1e30)
    train_small(*settings, "--epochs", 3, "--output", tmp_path / "run", images=600, code=2)
    found = records((tmp_path / "run" / "snapshots.bin").read_bytes())
    last, layers = read(found[-1])
    assert [header["step"] for header in headers(found)] == [0, 1, 2, 5, 8, 9]  # 9: not due
    assert [last[name] for name in LOSSES] == [None, None]
    assert not last["final"]
    for steps, _, whole in layers:
        broken = np.isnan(steps)
        assert broken.any()
        assert not whole[:, broken].any()
    assert b"NaN" not in b"".join(found)
