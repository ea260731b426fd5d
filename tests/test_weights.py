"""Networks are saved whole, in one file, loaded with care, and installed beside the shipped one."""

import json
import os
import subprocess

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

from mnist_core import Recognizer, paths
from mnist_core.errors import UserError
from mnist_core.network import MAX_WIDTH, weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from tests.conftest import ROOT

PROVENANCE = {
    "data": "a test's",
    "recipe": {"name": "none"},
    "seed": 3,
    "scores": {"test_accuracy": 0.123},
    "date": "2001-02-03",
    "versions": {"torch": "1"},
}
THRESHOLDS = {"digit": 0.8, "sure": 0.4}
CONFIG = {"hidden": [6, 5], "thresholds": THRESHOLDS, "provenance": PROVENANCE}
INPUTS = torch.rand(4, 784, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = quantize(MLP((6, 5)))
    weights.save(model, tmp_path / "w", PROVENANCE, THRESHOLDS)
    return model, tmp_path / "w"


def test_a_network_comes_back_as_it_was(saved):
    model, directory = saved
    (directory / "README.md").unlink()  # nothing reads the card
    loaded, config = weights.load(directory)
    assert torch.equal(loaded(INPUTS), model(INPUTS))
    assert not loaded.training
    assert config == CONFIG | {"name": config["name"]}


def test_a_network_of_an_earlier_release_is_quantized_when_loaded(tmp_path):
    model = MLP((6, 5))
    weights.save(model, tmp_path, PROVENANCE, THRESHOLDS)
    assert torch.equal(weights.load(tmp_path)[0](INPUTS), quantize(model)(INPUTS))
    assert not torch.equal(quantize(model)(INPUTS), model(INPUTS))


def test_the_name_is_of_weights_and_config(saved):
    model, directory = saved
    name = weights.load(directory)[1]["name"]
    weights.save(model, directory, PROVENANCE, THRESHOLDS)
    assert weights.load(directory)[1]["name"] == name
    weights.save(model, directory, PROVENANCE, {**THRESHOLDS, "sure": 0.5})
    assert weights.load(directory)[1]["name"] != name


def test_the_card_has_origin_sources_and_the_hub_s_metadata(tmp_path):
    more = {"files": ["pendigits-train.jsonl.gz"], "command": "python x.py"}
    weights.save(MLP((6, 5)), tmp_path, PROVENANCE | more, THRESHOLDS)
    card = (tmp_path / "README.md").read_text()
    for fact in (
        "784 -> 6 -> 5 -> 10", "a test's", "Seed 3", "| test accuracy | 0.123 |", "at least 40.0%",
        "less than\n80.0%", "Made by `python x.py`.", "- MNIST (", "- UCI pen digits",
    ):  # fmt: skip
        assert fact in card
    assert "UNIPEN" not in card
    data = ModelCard(card).data
    assert (data.license, data.pipeline_tag) == ("cc-by-4.0", "image-classification")
    (result,) = data.eval_results
    assert (result.dataset_name, result.dataset_split) == ("MNIST", "test")
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.123)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.unlink(), r"model\.safetensors is missing\. Train a network"),
        (lambda file: os.truncate(file, 300 * 10**9), "300,000,000,000 bytes; expected at"),
        (lambda file: file.write_bytes(file.read_bytes()[:-100]), "damaged.*Train a network"),
    ],
    ids=["missing", "large", "truncated"],
)  # fmt: skip
def test_a_file_that_is_no_network_is_refused(saved, change, says):
    change(saved[1] / "model.safetensors")
    with pytest.raises(UserError, match=says):
        weights.load(saved[1])


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (None, "no config.*convert it"),
        ("[" * 10_000, "no config.*convert it"),
        (CONFIG | {"hidden": [0]}, '"hidden" .0.; expected a list of layer sizes'),
        (CONFIG | {"hidden": [MAX_WIDTH + 1]}, '"hidden"'),
        (CONFIG | {"thresholds": None}, 'no "thresholds"'),
        (CONFIG | {"thresholds": {"digit": 0.8, "sure": 2}}, 'no "thresholds"'),
        (CONFIG | {"provenance": []}, 'no "provenance" with data, recipe'),
        (CONFIG | {"hidden": [6, 4]}, r"does not fit the hidden sizes \[6, 4\]"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(saved, config, says):
    file = saved[1] / "model.safetensors"
    text = json.dumps(config) if isinstance(config, dict) else config
    save_file(load_file(file), file, None if text is None else {"config": text})
    with pytest.raises(UserError, match=says):
        weights.load(saved[1])


# The installed network -------------------------------------------------------


def seed() -> int | None:
    """Which of the tests' networks is in use; None for the shipped one."""
    config = weights.load()[1]
    return None if config["name"] == weights.SHIPPED_NAME else config["provenance"]["seed"]


def test_the_code_knows_the_name_of_the_shipped_network():
    """Whoever ships another network changes `SHIPPED_NAME`."""
    assert weights.load(ROOT / "weights")[1]["name"] == weights.SHIPPED_NAME


def test_installing_keeps_the_network_before_and_never_touches_the_shipped_one(home, tmp_path):
    networks = [tmp_path / str(number) for number in range(3)]
    for number, directory in enumerate(networks):
        weights.save(MLP(()), directory, PROVENANCE | {"seed": number}, THRESHOLDS)
    previous = home / "installed" / weights.PREVIOUS
    assert seed() is None
    weights.install(networks[0])
    assert seed() == 0
    assert weights.load(previous)[1]["name"] == weights.SHIPPED_NAME
    for number in (1, 2, 2):  # installing the same again keeps the one before
        weights.install(networks[number])
    assert (seed(), weights.load(previous)[1]["provenance"]["seed"]) == (2, 1)
    weights.install(previous)
    assert (seed(), weights.load(previous)[1]["provenance"]["seed"]) == (1, 2)
    assert Recognizer.load().model.hidden == ()
    weights.install(weights.SHIPPED)
    assert (seed(), weights.load(previous)[1]["provenance"]["seed"]) == (None, 1)
    assert sorted(file.name for file in (home / "installed").iterdir()) == [weights.PREVIOUS]
    weights.install(previous)
    assert seed() == 1


def test_what_a_user_s_commands_write_is_ignored_by_git(monkeypatch, tmp_path):
    monkeypatch.setenv("DRAW_A_DIGIT_HOME", str(tmp_path))
    places = (paths.installed(), paths.runs(), paths.corrections())
    assert places == tuple(
        tmp_path / name for name in ("installed", "runs", "data/corrections.sqlite")
    )
    monkeypatch.delenv("DRAW_A_DIGIT_HOME")
    files = [paths.installed() / "model.safetensors", paths.runs() / "a", paths.corrections()]
    ignored = subprocess.check_output(["git", "check-ignore", *files], cwd=ROOT, text=True)
    assert ignored.split() == [str(file) for file in files]
