"""A small training of `best` and a fine-tuning end as they did when their golden file was made.

After a change that is meant: python -m tests.golden_learning.train
"""

import json

import pytest

from tests.golden_learning.train import FILE, machine, outcomes

GOLDEN = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def made():
    return outcomes()


def to_four_places(expected):
    return pytest.approx(expected, rel=0, abs=1e-4)


def to_three_places(expected):
    """For a rounded network: another processor may round a weight to the step beside it."""
    return pytest.approx(expected, rel=0, abs=1e-3)


def test_the_losses_of_three_epochs_of_best_are_the_golden_ones(made):
    found, golden = made["training"], GOLDEN["training"]
    assert len(found["epochs"]) == 3
    for epoch, expected in zip(found["epochs"], golden["epochs"], strict=True):
        assert epoch == to_four_places(expected)
    assert found["kept"].keys() == golden["kept"].keys()
    for name, expected in golden["kept"].items():
        assert found["kept"][name] == to_three_places(expected), name


def test_what_is_calibrated_on_held_out_digits_is_the_golden_one(made):
    assert made["calibration"] == to_three_places(GOLDEN["calibration"])


def test_the_losses_around_a_fine_tuning_are_the_golden_ones(made):
    found, golden = made["finetuning"]["losses"], GOLDEN["finetuning"]["losses"]
    assert found.keys() == golden.keys()
    for name, expected in golden.items():
        assert found[name] == to_three_places(expected), name
    before, after = found["corrections"]
    assert after < before


@pytest.mark.parametrize("which", ["training", "finetuning"])
def test_the_weights_are_the_golden_ones_to_the_bit(made, which):
    if machine() != GOLDEN["machine"]:
        pytest.skip(f"rounds otherwise: {machine()}, not {GOLDEN['machine']}")
    assert made[which]["checksum"] == GOLDEN[which]["checksum"]
