"""scripts/weights.py, and what is installed: guarded, kept, brought back, converted."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mnist_core.errors import UserError
from mnist_core.network import import_state_dict, weights
from mnist_core.network.model import MLP
from mnist_core.training import data, finish
from mnist_core.training.trainer import predict
from scripts import weights as script
from tests.conftest import ROOT
from tests.small_training import load_few
from tests.test_weights import PROVENANCE, THRESHOLDS

SHIPPED_HIDDEN = 1000  # the first layer of the shipped network


@pytest.fixture
def command(monkeypatch, capsys, home):
    """Call weights.py's main in this process; its code and what it says."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    load_few(monkeypatch.setattr, 2000, data, finish)

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["weights.py", *map(str, arguments)])
        code = 0
        try:
            script.main()
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.err if code else printed.out

    return call


@pytest.fixture
def networks(monkeypatch, tmp_path):
    """Networks of one hidden layer, 900 to 999 wide, that read so many thousandths."""
    monkeypatch.setattr(finish, "evaluate", lambda model, _: (0, model.hidden[0] / 1000))

    def save(reads: int, first: int | None = None) -> object:
        parent = {"parent": {"validation_accuracy": first / 1000}} if first else {}
        weights.save(MLP((reads,)), tmp_path / f"{reads}-{first}", PROVENANCE | parent, THRESHOLDS)
        return tmp_path / f"{reads}-{first}"

    return save


def test_a_network_that_reads_less_replaces_none(command, networks, tmp_path):
    def hidden() -> int:
        return weights.load()[0].hidden[0]

    code, says = command("install", networks(990))
    assert (code, hidden()) == (4, SHIPPED_HIDDEN)  # the shipped one counts as well
    assert command("install", "--force", networks(990))[0] == 0
    code, says = command("install", networks(988))
    assert (code, hidden()) == (4, 990)
    assert "reads 98.80% of MNIST's validation images and the network in use 99.00%" in says
    assert f"install --force {tmp_path}" in says
    assert command("install", networks(989))[0] == 0  # exactly 0.1 points
    # A line of corrections that began with 99.0 %: each loses less than it may, but not together.
    code, says = command("install", networks(988, first=990))
    assert (code, hidden()) == (4, 989)
    assert "the one that its corrections began with 99.00%" in says
    assert command("install", "--force", networks(988, first=990))[0] == 0
    assert hidden() == 988
    assert "is used again" in command("restore", "previous")[1]
    assert hidden() == 989
    assert command("restore", "shipped")[0] == 0
    assert hidden() == SHIPPED_HIDDEN
    command("restore", "previous")
    assert hidden() == 989


def test_nothing_to_restore_is_told(command):
    code, says = command("restore", "previous")
    assert (code, "no network was installed yet" in says) == (2, True)
    assert command("restore", "shipped")[0] == 0


def test_a_shipped_network_that_was_overwritten_is_not_called_shipped(
    command, tmp_path, monkeypatch
):
    weights.save(MLP((990,)), tmp_path / "weights", PROVENANCE, THRESHOLDS)
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "weights")
    code, says = command("restore", "shipped")
    assert (code, f"git checkout -- {tmp_path / 'weights'}" in says) == (2, True)


@pytest.fixture
def shipped():
    return weights.load(ROOT / "weights")


class Another(nn.Module):
    """The usual perceptron, with names of its own; "fc10" would come before "fc2"."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc10 = nn.Linear(784, 12), nn.Linear(12, 12), nn.Linear(12, 10)


def test_another_program_s_network_is_taken(tmp_path):
    torch.manual_seed(0)
    inputs, other = torch.rand(3, 784), Another()
    torch.save(other.state_dict(), tmp_path / "own.pt")
    (tmp_path / "pretrained").mkdir()
    save_file(other.state_dict(), tmp_path / "pretrained" / "model.safetensors")
    expected = other.fc10(other.fc2(other.fc1(inputs).relu()).relu()).log_softmax(1)
    for place in (tmp_path / "own.pt", tmp_path / "pretrained"):
        assert torch.allclose(import_state_dict.read_state_dict(place)(inputs), expected, atol=1e-6)
    ours = MLP((6, 5), batch_norm=True)
    torch.save(ours.state_dict(), tmp_path / "ours.pt")
    assert torch.equal(
        import_state_dict.read_state_dict(tmp_path / "ours.pt")(inputs), ours.eval()(inputs)
    )


def test_a_network_is_converted_with_thresholds_and_scores(command, shipped, tmp_path):
    model, config = shipped
    torch.save(model.state_dict(), tmp_path / "own.pt")
    code, says = command("convert", tmp_path / "own.pt", tmp_path / "made")
    assert code == 0
    assert "expect another input" not in says
    _, made = weights.load(tmp_path / "made")
    scores = made["provenance"]["scores"]
    assert scores["validation_accuracy"] > 0.98
    assert scores["test_accuracy"] > 0.98
    assert 0 < made["thresholds"]["digit"] <= 1
    assert made["thresholds"] != config["thresholds"]
    card = (tmp_path / "made" / "README.md").read_text()
    assert "not known: the network was converted from own.pt.\n" in card
    assert "MNIST (LeCun" not in card
    torch.save(MLP((4,)).state_dict(), tmp_path / "untrained.pt")
    assert (
        "expect another input" in command("convert", tmp_path / "untrained.pt", tmp_path / "m")[1]
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        (b"text", "can't be read, or holds more than tensors: save it with"),
        (nn.Linear(784, 10), "can't be read, or holds more than tensors"),
        ({"model": {}, "epoch": 3}, r"holds \['model', 'epoch'\]; expected a state dict"),
        (nn.Conv2d(1, 1, 3).state_dict(), "another architecture: it holds weight .1, 1, 3, 3."),
        (nn.Linear(784, 11).state_dict(), r"another architecture: it holds weight \[11, 784\]"),
        (nn.Linear(784, 10, bias=False).state_dict(), "each with weight and bias"),
        ({}, "another architecture"),
    ],
)
def test_what_can_not_be_converted_is_refused_with_the_reason(tmp_path, content, says):
    file = tmp_path / "own.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(UserError, match=says):
        import_state_dict.read_state_dict(file)


def test_a_file_that_would_run_something_is_refused_and_runs_nothing(tmp_path):
    class Touch:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"layers.0.weight": Touch()}, tmp_path / "own.pt")
    with pytest.raises(UserError, match="can't be read, or holds more than tensors"):
        import_state_dict.read_state_dict(tmp_path / "own.pt")
    assert not (tmp_path / "touched").exists()


def test_without_force_a_network_that_reads_less_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DRAW_A_DIGIT_HOME", str(tmp_path / "home"))
    torch.manual_seed(0)
    images = torch.randint(256, (1000, 28, 28), dtype=torch.uint8)
    better, worse = MLP((8,)).eval(), MLP((8,)).eval()
    for name, model in {"better": better, "worse": worse}.items():
        weights.save(model, tmp_path / name, PROVENANCE, THRESHOLDS)
    answers = predict(weights.load(tmp_path / "better")[0], images).argmax(1)
    finish.install(tmp_path / "better", (images, answers))
    with pytest.raises(UserError, match=r"100\.00%, which is over 0\.1 points more"):
        finish.install(tmp_path / "worse", (images, answers))
