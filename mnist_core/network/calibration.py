"""Calibration: temperature, calibration error and the thresholds of the verdicts.

The data must be held out of training.
"""

import math

import torch
from torch.nn import functional as F

from mnist_core.tables import table, wilson_interval

MAX_WRONG_WHEN_SURE = 0.003  # share of wrong answers among the sure ones, on held-out digits
MAX_DIGITS_REJECTED = 0.005  # share of held-out digits that are called no digit
BINS = 15  # of confidence, for the calibration error
VERDICTS = ("no digit", "unsure", "sure")


def fit_temperature(log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """Find the temperature, 0.5 to 2.0 in steps of 0.01, with the least loss on (N, 10) and (N,).

    Dividing scores by it changes the confidence of an answer, never the answer (Guo et al., "On
    Calibration of Modern Neural Networks", 2017).
    """
    candidates = torch.arange(0.5, 2.0, 0.01)
    losses = [F.cross_entropy(log_probabilities / candidate, labels) for candidate in candidates]
    return round(float(candidates[torch.stack(losses).argmin()]), 2)


def expected_calibration_error(probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """The mean gap between confidence and accuracy, in [0, 1], for (N, 10) and (N,).

    Answers are grouped by confidence into bins of equal width, and a bin's gap is weighted by its
    number of answers (Guo et al., 2017).
    """
    confidence, answers = probabilities.double().max(1)
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = torch.bincount(bins, weights=confidence - (answers == labels).double())
    return gaps.abs().sum().item() / len(labels)


def choose_thresholds(probabilities: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Choose the verdicts' thresholds on the (N, 10) probabilities and (N,) labels of digits.

    "digit": the least sum of the two largest probabilities. "sure": the least difference between
    them. Both are rounded to 0.001, so that the two shares above are not exceeded.
    """
    largest = probabilities.topk(2, dim=1).values  # (N, 2)
    digit = float(largest.sum(1).quantile(MAX_DIGITS_REJECTED))
    lead, order = (largest[:, 0] - largest[:, 1]).sort(descending=True)
    wrong = (probabilities.argmax(1) != labels)[order].cumsum(0)
    allowed = wrong <= MAX_WRONG_WHEN_SURE * torch.arange(1, len(wrong) + 1)
    last = int(allowed.nonzero().max()) if allowed.any() else 0
    return {"digit": math.floor(1000 * digit) / 1000, "sure": math.ceil(1000 * lead[last]) / 1000}


def verdicts(probabilities: torch.Tensor, thresholds: dict[str, float]) -> torch.Tensor:
    """(N, 10) probabilities -> (N,) indices into VERDICTS."""
    first, second = probabilities.topk(2, dim=1).values.T
    digit = first + second >= thresholds["digit"]
    return digit.long() + (digit & (first - second >= thresholds["sure"]))


def separation(digits: torch.Tensor, others: torch.Tensor) -> tuple[float, float]:
    """Measure how well the sum of the two largest probabilities separates digits from others.

    Takes (N, 10) and (M, 10) probabilities. Returns the area under the ROC curve, and the share of
    others that pass the threshold which 95 % of the digits pass.
    """
    digits, others = (rows.double().topk(2, dim=1).values.sum(1) for rows in (digits, others))
    ranked = others.sort().values
    below, not_above = (torch.searchsorted(ranked, digits, right=side) for side in (False, True))
    area = (below + not_above).double().mean() / 2 / len(others)
    accepted = (others >= digits.quantile(0.05)).double().mean()
    return area.item(), accepted.item()


def accuracy_table(answers: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> str:
    """A Markdown table with a row for each name's (N, 10) probabilities and (N,) labels."""
    rows = []
    for name, (probabilities, labels) in answers.items():
        right, count = int((probabilities.argmax(1) == labels).sum()), len(labels)
        low, high = wilson_interval(right, count)
        error = expected_calibration_error(probabilities, labels)
        interval = f"{low:.2%} to {high:.2%}"
        rows.append((name, f"{right / count:.2%}", interval, right, count, f"{error:.2%}"))
    header = ("drawings or pictures", "accuracy", "95 % interval", "right", "of")
    return table((*header, "calibration error"), rows)
