"""scripts/weights.py: install unless less accurate, restore, convert other programs' networks."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.import_state_dict import read_state_dict
from mnist_core.network.model import MLP
from mnist_core.training import data, finish
from scripts import weights as script
from tests.conftest import ROOT
from tests.small_training import load_few
from tests.test_weights import PROVENANCE, THRESHOLDS

SHIPPED_HIDDEN = 1000  # units of the shipped network's first layer


@pytest.fixture
def command(monkeypatch, capsys, home):
    """Call weights.py's main in this process; returns the exit code and what was printed."""
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
def network(monkeypatch, tmp_path):
    """Save a network whose accuracy is its hidden units / 1000."""
    monkeypatch.setattr(finish, "evaluate", lambda model, _: (0, model.hidden[0] / 1000))

    def save(units: int, first: int | None = None) -> Path:
        parent = {"parent": {"validation_accuracy": first / 1000}} if first else {}
        weights.save(MLP((units,)), tmp_path / f"{units}-{first}", PROVENANCE | parent, THRESHOLDS)
        return tmp_path / f"{units}-{first}"

    return save


def hidden() -> int:
    return weights.load()[0].hidden[0]


def test_a_less_accurate_network_is_not_installed(command, network, tmp_path):
    assert command("install", network(990))[0] == 4  # the shipped one is compared, too
    assert hidden() == SHIPPED_HIDDEN
    assert command("install", "--force", network(990))[0] == 0
    code, printed = command("install", network(988))
    assert (code, hidden()) == (4, 990)
    assert "98.80%" in printed and "99.00%" in printed
    assert f"install --force {tmp_path}" in printed
    assert command("install", network(989))[0] == 0  # a drop of exactly 0.1 points is allowed
    assert hidden() == 989


def test_many_small_drops_of_fine_tuning_add_up(command, network):
    command("install", "--force", network(989))
    code, printed = command("install", network(988, first=990))
    assert (code, hidden()) == (4, 989)
    assert "corrections began with 99.00%" in printed
    assert command("install", "--force", network(988, first=990))[0] == 0
    assert hidden() == 988


def test_the_previous_and_the_shipped_network_are_restored(command, network):
    code, printed = command("restore", "previous")
    assert (code, "no network was installed yet" in printed) == (2, True)
    for units in (990, 980):
        command("install", "--force", network(units))
    assert "is in use again" in command("restore", "previous")[1]
    assert hidden() == 990
    assert command("restore", "shipped")[0] == 0
    assert hidden() == SHIPPED_HIDDEN


def test_a_changed_weights_folder_is_not_called_shipped(command, tmp_path, monkeypatch):
    weights.save(MLP((990,)), tmp_path / "weights", PROVENANCE, THRESHOLDS)
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "weights")
    code, printed = command("restore", "shipped")
    assert (code, f"git checkout -- {tmp_path / 'weights'}" in printed) == (2, True)


# Other programs' networks ----------------------------------------------------


class Other(nn.Module):
    """The usual perceptron with other names; by letters "fc10" would come before "fc2"."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc10 = nn.Linear(784, 12), nn.Linear(12, 12), nn.Linear(12, 10)


def test_another_program_s_network_is_read(tmp_path):
    torch.manual_seed(0)
    inputs, other = torch.rand(3, 784), Other()
    torch.save(other.state_dict(), tmp_path / "own.pt")
    (tmp_path / "pretrained").mkdir()
    save_file(other.state_dict(), tmp_path / "pretrained" / "model.safetensors")
    expected = other.fc10(other.fc2(other.fc1(inputs).relu()).relu()).log_softmax(1)
    for place in (tmp_path / "own.pt", tmp_path / "pretrained"):
        assert torch.allclose(read_state_dict(place)(inputs), expected, atol=1e-6)
    ours = MLP((6, 5), batch_norm=True)
    torch.save(ours.state_dict(), tmp_path / "ours.pt")
    assert torch.equal(read_state_dict(tmp_path / "ours.pt")(inputs), ours.eval()(inputs))


def test_a_network_is_converted_with_thresholds_and_scores(command, tmp_path):
    model, config = weights.load(ROOT / "weights")
    torch.save(model.state_dict(), tmp_path / "own.pt")
    code, printed = command("convert", tmp_path / "own.pt", tmp_path / "made")
    assert (code, "another input" in printed) == (0, False)
    _, made = weights.load(tmp_path / "made")
    scores = made["provenance"]["scores"]
    assert min(scores["validation_accuracy"], scores["test_accuracy"]) > 0.98
    assert 0 < made["thresholds"]["digit"] <= 1
    assert made["thresholds"] != config["thresholds"]
    card = (tmp_path / "made" / "README.md").read_text()
    assert "not known: the network was converted from own.pt.\n" in card
    assert "MNIST (LeCun" not in card
    torch.save(MLP((4,)).state_dict(), tmp_path / "untrained.pt")
    assert "another input" in command("convert", tmp_path / "untrained.pt", tmp_path / "m")[1]


class Touch:
    """Unpickling it would create a file."""

    def __reduce__(self):
        return (Path.touch, (Path("touched"),))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        (nn.Linear(784, 10), "can't be read, or holds more than tensors"),
        ({"layers.0.weight": Touch()}, "can't be read, or holds more than tensors"),
        ({"model": {}, "epoch": 3}, r"holds \['model', 'epoch'\]; expected names and tensors"),
        (nn.Conv2d(1, 1, 3).state_dict(), r"another architecture, weight \[1, 1, 3, 3\]"),
        ({}, "another architecture"),
    ],
)
def test_what_is_no_such_network_is_refused(tmp_path, monkeypatch, content, says):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        torch.save(content, "own.pt")
    with pytest.raises(UserError, match=says):
        read_state_dict(tmp_path / "own.pt")
    assert not Path("touched").exists()
