"""Networks are saved whole, in one file, and loaded with care."""

import json
import os
import struct
from itertools import pairwise

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

from mnist_core.errors import UserError
from mnist_core.network import MAX_LAYERS, MAX_WIDTH, weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize

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


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = quantize(MLP((6, 5)))
    weights.save(model, tmp_path / "w", PROVENANCE, THRESHOLDS)
    return model, tmp_path / "w"


def test_a_network_comes_back_as_it_was(saved):
    model, directory = saved
    loaded, config = weights.load(directory)
    inputs = torch.rand(4, 784)
    assert torch.equal(loaded(inputs), model(inputs))
    assert loaded.hidden == (6, 5)
    assert config["provenance"] == PROVENANCE
    assert config["thresholds"] == THRESHOLDS
    assert sorted(file.name for file in directory.iterdir()) == sorted(weights.FILES)


def test_the_one_file_is_enough(saved, tmp_path):
    model, directory = saved
    alone = tmp_path / "alone"
    alone.mkdir()
    (directory / weights.MODEL_FILE).rename(alone / weights.MODEL_FILE)
    inputs = torch.rand(4, 784)
    assert torch.equal(weights.load(alone)[0](inputs), model(inputs))


def test_a_network_has_a_name_of_its_own(saved):
    model, directory = saved
    name = weights.load(directory)[1]["name"]
    weights.save(model, directory, PROVENANCE, THRESHOLDS)
    assert weights.load(directory)[1]["name"] == name
    weights.save(model, directory, PROVENANCE, {**THRESHOLDS, "sure": 0.5})
    assert weights.load(directory)[1]["name"] != name


def test_the_card_says_where_the_network_came_from(saved):
    card = (saved[1] / "README.md").read_text()
    for fact in ("784 -> 6 -> 5 -> 10", "a test's", "Seed 3", "| test accuracy | 0.123 |", "80.0%"):
        assert fact in card


def test_the_hub_reads_the_card_s_licence_and_results(saved):
    card = ModelCard.load(saved[1] / "README.md")
    assert card.data.license == "cc-by-4.0"
    assert card.data.pipeline_tag == "image-classification"
    (result,) = card.data.eval_results
    assert (result.dataset_name, result.dataset_split) == ("MNIST", "test")
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.123)


def test_the_card_names_the_sources_of_its_files_and_the_command(tmp_path):
    provenance = PROVENANCE | {"files": ["pendigits-train.jsonl.gz"], "command": "python x.py"}
    weights.save(MLP((6, 5)), tmp_path, provenance, THRESHOLDS)
    card = (tmp_path / "README.md").read_text()
    assert "Made by `python x.py`." in card
    assert all(source in card for source in ("MNIST (", "UCI pen digits", "## Use and limits"))
    assert "UNIPEN" not in card


def test_an_interrupted_save_leaves_the_old_network(saved, monkeypatch):
    model, directory = saved

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mnist_core.files.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        weights.save(MLP((6, 5)), directory, PROVENANCE, THRESHOLDS)
    loaded, _ = weights.load(directory)
    inputs = torch.rand(4, 784)
    assert torch.equal(loaded(inputs), model(inputs))
    assert sorted(file.name for file in directory.iterdir()) == sorted(weights.FILES)


def test_others_may_read_what_was_saved(saved):
    modes = {file.stat().st_mode for file in saved[1].iterdir()}
    assert len(modes) == 1


def test_a_missing_file_is_named_with_its_remedy(saved):
    (saved[1] / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"model\.safetensors is missing.*scripts/train\.py"):
        weights.load(saved[1])


def test_a_file_that_cannot_be_read_is_named(saved):
    (saved[1] / "model.safetensors").unlink()
    (saved[1] / "model.safetensors").mkdir()
    with pytest.raises(UserError, match=r"model\.safetensors can't be read"):
        weights.load(saved[1])


@pytest.mark.parametrize("kind", ["F8_E8M0", "F4", "F6_E2M3"])
def test_a_tensor_type_that_is_not_known_is_refused(saved, kind):
    file = saved[1] / "model.safetensors"
    length = {"F8_E8M0": 8, "F4": 4, "F6_E2M3": 6}[kind]
    header = json.dumps({"x": {"dtype": kind, "shape": [8], "data_offsets": [0, length]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(length))
    with pytest.raises(UserError, match=rf"unknown type \('{kind}'\)\. Train a network with"):
        weights.load(saved[1])


def test_a_file_of_300_gb_is_refused_unread(saved):
    file = saved[1] / "model.safetensors"
    os.truncate(file, 300 * 10**9)
    with pytest.raises(UserError, match="300,000,000,000 bytes; expected at most 536,870,912"):
        weights.load(saved[1])


def test_the_largest_network_that_is_allowed_may_be_loaded():
    widths = [784, *[MAX_WIDTH] * MAX_LAYERS, 10]
    numbers = sum((a + 1) * b for a, b in pairwise(widths))
    assert 4 * numbers < weights.MAX_BYTES


def test_a_file_that_memory_cannot_hold_is_refused(saved, monkeypatch):
    def fail(_) -> None:
        raise MemoryError

    monkeypatch.setattr(weights, "load_tensors", fail)
    with pytest.raises(UserError, match=r"not enough memory to read .*model\.safetensors"):
        weights.load(saved[1])


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_truncated_weights_are_refused(saved, content):
    file = saved[1] / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100] if content is None else content)
    with pytest.raises(UserError, match=r"damaged.*scripts/train.py"):
        weights.load(saved[1])


def with_config(directory, config: str | None) -> None:
    """Write the same tensors with another config, or with none."""
    file = directory / "model.safetensors"
    tensors = load_file(file)
    save_file(tensors, file, None if config is None else {"config": config})


@pytest.mark.parametrize("config", [None, "", "[" * 10_000])
def test_another_program_s_network_is_refused_with_the_command_that_converts_it(saved, config):
    with_config(saved[1], config)
    command = f"python scripts/weights.py convert {saved[1]} runs/mine"
    with pytest.raises(UserError, match=f"carries no config.*{command}"):
        weights.load(saved[1])
    with pytest.raises(UserError, match=r"is a file; expected a folder.*weights\.py convert"):
        weights.load(saved[1] / "model.safetensors")


def test_a_provenance_that_lacks_something_is_not_saved(tmp_path):
    lacking = {key: PROVENANCE[key] for key in ("data", "recipe", "date", "scores")}
    with pytest.raises(UserError, match=r'no "provenance" with seed, versions$'):
        weights.save(MLP((6, 5)), tmp_path / "w", lacking, THRESHOLDS)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("[]", '"hidden" is None'),
        (json.dumps({**CONFIG, "hidden": 3}), '"hidden" is 3'),
        (json.dumps({**CONFIG, "hidden": [0]}), '"hidden" is'),
        (json.dumps({**CONFIG, "hidden": ["6"]}), '"hidden" is'),
        (json.dumps({**CONFIG, "hidden": [True]}), '"hidden" is'),
        (json.dumps({**CONFIG, "hidden": [4097]}), '"hidden" is'),
        (json.dumps({**CONFIG, "hidden": [1] * 9}), '"hidden" is'),
        (json.dumps({**CONFIG, "thresholds": None}), 'no "thresholds"'),
        (json.dumps({**CONFIG, "thresholds": {"digit": "0.8", "sure": 0}}), 'no "thresholds"'),
        (json.dumps({**CONFIG, "thresholds": {"digit": 2, "sure": 0}}), 'no "thresholds"'),
        (json.dumps({**CONFIG, "provenance": {}}), 'no "provenance" with data, recipe'),
        (json.dumps({**CONFIG, "provenance": []}), 'no "provenance" with data, recipe'),
        (json.dumps({"hidden": [6, 5], "thresholds": THRESHOLDS}), 'no "provenance"'),
        (json.dumps({**CONFIG, "hidden": [6, 4]}), r"does not fit the hidden sizes \[6, 4\]"),
    ],
)  # fmt: skip
def test_a_foreign_config_is_refused(saved, config, says):
    with_config(saved[1], config)
    with pytest.raises(UserError, match=f"{says}.*scripts/train.py"):
        weights.load(saved[1])


def test_eight_hidden_layers_are_saved_and_loaded_and_nine_are_refused(tmp_path):
    torch.manual_seed(0)
    weights.save(MLP((3,) * 8).eval(), tmp_path, PROVENANCE, THRESHOLDS)
    assert weights.load(tmp_path)[0].hidden == (3,) * 8
    with pytest.raises(UserError, match="hidden"):
        weights.save(MLP((3,) * 9).eval(), tmp_path, PROVENANCE, THRESHOLDS)
