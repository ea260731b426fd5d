"""Two processes on the CPU, started by torchrun, train as one does."""

import csv
import re

import pytest
import torch

from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import read_header
from mnist_core.training import distributed
from mnist_core.training.checkpoint import Checkpoint
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import Trainer
from scripts import train
from tests.conftest import ROOT, run
from tests.small_training import records, shrink


@pytest.fixture
def one_process(monkeypatch):
    """A small training's tensors and test accuracy, in this process."""
    shrink(monkeypatch.setattr)
    threads = torch.get_num_threads()

    def one_process(directory, *settings: object) -> tuple[dict, float]:
        arguments = ("train.py", "--threads", 1, *settings, "--output", directory)
        monkeypatch.setattr("sys.argv", [*map(str, arguments)])
        train.main()
        return result(directory)

    yield one_process
    torch.set_num_threads(threads)


def two_processes(directory, *settings: object) -> str:
    """What a small training in two processes printed."""
    start = ("-m", "torch.distributed.run", "--nproc_per_node", 2, "-m", "tests.small_training")
    done = run(*start, "--threads", 1, *settings, "--output", directory, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def result(directory) -> tuple[dict, float]:
    scores = weights.load(directory)[1]["provenance"]["scores"]
    # Before rounding, by which a difference in the last bits may become a step.
    return Checkpoint.load(directory).trainer["result"], scores["test_accuracy"]


def losses(directory) -> list[float]:
    with open(directory / "metrics.csv", newline="") as file:
        return [float(row["training_loss"]) for row in csv.DictReader(file)]


def snapshots(directory) -> list[tuple]:
    """The steps and training losses of the snapshots."""
    files = records((directory / "snapshots.bin").read_bytes())
    return [(header["step"], header["training_loss"]) for header in map(read_header, files)]


def test_small_layers_get_one_thread_and_large_ones_pytorch_s_choice(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    chosen = [distributed.choose_threads(None, RECIPES[name].hidden) for name in RECIPES]
    assert dict(zip(RECIPES, chosen, strict=True)) == {"tutorial": 1, "quick": 1, "best": 5}
    assert distributed.choose_threads(3, RECIPES["tutorial"].hidden) == 3


def test_no_threads_at_all_are_refused():
    assert distributed.choose_threads(1) == 1
    with pytest.raises(UserError, match="0 threads; expected at least 1"):
        distributed.choose_threads(0)


def test_threads_wait_passively_from_before_pytorch_is_there():
    script = """
import os, runpy, sys
sys.modules["torch"] = None  # to import it fails
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except ImportError:
    print(os.environ["OMP_WAIT_POLICY"])
"""
    for name in ("train", "finetune"):
        path = str(ROOT / "scripts" / f"{name}.py")
        assert run("-c", f"import sys; sys.argv = [{path!r}]{script}").stdout == "PASSIVE\n"


def test_two_processes_do_the_mathematics_of_one(tmp_path, one_process):
    # Odd batches, so that the parts differ.
    settings = ("--recipe", "tutorial", "--hidden", 16, "--batch-size", 257, "--epochs", 2)
    one, accuracy = one_process(tmp_path / "one", *settings)
    printed = two_processes(tmp_path / "two", *settings)
    two, accuracy_of_two = result(tmp_path / "two")
    torch.testing.assert_close(two, one, rtol=1e-3, atol=1e-4)
    assert accuracy_of_two == pytest.approx(accuracy, abs=0.003)
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-4)
    told, of_one = snapshots(tmp_path / "two"), snapshots(tmp_path / "one")
    assert [step for step, _ in told] == [step for step, _ in of_one]
    pairs = zip(told[1:], of_one[1:], strict=True)
    assert all(loss == pytest.approx(of_one, rel=1e-3) for (_, loss), (_, of_one) in pairs)
    assert re.search(r"processes +2\n", printed)
    for words in ("reading MNIST, train=True", "epoch  1", "epoch  2", "test accuracy"):
        assert printed.count(words) == 1


def test_two_processes_learn_with_batch_normalisation_and_changes(tmp_path):
    two_processes(tmp_path / "run", "--recipe", "best")
    assert result(tmp_path / "run")[1] > 0.75  # one process: 0.84


def test_parts_of_a_batch_make_the_batch(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    parts = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        parts.append(distributed.shard(torch.arange(10)))
    assert [len(part) for part in parts] == [4, 3, 3]
    assert torch.equal(torch.cat(parts), torch.arange(10))


def test_the_loss_is_that_of_the_images_trained_on_whatever_the_shards(monkeypatch):
    """Two processes, one after the other: a last batch of one is skipped by both."""
    data = torch.zeros(135, 28, 28, dtype=torch.uint8), torch.arange(135) % 10
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "distributed_model", lambda model: model)
    monkeypatch.setattr(distributed, "total", lambda value, _: value)
    sums = []
    for rank in range(2):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        recipe = Recipe((8,), 1, 67, 0.01)  # shards of 34 and 33
        trainer = Trainer(MLP((8,)), data, recipe, torch.Generator())
        monkeypatch.setattr(trainer, "_step", lambda shard, *_: float(len(shard)))
        sums.append(trainer._train(data, None))
    assert sum(sums) == pytest.approx((2 * 34 * 34 + 2 * 33 * 33) / (2 * 67))
