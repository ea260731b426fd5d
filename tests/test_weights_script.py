"""scripts/weights.py: install unless less accurate, restore, convert other programs' networks."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mnist_core.drawing.framing import to_input
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.import_state_dict import (
    NORMALISATIONS,
    fold_normalisation,
    read_state_dict,
)
from mnist_core.network.model import MLP
from mnist_core.training import data, finish
from scripts import weights as script
from tests.conftest import ROOT, call
from tests.small_training import load_few
from tests.test_weights import PROVENANCE, THRESHOLDS

SHIPPED_HIDDEN = 1000  # units of the shipped network's first layer


@pytest.fixture
def command(monkeypatch, home):
    """Call weights.py in this process, on few images; returns the exit code and what it printed."""
    load_few(monkeypatch.setattr, 2000, data, finish)

    def command(*arguments: object) -> tuple[int, str]:
        done = call(script, *arguments)
        return done.returncode, done.stderr if done.returncode else done.stdout

    return command


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
    assert "before its first fine-tuning 99.00%" in printed
    assert command("install", "--force", network(988, first=990))[0] == 0
    assert hidden() == 988


def test_the_previous_and_the_shipped_network_are_restored(command, network):
    code, printed = command("restore", "previous")
    assert (code, "no network has been installed yet" in printed) == (2, True)
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


def network_of(*names: str, bias: bool = True) -> tuple[dict, MLP]:
    """A perceptron as a state dict whose layers have these names, and the same as an MLP."""
    torch.manual_seed(0)
    model = MLP((12,) * (len(names) - 1))
    linears = [layer for layer in model.layers if isinstance(layer, nn.Linear)]
    for layer in () if bias else linears:
        nn.init.zeros_(layer.bias)
    parts = ("weight", "bias") if bias else ("weight",)
    pairs = zip(names, linears, strict=True)
    return {f"{n}.{part}": getattr(one, part).data for n, one in pairs for part in parts}, model


# By letters hidden_layer would come before input_layer, and fc10, of the same shape, before fc2.
LAYERS = network_of("input_layer", "hidden_layer", "output_layer")
NUMBERED = network_of("fc1", "fc2", "fc10", "fc11")
OTHER = {
    "epoch": 3,
    "lr": [0.1],
    "optimizer_state": {"state": {0: {"exp_avg": torch.ones(10, 784)}}},
}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("own.pt", *NUMBERED),
        ("own.safetensors", *NUMBERED),
        ("own.safetensors", *LAYERS),
        ("own.pt", dict(reversed(LAYERS[0].items())), LAYERS[1]),
        ("own.pt", *network_of("a", "b", bias=False)),
        ("own.pt", {n.replace("l.weight", "W").replace("l.bias", "b"): t for n, t in
                    network_of("1.l", "2.l")[0].items()}, network_of("1.l", "2.l")[1]),
        ("own.pth", {**OTHER, "model_state_dict": LAYERS[0]}, LAYERS[1]),
        ("own.ckpt", {"state_dict": {f"model.{n}": t for n, t in LAYERS[0].items()}}, LAYERS[1]),
        ("own.pt", {"epoch": 3, **LAYERS[0]}, LAYERS[1]),
        ("pytorch_model.bin", *LAYERS),
    ],
)  # fmt: skip
def test_another_program_s_network_is_read(tmp_path, name, content, expected):
    save = save_file if name.endswith("safetensors") else torch.save
    save(content, tmp_path / name)
    inputs = torch.rand(3, 784)
    model = read_state_dict(tmp_path if name.endswith("bin") else tmp_path / name)
    assert torch.equal(model(inputs), expected(inputs))


def test_batch_normalisation_is_read(tmp_path):
    ours, inputs = MLP((6, 5), batch_norm=True), torch.rand(30, 784)
    ours(inputs)  # so that means and variances are not those of a new network
    torch.save(ours.state_dict(), tmp_path / "ours.pt")
    assert torch.equal(read_state_dict(tmp_path / "ours.pt")(inputs), ours.eval()(inputs))


@pytest.mark.parametrize("expected", NORMALISATIONS)
def test_the_normalisation_a_network_expects_becomes_part_of_it(mnist, expected):
    """The shipped network, made to expect it, reads plain pixels worse; folded, as before."""
    images, labels = mnist[0][:1000], mnist[1][:1000]
    mean, deviation = NORMALISATIONS[expected]
    shipped = weights.load(ROOT / "weights")[0]
    theirs = shipped.fused()
    with torch.no_grad():
        theirs.layers[0].bias += theirs.layers[0].weight.sum(1) * mean
        theirs.layers[0].weight *= deviation
    folded, name = fold_normalisation(theirs, images, labels)
    assert name == expected
    assert torch.allclose(folded(to_input(images)), shipped(to_input(images)), atol=1e-3)


def test_a_network_is_converted_with_thresholds_and_scores(command, tmp_path):
    model, config = weights.load(ROOT / "weights")
    with torch.no_grad():
        model.layers[0].bias += model.layers[0].weight.sum(1) * 0.5
        model.layers[0].weight *= 0.5
    torch.save({"state_dict": model.state_dict()}, tmp_path / "own.pt")
    code, printed = command("convert", tmp_path / "own.pt", tmp_path / "made")
    assert (code, "that is low" in printed) == (0, False)
    assert "it was trained on pixels from -1 to 1: its first layer now converts" in printed
    _, made = weights.load(tmp_path / "made")
    scores = made["provenance"]["scores"]
    assert min(scores["validation_accuracy"], scores["test_accuracy"]) > 0.98
    assert 0 < made["thresholds"]["digit"] <= 1
    assert made["thresholds"] != config["thresholds"]
    card = (tmp_path / "made" / "README.md").read_text()
    assert (
        "not known: the network was converted from own.pt, trained on pixels from -1 to 1.\n"
        in card
    )
    assert "MNIST (LeCun" not in card
    torch.save(MLP((4,)).state_dict(), tmp_path / "untrained.pt")
    assert "that is low" in command("convert", tmp_path / "untrained.pt", tmp_path / "m")[1]


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
        ([1], "holds a list; expected names and tensors: save it with"),
        (
            {"model": {}, "epoch": 3},
            r"holds no tensors in \['model', 'epoch'\]; expected the layers",
        ),
        ({"model": LAYERS[0], "ema": LAYERS[0]}, "several networks, in 'model', 'ema'; save one"),
        ({**LAYERS[0], "scale": torch.ones(3)}, "another architecture, input_layer.weight"),
        (MLP((3,) * 9).state_dict(), "another architecture"),
        (nn.Conv2d(1, 1, 3).state_dict(), r"another architecture, weight \[1, 1, 3, 3\]"),
        (nn.Linear(784, 11).state_dict(), r"another architecture, weight \[11, 784\]"),
        (
            {"a.weight": torch.ones(784, 10)},
            r"another architecture, a.weight \[784, 10\]; expected",
        ),
        ({}, "holds no tensors"),
    ],
)
def test_what_is_no_such_network_is_refused(tmp_path, monkeypatch, content, says):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        torch.save(content, "own.pt")
    with pytest.raises(UserError, match=says):
        read_state_dict(tmp_path / "own.pt")
    assert not Path("touched").exists()
