"""Two processes on the CPU, started by torchrun, train as one does."""

import re

import pytest
import torch
from safetensors.torch import load_file

from mnist_core import parallel, weights
from tests.conftest import ROOT, run


def trained(directory, *settings: object, processes: int) -> tuple[str, dict, float]:
    """What a small training printed, its tensors and its test accuracy."""
    start = ("-m", "torch.distributed.run", "--nproc_per_node", processes) if processes > 1 else ()
    arguments = ("-m", "tests.small_training", "--threads", 1, *settings, "--output", directory)
    done = run(*start, *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    scores = weights.load(directory)[1]["provenance"]["scores"]
    return done.stdout, load_file(directory / weights.MODEL_FILE), scores["test_accuracy"]


def test_two_processes_do_the_mathematics_of_one(tmp_path):
    # Odd batches, so that the parts differ.
    settings = ("--recipe", "tutorial", "--hidden", 16, "--batch-size", 257, "--epochs", 2)
    _, one, accuracy = trained(tmp_path / "one", *settings, processes=1)
    printed, two, accuracy_of_two = trained(tmp_path / "two", *settings, processes=2)
    torch.testing.assert_close(two, one, rtol=1e-3, atol=1e-4)
    assert accuracy_of_two == pytest.approx(accuracy, abs=0.003)
    assert re.search(r"processes +2\n", printed)
    for words in ("reading MNIST, train=True", "epoch  1", "epoch  2", "test accuracy"):
        assert printed.count(words) == 1


def test_two_processes_learn_with_batch_normalisation_and_changes(tmp_path):
    _, _, accuracy = trained(tmp_path / "run", "--recipe", "best", processes=2)
    assert accuracy > 0.75  # one process: 0.84


def test_parts_of_a_batch_make_the_batch(monkeypatch):
    monkeypatch.setattr(parallel, "size", lambda: 3)
    parts = []
    for rank in range(3):
        monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
        parts.append(parallel.own_part(torch.arange(10)))
    assert [len(part) for part in parts] == [4, 3, 3]
    assert torch.equal(torch.cat(parts), torch.arange(10))
