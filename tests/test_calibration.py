"""Calibration figures worked by hand."""

import pytest
import torch

from mnist_core.network.calibration import (
    VERDICTS,
    choose_thresholds,
    expected_calibration_error,
    fit_temperature,
    separation,
    verdicts,
)


def answers(*confidences: float) -> torch.Tensor:
    """Rows that give the first digit `confidence` and the second the rest."""
    rows = torch.zeros(len(confidences), 10)
    rows[:, 0] = torch.tensor(confidences)
    rows[:, 1] = 1 - rows[:, 0]
    return rows


def test_calibration_error():
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


def test_thresholds():
    # 990 sure and right, ten close calls that are all wrong. Three errors in 1,000 may be called
    # sure: after the second there are 992 answers, after the third too few, 993.
    close = [0.6 + 0.001 * i for i in range(10)]
    probabilities = answers(*[0.99] * 990, *close)
    labels = torch.tensor([0] * 990 + [1] * 10)
    thresholds = choose_thresholds(probabilities, labels)
    assert thresholds["digit"] == pytest.approx(1)
    assert thresholds["sure"] == pytest.approx(0.608 - 0.392, abs=1.1e-3)


def test_the_digit_threshold_rejects_one_in_two_hundred():
    rows = torch.zeros(1001, 10)
    rows[:, 0] = torch.linspace(0.5, 1, 1001)
    assert choose_thresholds(rows, torch.zeros(1001).long())["digit"] == 0.502  # 0.5025 down


def test_if_all_are_wrong_only_the_surest_is_sure():
    probabilities, labels = answers(0.6, 0.8, 0.7), torch.tensor([1, 1, 1])
    assert choose_thresholds(probabilities, labels)["sure"] == pytest.approx(0.6, abs=1.1e-3)


def test_verdicts():
    rows = answers(0.9, 0.75, 0.7)  # leads of 0.8, 0.5 and 0.4
    rows = torch.cat([rows, torch.full((1, 10), 0.1)])
    assert verdicts(rows, {"digit": 0.5, "sure": 0.5}).tolist() == [2, 2, 1, 0]


def test_verdicts_are_those_of_the_recognizer(recognizer, mnist):
    thresholds = recognizer.config["thresholds"]
    generator = torch.Generator().manual_seed(0)
    grey = torch.randint(256, (100, 28, 28), dtype=torch.uint8, generator=generator)
    images = torch.cat([mnist[0][:500], grey])
    answers = [recognizer.predict_pixels(image) for image in images.numpy()]
    probabilities = torch.stack([torch.from_numpy(one.probabilities) for one in answers])
    found = [VERDICTS[index] for index in verdicts(probabilities, thresholds)]
    assert found == [one.verdict for one in answers]
    assert set(found) == set(VERDICTS)


def test_separation():
    def largest_two(*sums: float) -> torch.Tensor:
        rows = torch.zeros(len(sums), 10)
        rows[:, 0] = torch.tensor(sums)
        return rows

    # Of the eight pairs the digit has more in five, and as much in one.
    area, accepted = separation(largest_two(0.9, 0.8, 0.7, 0.6), largest_two(0.5, 0.8))
    assert area == pytest.approx(5.5 / 8)
    assert accepted == pytest.approx(0.5)
    assert separation(largest_two(0.9, 0.8), largest_two(0.1, 0.2, 0.3)) == (1, 0)
