"""Calibration figures worked by hand."""

import pytest
import torch

from mnist_core.network.calibration import (
    choose_thresholds,
    expected_calibration_error,
    fit_temperature,
)


def answers(*confidences: float) -> torch.Tensor:
    """Rows that give the first digit `confidence` and the second the rest."""
    rows = torch.zeros(len(confidences), 10)
    rows[:, 0] = torch.tensor(confidences)
    rows[:, 1] = 1 - rows[:, 0]
    return rows


def test_calibration_error_worked_by_hand():
    # Two answers at 0.9, one right: a gap of 0.4. Two at 0.7, both right: 0.3. Half of each.
    probabilities = answers(0.9, 0.9, 0.7, 0.7)
    labels = torch.tensor([0, 1, 0, 0])
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.35, abs=1e-6)


def test_a_temperature_is_recovered():
    generator = torch.Generator().manual_seed(0)
    scores = 3 * torch.randn(20_000, 10, generator=generator)
    labels = scores.softmax(1).multinomial(1, generator=generator)[:, 0]
    assert fit_temperature(scores.log_softmax(1), labels) == pytest.approx(1, abs=0.03)
    assert fit_temperature(1.5 * scores, labels) == pytest.approx(1.5, abs=0.05)


def test_thresholds_worked_by_hand():
    # 990 sure and right, ten close calls that are all wrong. One error in 500 may be called sure:
    # after the first there are 991 answers, after the second too few, 992.
    close = [0.6 + 0.001 * i for i in range(10)]
    probabilities = answers(*[0.99] * 990, *close)
    labels = torch.tensor([0] * 990 + [1] * 10)
    thresholds = choose_thresholds(probabilities, labels)
    assert thresholds["digit"] == pytest.approx(1)
    assert thresholds["sure"] == pytest.approx(0.609 - 0.391, abs=1.1e-3)
