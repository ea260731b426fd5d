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
from safetensors.torch import load_file

from mnist_core.drawing.strokes import Drawing, write_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training import run
from mnist_core.training.data import split_drawings
from mnist_core.training.recipes import RECIPES
from mnist_core.training.run import Checkpoint
from scripts import train
from tests.conftest import ROOT
from tests.conftest import run as run_python
from tests.drawings import DRAWINGS, LETTERS
from tests.golden_learning.train import hands
from tests.small_training import shrink
from tests.test_weights import PROVENANCE, THRESHOLDS

EPOCHS = 8
TUTORIAL = ("--recipe", "tutorial", "--epochs", 1)
TRAIN = ROOT / "scripts" / "train.py"


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


def undisturbed(directory, *settings: object) -> Path:
    """The directory of a run that nothing disturbed."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        patch.setattr(run, "draw_pictures", lambda *_: None)
        threads = torch.get_num_threads()
        main(patch, *settings, "--output", directory)
        torch.set_num_threads(threads)
    return directory


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return undisturbed(tmp_path_factory.mktemp("uninterrupted") / "run")


@pytest.fixture(scope="module")
def three_epochs(tmp_path_factory):
    return undisturbed(tmp_path_factory.mktemp("three") / "run", "--epochs", 3)


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


def epochs_written(directory) -> int:
    return len(rows(directory)) if (directory / "metrics.csv").exists() else 0


# What a run keeps ------------------------------------------------------------


def test_the_best_epoch_is_kept(uninterrupted):
    found = rows(uninterrupted)
    assert [row["epoch"] for row in found] == [str(n) for n in range(1, EPOCHS + 1)]
    best = max(float(row["validation_accuracy"]) for row in found)
    _, config = weights.load(uninterrupted)
    assert config["provenance"]["scores"]["validation_accuracy"] == pytest.approx(best, abs=1e-4)


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


def test_a_network_is_saved_once_and_scored_on_the_test_images_once(
    tmp_path, training, monkeypatch, capsys
):
    save, saved = weights.save, []
    monkeypatch.setattr(weights, "save", lambda *some: (saved.append(some), save(*some)))
    training(*TUTORIAL, "--epochs", 2, "--output", tmp_path / "run")
    training("--resume", tmp_path / "run")
    assert len(saved) == 1
    assert capsys.readouterr().out.count("reading MNIST, train=False") == 1


def test_the_same_seed_gives_the_same_network(tmp_path, training):
    settings = (*TUTORIAL, "--hidden", 8, "--output")
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        training("--seed", seed, *settings, tmp_path / name)
    assert_same(tmp_path / "again", tmp_path / "first")
    other, first = (load_file(tmp_path / name / weights.MODEL_FILE) for name in ("other", "first"))
    assert not any(torch.equal(other[name], first[name]) for name in first)


def test_each_run_has_a_directory_of_its_own(home, training, monkeypatch):
    training(*TUTORIAL)
    (name,) = (folder.name for folder in (home / "runs").iterdir())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-tutorial", name)
    ignored = subprocess.run(["git", "check-ignore", f"runs/{name}/state.pt"], cwd=ROOT)
    assert ignored.returncode == 0
    same_second = [run.create_run_directory(None, home / "more", "x") for _ in range(3)]
    assert len(set(same_second)) == 3
    assert {directory.parent for directory in same_second} == {home / "more"}


# Ending anywhere -------------------------------------------------------------


def test_a_run_killed_anywhere_resumes_to_the_same_weights(tmp_path, training, uninterrupted):
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
    training("--resume", directory)
    assert_same(directory, uninterrupted)


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
    assert f"--resume {directory}" in message
    weights.load(directory)
    training("--resume", directory)
    assert_same(directory, three_epochs)


# One state, then metrics and a state an epoch, then the network and its card.
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


def test_a_training_that_diverges_keeps_the_last_good_state(
    tmp_path, training, capsys, monkeypatch
):
    directory, keep = tmp_path / "run", run.keep
    settings = ("--recipe", "tutorial", "--hidden", 8, "--batch-size", 300, "--epochs", 2)

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


@pytest.mark.parametrize(
    ("loss", "advice"), [("nll", "rate. "), ("log-of-softmax", "rate, or the loss nll. ")]
)
def test_a_learning_rate_far_too_high_is_one_line(tmp_path, training, capsys, loss, advice):
    settings = (*TUTORIAL, "--learning-rate", 1e30, "--loss", loss, "--output", tmp_path / "run")
    message = refused(training, capsys, *settings)
    assert f"Choose a lower learning {advice}" in message
    assert "no network yet" in message


def test_a_training_that_learned_nothing_says_what_to_try(tmp_path, training, capsys):
    training(*TUTORIAL, "--learning-rate", 5, "--loss", "softmax-cross-entropy",
             "--output", tmp_path / "run")  # fmt: skip
    *_, found, advice = capsys.readouterr().out.splitlines()
    assert found.startswith(f"saved to {tmp_path / 'run'}, but it learned nothing: guessing reads")
    assert advice == "train again with a lower --learning-rate, or --loss nll"


@pytest.mark.parametrize("fault", [ValueError("a fault"), OSError("a fault")])
def test_a_fault_of_the_program_is_no_one_line(tmp_path, training, monkeypatch, fault):
    def fail(*_) -> None:
        raise fault

    monkeypatch.setattr(run, "keep", fail)
    with pytest.raises(type(fault), match="a fault"):
        training(*TUTORIAL, "--output", tmp_path / "run")


def test_ctrl_c_while_pytorch_loads_is_quiet(tmp_path):
    command = [sys.executable, TRAIN, "--output", tmp_path / "run"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "Loading PyTorch takes some seconds\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130
    assert not (tmp_path / "run").exists()


# Settings and resuming -------------------------------------------------------


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


def test_wrong_ways_to_go_on_are_refused(tmp_path, training, uninterrupted, capsys):
    again = refused(training, capsys, "--output", uninterrupted)
    assert f"{uninterrupted} holds a run already: resume it" in again
    other = refused(training, capsys, "--resume", uninterrupted, "--epochs", 9, "--seed", 1)
    assert "leave out --epochs --seed" in other
    assert "no run to resume" in refused(training, capsys, "--resume", tmp_path)
    (tmp_path / "state.pt").mkdir()
    assert "can't be read: Is a directory" in refused(training, capsys, "--resume", tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04", 5, {}, {"settings": None}])
def test_a_state_that_is_damaged_or_another_program_s_is_refused(tmp_path, content):
    if isinstance(content, bytes):
        (tmp_path / "state.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "state.pt")
    with pytest.raises(UserError, match="damaged, or another version's"):
        Checkpoint.load(tmp_path)


def test_other_data_than_the_run_s_are_refused(tmp_path, training):
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


def test_a_run_of_an_older_version_without_negatives_in_its_fingerprint_goes_on(tmp_path, training):
    training("--epochs", 2, "--hidden", 8, "--output", tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    data, *_ = run._prepare(Checkpoint.load(tmp_path / "run").settings)
    saved["fingerprint"] = run.old_fingerprint(data)
    saved["settings"]["recipe"]["outliers"] = saved["settings"]["recipe"].pop("negatives")
    saved["trainer"]["result"] = saved["trainer"].pop("ema_model")
    del saved["best_model"], saved["settings"]["command"]
    torch.save(saved, tmp_path / "run" / "state.pt")
    before = weights.load(tmp_path / "run")[1]
    training("--resume", tmp_path / "run")
    assert weights.load(tmp_path / "run")[1] == before
    assert Checkpoint.load(tmp_path / "run").settings.command.endswith("--epochs 2 --hidden 8")


@pytest.mark.parametrize(("name", "threads"), [("tutorial", 1), ("quick", 1), ("best", 5)])
def test_wide_layers_get_pytorch_s_number_of_threads(monkeypatch, name, threads):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    assert run.choose_threads(None, RECIPES[name].hidden) == threads
    assert run.choose_threads(3, RECIPES[name].hidden) == 3
    with pytest.raises(UserError, match="0 threads; expected at least 1"):
        run.choose_threads(0, RECIPES[name].hidden)


@pytest.mark.skipif(torch.cuda.is_available(), reason="it is there")
def test_a_device_that_is_not_there_is_refused(tmp_path, training, capsys):
    message = refused(training, capsys, "--device", "cuda", "--output", tmp_path / "run")
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


def test_tensorboard_s_log_holds_the_metrics(tmp_path, training):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    training("--recipe", "tutorial", "--epochs", 2, "--tensorboard", "--output", tmp_path / "run")
    log = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    found = [(event.step, event.value) for event in log.Scalars("validation_accuracy")]
    assert found == [
        (int(row["epoch"]), pytest.approx(float(row["validation_accuracy"])))
        for row in rows(tmp_path / "run")
    ]


def test_tensorboard_that_is_not_installed_is_one_line(tmp_path, training, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    message = refused(training, capsys, "--tensorboard", "--output", tmp_path / "run")
    assert "pip install tensorboard" in message
    assert not (tmp_path / "run").exists()


def test_help_loads_no_pytorch():
    done = run_python("-X", "importtime", TRAIN, "--help")
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "mnist_core.training.recipes" in loaded
    assert not {"torch", "numpy"} & loaded


@pytest.mark.parametrize("name", ["train", "finetune"])
def test_threads_wait_passively_from_before_pytorch_is_there(name):
    script = """
import os, runpy, sys
sys.modules["torch"] = None  # to import it fails
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except ImportError:
    print(os.environ["OMP_WAIT_POLICY"])
"""
    path = str(ROOT / "scripts" / f"{name}.py")
    printed = run_python("-c", f"import sys; sys.argv = [{path!r}]{script}").stdout
    assert printed.splitlines()[-1] == "PASSIVE"
