"""Networks are saved whole and loaded with care."""

import json

import pytest
import torch

from mnist_core import weights
from mnist_core.model import MLP

PROVENANCE = {
    "data": "a test's",
    "recipe": {"name": "none"},
    "seed": 3,
    "scores": {"test_accuracy": 0.123},
    "date": "2001-02-03",
    "versions": {"torch": "1"},
}
THRESHOLDS = {"digit": 0.8, "sure": 0.4}


@pytest.fixture
def saved(tmp_path):
    model = MLP((6, 5))
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
    assert sorted(file.name for file in directory.iterdir()) == [
        "README.md", "config.json", "model.safetensors",
    ]  # fmt: skip


def test_the_layout_is_the_hub_s_own(saved):
    model, directory = saved
    inputs = torch.rand(4, 784)
    assert torch.equal(MLP.from_pretrained(directory, strict=True)(inputs), model(inputs))


def test_the_card_says_where_the_network_came_from(saved):
    card = (saved[1] / "README.md").read_text()
    for fact in ("784 -> 6 -> 5 -> 10", "a test's", "Seed 3", "| test accuracy | 0.123 |", "80.0%"):
        assert fact in card


def test_an_interrupted_save_leaves_the_old_network(saved, monkeypatch):
    model, directory = saved

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(MLP, "_save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        weights.save(MLP((6, 5)), directory, PROVENANCE, THRESHOLDS)
    loaded, _ = weights.load(directory)
    inputs = torch.rand(4, 784)
    assert torch.equal(loaded(inputs), model(inputs))


def test_a_disk_that_is_full_leaves_the_old_network(saved):
    resource = pytest.importorskip("resource")
    model, directory = saved
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # no longer file can be written
    try:
        with pytest.raises(OSError, match="can't be written"):
            weights.save(MLP((6, 5)), directory, PROVENANCE, THRESHOLDS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    inputs = torch.rand(4, 784)
    assert torch.equal(weights.load(directory)[0](inputs), model(inputs))


def test_others_may_read_what_was_saved(saved):
    modes = {file.stat().st_mode for file in saved[1].iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named_with_its_remedy(saved, name):
    (saved[1] / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name} is missing.*scripts/train.py"):
        weights.load(saved[1])


def test_truncated_weights_are_refused(saved):
    file = saved[1] / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"damaged.*scripts/train.py"):
        weights.load(saved[1])


@pytest.mark.parametrize(
    "config",
    ["", "[]", "{}", '{"hidden": 3}', '{"hidden": [0]}', '{"hidden": ["6"]}', "\xff",
     '{"hidden": [999999999]}', '{"hidden": [6, 5]}',
     '{"hidden": [6, 5], "thresholds": {"digit": "0.8", "sure": 0}}',
     json.dumps({"hidden": [1] * 99})],
)  # fmt: skip
def test_a_foreign_config_is_refused(saved, config):
    (saved[1] / "config.json").write_text(config, encoding="latin-1")
    with pytest.raises(ValueError, match=r"config.json .*scripts/train.py"):
        weights.load(saved[1])


def test_layer_sizes_that_do_not_fit_are_refused(saved):
    (saved[1] / "config.json").write_text(json.dumps({"hidden": [6, 4], "thresholds": THRESHOLDS}))
    with pytest.raises(ValueError, match=r"does not fit the hidden sizes \[6, 4\]"):
        weights.load(saved[1])
