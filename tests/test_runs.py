"""A run's directory: what is in it, and that a run can end anywhere and be resumed."""

import csv
import errno
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mnist_core.drawing.strokes import Drawing, write_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training import run
from mnist_core.training.data import split_drawings
from mnist_core.training.run import Checkpoint
from scripts import train
from tests.conftest import ROOT
from tests.drawings import DRAWINGS, LETTERS
from tests.golden_learning.train import hands
from tests.small_training import train_small
from tests.test_weights import PROVENANCE, THRESHOLDS

EPOCHS = 8
TUTORIAL = ("--recipe", "tutorial", "--epochs", 1)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("uninterrupted") / "run")


@pytest.fixture(scope="module")
def three_epochs(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("three") / "run", "--epochs", 3)


def trained(directory: Path, *settings: object) -> Path:
    """The directory of a run that nothing disturbed."""
    train_small(*settings, "--output", directory)
    return directory


def refused(*arguments: object, code: int = 2) -> str:
    """The one line that train.py ends with."""
    message = train_small(*arguments, code=code)
    assert message.count("\n") == 1, message
    return message


def assert_same(directory, expected) -> None:
    """Both runs ended with the same network, state and history, bit for bit."""
    found, wanted = (load_file(folder / weights.MODEL_FILE) for folder in (directory, expected))
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    found, wanted = (Checkpoint.load(folder).trainer for folder in (directory, expected))
    assert found.pop("schedule") == wanted.pop("schedule")
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert rows(directory) == rows(expected)


def rows(directory) -> list[dict]:
    """metrics.csv without what no two runs share, their times."""
    with open(directory / "metrics.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def epochs_written(directory) -> int:
    return len(rows(directory)) if (directory / "metrics.csv").exists() else 0


# What a run keeps ------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "kept"),
    [
        ([{"validation_accuracy": a} for a in (0.5, 0.9, 0.9, 0.8)], 2),  # the later of equals
        ([{"validation_accuracy": a, "own_accuracy": b} for a, b in ((0.91, 1), (0.92, 0))], 1),
        ([{"validation_accuracy": a, "styles_accuracy": b} for a, b in ((0.9, 1), (1, 0.8))], 0),
    ],
)
def test_which_epoch_is_the_best(history, kept):
    assert Checkpoint(None, "", history).best() is history[kept]


def test_the_same_seed_gives_the_same_network(tmp_path):
    settings = (*TUTORIAL, "--hidden", 8, "--output")
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        train_small("--seed", seed, *settings, tmp_path / name)
    assert_same(tmp_path / "again", tmp_path / "first")
    other, first = (load_file(tmp_path / name / weights.MODEL_FILE) for name in ("other", "first"))
    assert not any(torch.equal(other[name], first[name]) for name in first)


def test_each_run_has_a_directory_of_its_own(home, monkeypatch):
    train_small(*TUTORIAL)
    (directory,) = (home / "runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-tutorial", directory.name)
    same_second = [run.create_run_directory(None, home / "more", "x") for _ in range(3)]
    assert len(set(same_second)) == 3
    assert {directory.parent for directory in same_second} == {home / "more"}


# Ending anywhere -------------------------------------------------------------


def test_a_run_killed_anywhere_resumes_to_the_same_weights(tmp_path, uninterrupted):
    directory = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.small_training", "--threads", "1", "--output", directory],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    chance = random.Random(seed := time.time_ns())
    after, then = chance.randrange(EPOCHS - 2), chance.uniform(0, 0.15)
    print(f"seed {seed!r}: {then} s after epoch {after}")
    while not (directory / "state.pt").exists() or epochs_written(directory) < after:
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(then)
    process.kill()
    process.wait(60)
    done = len(Checkpoint.load(directory).history)
    assert epochs_written(directory) in (done, done + 1)  # the checkpoint is the last to be written
    train_small("--resume", directory)
    assert_same(directory, uninterrupted)


# One state, then metrics and a state an epoch, then the network and its card.
@pytest.mark.parametrize("call", [0, 2, 8])
def test_a_full_disk_leaves_the_last_good_state(tmp_path, three_epochs, monkeypatch, call):
    replace, calls = os.replace, []

    def fail(*arguments) -> None:
        calls.append(arguments)
        if len(calls) > call:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        message = refused("--epochs", 3, "--output", tmp_path / "run")
    assert "No space left on device" in message
    assert not list(tmp_path.rglob(".*"))
    if call == 0:  # not even the first state
        assert "--resume" not in message
        return
    assert f"--resume {tmp_path / 'run'}" in message
    done = len(Checkpoint.load(tmp_path / "run").history)
    assert f"the state after epoch {done} " in message
    train_small("--resume", tmp_path / "run")
    assert_same(tmp_path / "run", three_epochs)


def test_a_training_that_diverges_keeps_the_last_good_state(tmp_path, monkeypatch):
    directory, keep = tmp_path / "run", run.save_epoch
    settings = ("--recipe", "tutorial", "--hidden", 8, "--batch-size", 300, "--epochs", 2)

    def keep_one(*arguments) -> None:
        keep(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "save_epoch", keep_one)
    assert "--resume" in refused(*settings, "--output", directory, code=130)
    monkeypatch.setattr(run, "save_epoch", keep)
    saved = Checkpoint.load(directory)
    saved.trainer["optimizer"]["param_groups"][0]["lr"] = 1e30
    saved.save(directory)
    message = refused("--resume", directory)
    assert "diverged in epoch 2" in message
    assert "the state after epoch 1 and the best network so far; begin a new run" in message
    assert "--resume" not in message
    weights.load(directory)
    assert len(Checkpoint.load(directory).history) == 1


@pytest.mark.parametrize(
    ("loss", "advice"), [("nll", "rate. "), ("log-of-softmax", "rate, or the loss nll. ")]
)
def test_a_learning_rate_far_too_high_is_one_line(tmp_path, loss, advice):
    settings = (*TUTORIAL, "--learning-rate", 1e30, "--loss", loss, "--output", tmp_path / "run")
    message = refused(*settings)
    assert f"Choose a lower learning {advice}" in message
    assert "no network yet" in message


def test_a_training_that_learned_nothing_says_what_to_try(tmp_path):
    settings = (*TUTORIAL, "--lr", 5, "--loss", "softmax-cross-entropy")
    *_, found, advice = train_small(*settings, "--output", tmp_path / "run").splitlines()
    assert found.startswith(f"saved to {tmp_path / 'run'}, but it learned nothing: guessing has")
    assert advice == "train again with a lower --learning-rate, or --loss nll"


# Settings and resuming -------------------------------------------------------


def test_install_puts_the_network_to_use_unless_the_one_in_use_reads_more(home, uninterrupted):
    before = rows(uninterrupted)
    message = refused("--resume", uninterrupted, "--install", code=4)
    assert f"install --force {uninterrupted}" in message
    assert not home.exists()
    train_small("--resume", uninterrupted, "--install", "--force")  # of a finished run, too
    assert rows(uninterrupted) == before
    assert weights.load()[1]["name"] == weights.load(uninterrupted)[1]["name"]


def test_wrong_ways_to_go_on_are_refused(tmp_path, uninterrupted):
    again = refused("--output", uninterrupted)
    assert f"{uninterrupted} holds a run already: resume it" in again
    other = refused("--resume", uninterrupted, "--epochs", 9, "--seed", 1)
    assert "leave out --epochs --seed" in other
    assert "no run to resume" in refused("--resume", tmp_path)
    (tmp_path / "state.pt").mkdir()
    assert "can't be read: Is a directory" in refused("--resume", tmp_path)


@pytest.mark.parametrize("content", [b"not a state", 5, {}])
def test_a_state_that_is_damaged_or_another_program_s_is_refused(tmp_path, content):
    if isinstance(content, bytes):
        (tmp_path / "state.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "state.pt")
    with pytest.raises(UserError, match="damaged, or another version's"):
        Checkpoint.load(tmp_path)


def test_other_data_than_the_run_s_are_refused(tmp_path):
    """Ten contributors, one of whom is held out; whose digits they are decides whose letters."""
    digits, letters, teacher = (tmp_path / name for name in ("d.jsonl", "l.jsonl", "teacher"))
    drawings, others = hands(DRAWINGS, True)[:100], hands(LETTERS, False)
    held_out = split_drawings(drawings)[1][0].extra["writer"]

    def write(some: list[Drawing], more: list[Drawing], seed: int) -> None:
        torch.manual_seed(seed)
        write_drawings(digits, some)
        write_drawings(letters, more)
        weights.save(MLP((8,)).eval(), teacher, PROVENANCE, THRESHOLDS)

    write(drawings, others, 0)
    files = {"drawings": [digits], "not_digits": [letters], "teachers": [teacher]}
    directory = train.begin("", "cpu", 1, output=tmp_path / "run", **files).directory
    run.resume(directory)
    known, unknown = ([one for one in others if (one.extra["writer"] == held_out) is unseen]
                      for unseen in (False, True))  # fmt: skip
    for changed in (
        (drawings[:-1], others, 0),
        (drawings, known[1:] + unknown, 0),
        (drawings, known + unknown[1:], 0),
        (drawings, others, 1),
    ):
        write(*changed)
        with pytest.raises(UserError, match="not those that the run") as error:
            run.resume(directory)
        assert all(str(file) in str(error.value) for file in (digits, letters, teacher))


@pytest.mark.skipif(torch.cuda.is_available(), reason="it is there")
def test_a_device_that_is_not_there_is_refused(tmp_path):
    message = refused("--device", "cuda", "--output", tmp_path / "run")
    assert "PyTorch finds: cpu" in message
    assert not (tmp_path / "run").exists()
    assert run.choose_device("auto") == run.choose_device("cpu") == "cpu"


def test_the_model_card_s_command_names_files_as_they_are_here(tmp_path):
    own = {
        "epochs": 3,
        "hidden": [8, 4],
        "drawings": [ROOT / "data" / "a.jsonl", Path("/x/b.jsonl")],
    }
    assert train.command(**own, output=tmp_path, not_digits=[tmp_path / "letters.jsonl"]) == (
        "python scripts/train.py --recipe best --seed 0 --epochs 3 --hidden 8 4"
        " --drawings data/a.jsonl b.jsonl --not-digits letters.jsonl"
    )


def test_tensorboard_s_log_holds_the_metrics(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = ("--recipe", "tutorial", "--epochs", 2, "--tensorboard")
    printed = train_small(*settings, "--output", tmp_path / "run")
    assert f"look on with: tensorboard --logdir {tmp_path / 'run'}\n" in printed
    log = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    found = [(event.step, event.value) for event in log.Scalars("validation_accuracy")]
    assert found == [
        (int(row["epoch"]), pytest.approx(float(row["validation_accuracy"])))
        for row in rows(tmp_path / "run")
    ]
