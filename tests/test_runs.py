"""A run's directory: what is in it, and that a run can end anywhere and be resumed."""

import csv
import errno
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from mnist_core.drawing.strokes import Drawing, parse_strokes, write_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.training import run
from mnist_core.training.run import Checkpoint
from scripts import train
from tests.conftest import ROOT
from tests.drawings import DRAWINGS
from tests.small_training import shrink

EPOCHS = 8


@pytest.fixture
def training(monkeypatch):
    """Call train.py's main in this process, on little data and without pictures."""
    shrink(monkeypatch.setattr)
    monkeypatch.setattr(run, "draw_pictures", lambda *_: None)
    threads = torch.get_num_threads()
    yield partial(main, monkeypatch)
    torch.set_num_threads(threads)


def main(monkeypatch, *arguments: object) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "--threads", "1", *map(str, arguments)])
    train.main()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The directory of a run that nothing disturbed."""
    return undisturbed(tmp_path_factory.mktemp("uninterrupted") / "run")


@pytest.fixture(scope="module")
def three_epochs(tmp_path_factory):
    """The same, of a shorter run."""
    return undisturbed(tmp_path_factory.mktemp("three") / "run", "--epochs", 3)


def undisturbed(directory, *settings: object) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        threads = torch.get_num_threads()
        main(patch, *settings, "--output", directory)
        torch.set_num_threads(threads)
    return directory


def refused(training, capsys, *arguments: object, code: int = 2) -> str:
    """The one line that train.py ends with."""
    with pytest.raises(SystemExit) as ended:
        training(*arguments)
    message = capsys.readouterr().err
    assert ended.value.code == code, message
    assert message.count("\n") == 1
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


def test_a_run_leaves_weights_metrics_and_pictures(uninterrupted):
    files = {file.name for file in uninterrupted.iterdir()}
    pictures = {"samples", "curves", "confusion", "mistakes", "first-layer"}
    assert files == {
        *weights.FILES, "state.pt", "metrics.csv", "snapshots.bin",
        *(f"{name}.png" for name in pictures),
    }  # fmt: skip
    for name in pictures:
        with Image.open(uninterrupted / f"{name}.png") as picture:
            low, high = picture.convert("L").getextrema()
            assert min(picture.size) > 200
            assert high - low > 200  # something is drawn
    table = rows(uninterrupted)
    assert [row["epoch"] for row in table] == [str(n) for n in range(1, EPOCHS + 1)]
    assert set(table[0]) == {"epoch", "training_loss", "validation_loss", "validation_accuracy"}


def test_the_best_epoch_is_kept(uninterrupted):
    best = max(float(row["validation_accuracy"]) for row in rows(uninterrupted))
    _, config = weights.load(uninterrupted)
    assert config["provenance"]["scores"]["validation_accuracy"] == pytest.approx(best, abs=1e-4)


def test_of_equal_epochs_the_later_is_kept():
    accuracies = [0.5, 0.9, 0.9, 0.8]
    history = [{"epoch": n, "validation_accuracy": a} for n, a in enumerate(accuracies, start=1)]
    assert Checkpoint(None, "", history).best()["epoch"] == 3


@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGINT])
def test_a_run_stopped_anywhere_resumes_to_the_same_weights(
    tmp_path, training, uninterrupted, signal_sent
):
    directory = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.small_training", "--threads", "1", "--output", directory],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    chance = random.Random(seed := f"stopped by {signal_sent}")
    after, then = chance.randrange(EPOCHS - 2), chance.uniform(0, 0.15)
    print(f"seed {seed!r}: {then} s after epoch {after}")
    while not (directory / "state.pt").exists() or (after and epochs_written(directory) < after):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)
    time.sleep(then)
    process.send_signal(signal_sent)
    _, message = process.communicate(timeout=60)
    done = len(Checkpoint.load(directory).history)
    assert after - 1 <= done < EPOCHS  # an epoch is in the metrics before it is in the state
    if signal_sent == signal.SIGINT:
        assert process.returncode == 130
        assert message.count("\n") == 1
        assert f"--resume {directory}" in message
    assert epochs_written(directory) in (done, done + 1)  # the checkpoint is the last to be written
    if done and signal_sent == signal.SIGINT:
        weights.load(directory)
    training("--resume", directory)
    assert_same(directory, uninterrupted)


def epochs_written(directory) -> int:
    return len(rows(directory)) if (directory / "metrics.csv").exists() else 0


# Every epoch replaces two files.
@pytest.mark.parametrize("step", ["metrics.csv", "state.pt"])
@pytest.mark.parametrize("complete", [False, True])
def test_an_interrupt_between_two_files_costs_an_epoch_at_most(
    tmp_path, training, three_epochs, capsys, monkeypatch, step, complete
):
    directory, replace = tmp_path / "run", os.replace

    def interrupted(source, target) -> None:
        second = epochs_written(directory) + (step == "state.pt") > 1 and target.name == step
        if complete or not second:
            replace(source, target)
        if second:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        message = refused(training, capsys, "--epochs", 3, "--output", directory, code=130)
    done = len(Checkpoint.load(directory).history)
    assert f"the state after epoch {done} and the best network so far" in message
    weights.load(directory)
    training("--resume", directory)
    assert_same(directory, three_epochs)


@pytest.mark.parametrize("call", [0, 1, 2, 4, 7, 8])
def test_a_full_disk_leaves_the_last_good_state(
    tmp_path, training, three_epochs, capsys, monkeypatch, call
):
    replace, calls = os.replace, []

    def fail(*arguments) -> None:
        calls.append(arguments)
        if len(calls) > call:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        message = refused(training, capsys, "--epochs", 3, "--output", tmp_path / "run")
    assert "No space left on device" in message
    assert not list(tmp_path.rglob(".*"))
    if call == 0:  # not even the first state
        assert "--resume" not in message
        return
    assert f"--resume {tmp_path / 'run'}" in message
    done = len(Checkpoint.load(tmp_path / "run").history)
    assert f"the state after epoch {done} " in message
    training("--resume", tmp_path / "run")
    assert_same(tmp_path / "run", three_epochs)


def test_a_place_for_small_files_only_is_refused(tmp_path, training, capsys):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        message = refused(training, capsys, "--output", tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"can't write {tmp_path / 'run' / 'state.pt'}: File too large" in message


def test_a_training_that_diverges_keeps_the_last_good_state(
    tmp_path, training, capsys, monkeypatch
):
    directory = tmp_path / "run"
    settings = ("--recipe", "tutorial", "--hidden", 8, "--batch-size", 300, "--epochs", 2)
    keep = run.keep

    def keep_one(*arguments) -> None:
        keep(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "keep", keep_one)
    assert "--resume" in refused(training, capsys, *settings, "--output", directory, code=130)
    monkeypatch.setattr(run, "keep", keep)
    saved = Checkpoint.load(directory)
    saved.trainer["optimizer"]["param_groups"][0]["lr"] = 1e30
    saved.save(directory)
    message = refused(training, capsys, "--resume", directory)
    assert "diverged in epoch 2" in message
    assert "the state after epoch 1 and the best network so far; begin a new run" in message
    assert "--resume" not in message
    weights.load(directory)
    assert len(Checkpoint.load(directory).history) == 1


def test_a_learning_rate_far_too_high_is_one_line(tmp_path, training, capsys):
    settings = ("--recipe", "tutorial", "--learning-rate", 1e30, "--output", tmp_path / "run")
    message = refused(training, capsys, *settings)
    assert "lower learning rate. " in message


@pytest.mark.parametrize("loss", ["log-of-softmax", "cross-entropy"])
def test_a_training_that_breaks_with_another_loss_is_told_of_nll(tmp_path, training, capsys, loss):
    settings = ("--recipe", "tutorial", "--epochs", 1, "--learning-rate", 1e30, "--loss", loss)
    message = refused(training, capsys, *settings, "--output", tmp_path / "run")
    assert "Choose a lower learning rate, or the loss nll" in message
    assert Checkpoint.load(tmp_path / "run").settings.command.endswith(f"--loss {loss}")


def test_the_same_seed_gives_the_same_network(tmp_path, training):
    settings = ("--epochs", 1, "--output")
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        training("--seed", seed, *settings, tmp_path / name)
    assert_same(tmp_path / "again", tmp_path / "first")
    other, first = (load_file(tmp_path / name / weights.MODEL_FILE) for name in ("other", "first"))
    assert not any(torch.equal(other[name], first[name]) for name in first)


def test_a_training_that_learned_nothing_is_told_what_to_try(tmp_path, training, capsys):
    training("--recipe", "tutorial", "--epochs", 1, "--learning-rate", 5, "--loss",
             "softmax-cross-entropy", "--output", tmp_path / "run")  # fmt: skip
    *_, found, last = capsys.readouterr().out.splitlines()
    assert found.startswith(f"saved to {tmp_path / 'run'}, but it learned nothing: guessing reads")
    assert last == "train again with a lower --learning-rate, or --loss nll"


def test_each_run_has_a_directory_of_its_own(home, training):
    settings = ("--recipe", "tutorial", "--epochs", 1)
    training(*settings)
    training(*settings)
    names = sorted(folder.name for folder in (home / "runs").iterdir())
    assert len(names) == 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-tutorial(-2)?", name) for name in names)
    ignored = subprocess.run(["git", "check-ignore", f"runs/{names[0]}/state.pt"], cwd=ROOT)
    assert ignored.returncode == 0


def test_two_runs_of_one_second_do_not_meet(tmp_path):
    first, second, third = (
        run.create_run_directory(None, tmp_path / "runs", "x") for _ in range(3)
    )
    assert len({first, second, third}) == 3
    assert first.parent == second.parent == third.parent == tmp_path / "runs"


def test_install_puts_the_network_to_use_unless_the_one_in_use_reads_more(
    home, training, uninterrupted, capsys
):
    before = rows(uninterrupted)
    message = refused(training, capsys, "--resume", uninterrupted, "--install", code=4)
    assert f"install --force {uninterrupted}" in message
    assert not home.exists()
    training("--resume", uninterrupted, "--install", "--force")  # of a finished run, too
    assert rows(uninterrupted) == before
    for name in weights.FILES:
        assert (home / "installed" / name).read_bytes() == (uninterrupted / name).read_bytes()
    assert weights.load()[0].hidden == (16,)
    assert weights.load(home / "installed" / "previous")[1]["name"] == weights.SHIPPED_NAME


def test_a_run_is_not_overwritten(training, uninterrupted, capsys):
    message = refused(training, capsys, "--output", uninterrupted)
    assert f"{uninterrupted} holds a run already: resume it" in message


def test_resume_keeps_the_run_s_own_settings(training, uninterrupted, capsys):
    message = refused(training, capsys, "--resume", uninterrupted, "--epochs", 9, "--seed", 1)
    assert "leave out --epochs --seed" in message


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04"])
def test_a_state_that_is_damaged_is_refused(tmp_path, training, capsys, content):
    (tmp_path / "state.pt").write_bytes(content)
    assert "damaged" in refused(training, capsys, "--resume", tmp_path)


def test_a_state_that_is_missing_or_unreadable_is_refused(tmp_path, training, capsys):
    assert "no run to resume" in refused(training, capsys, "--resume", tmp_path)
    (tmp_path / "state.pt").mkdir()
    assert "can't be read: Is a directory" in refused(training, capsys, "--resume", tmp_path)


@pytest.mark.parametrize("content", [5, [1], torch.zeros(3), {}, {"settings": None}])
def test_another_program_s_state_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "state.pt")
    with pytest.raises(UserError, match="damaged, or another version's"):
        Checkpoint.load(tmp_path)


def test_a_state_that_is_cut_short_is_refused(tmp_path, uninterrupted):
    content = (uninterrupted / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        Checkpoint.load(tmp_path)


def test_other_data_than_the_run_s_are_refused(tmp_path, training, capsys):
    drawings = [Drawing(d, parse_strokes(s), {"writer": w}) for w in range(2)
                for d, s in DRAWINGS.items()]  # fmt: skip
    file, directory = tmp_path / "mine.jsonl", tmp_path / "run"
    write_drawings(file, drawings)
    training("--epochs", 1, "--drawings", file, "--output", directory)
    assert rows(directory)[0]["drawings_accuracy"]
    assert "epoch  1" in capsys.readouterr().out
    write_drawings(file, drawings[1:])
    message = refused(training, capsys, "--resume", directory)
    assert "not those that the run" in message
    assert str(file) in message


@pytest.mark.skipif(torch.cuda.is_available(), reason="it is there")
def test_a_device_that_is_not_there_is_refused(tmp_path, training, capsys):
    message = refused(training, capsys, "--device", "cuda", "--output", tmp_path / "run")
    assert "PyTorch finds:" in message
    assert not (tmp_path / "run").exists()


def test_tensorboard_s_log_holds_the_metrics(tmp_path, training):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    training("--recipe", "tutorial", "--epochs", 2, "--tensorboard", "--output", tmp_path / "run")
    log = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    found = [(event.step, event.value) for event in log.Scalars("validation_accuracy")]
    table = rows(tmp_path / "run")
    assert found == [
        (int(row["epoch"]), pytest.approx(float(row["validation_accuracy"]))) for row in table
    ]


@pytest.mark.parametrize("fault", [ValueError("a fault"), OSError("a fault"), TypeError("a fault")])
def test_a_fault_of_the_program_is_no_one_line(tmp_path, training, monkeypatch, fault):
    def fail(*_) -> None:
        raise fault

    monkeypatch.setattr(run, "keep", fail)
    with pytest.raises(type(fault), match="a fault"):
        training("--output", tmp_path / "run")


def test_tensorboard_that_is_not_installed_is_one_line(tmp_path, training, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    message = refused(training, capsys, "--tensorboard", "--output", tmp_path / "run")
    assert "pip install tensorboard" in message
    assert not (tmp_path / "run").exists()
