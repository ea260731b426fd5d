"""Confidence that can be believed: temperature, calibration error and verdict thresholds.

All of it is chosen and measured on data held out of training, and knows
probabilities, not networks or files.
"""

import math

import torch
from torch.nn import functional as F

from mnist_core.tables import table, wilson_interval

# Of the answers called sure on held-out digits, at most this share may be wrong.
WRONG_WHEN_SURE = 0.003
# Of the held-out digits, this share may be taken for no digit.
DIGITS_REJECTED = 0.005
BINS = 15  # of confidence, to measure the calibration error


def fit_temperature(log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature that makes (N, 10) scores most probable of (N,) labels.

    Dividing scores by it changes no answer, only how sure it is (Guo et al., "On
    Calibration of Modern Neural Networks", 2017). Found to 0.01 between 0.5 and 2.
    """
    candidates = torch.arange(0.5, 2.0, 0.01)
    losses = [F.cross_entropy(log_probabilities / candidate, labels) for candidate in candidates]
    return round(float(candidates[torch.stack(losses).argmin()]), 2)


def expected_calibration_error(probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """How far confidence is from accuracy on average, in [0, 1]; (N, 10) and (N,).

    Answers are put into bins of equal width by their confidence; each bin's gap counts
    by its number of answers (Guo et al., 2017).
    """
    confidence, answers = probabilities.double().max(1)
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = torch.bincount(bins, weights=confidence - (answers == labels).double())
    return gaps.abs().sum().item() / len(labels)


def choose_thresholds(probabilities: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """Where an answer becomes sure and where a drawing stops being a digit, from (N, 10) and (N,).

    "digit": the least that the two leading digits must have together. "sure": the
    least lead of the first over the second. See the shares at the top of this module.
    """
    leading = probabilities.topk(2, dim=1).values  # (N, 2)
    digit = float(leading.sum(1).quantile(DIGITS_REJECTED))
    lead, order = (leading[:, 0] - leading[:, 1]).sort(descending=True)
    wrong = (probabilities.argmax(1) != labels)[order].cumsum(0)
    allowed = wrong <= WRONG_WHEN_SURE * torch.arange(1, len(wrong) + 1)
    last = int(allowed.nonzero().max()) if allowed.any() else 0
    # Rounded to the side that keeps the shares.
    return {"digit": math.floor(1000 * digit) / 1000, "sure": math.ceil(1000 * lead[last]) / 1000}


VERDICTS = ("no digit", "unsure", "sure")


def verdicts(probabilities: torch.Tensor, thresholds: dict[str, float]) -> torch.Tensor:
    """(N, 10) probabilities -> (N,) places in VERDICTS."""
    first, second = probabilities.topk(2, dim=1).values.T
    digit = first + second >= thresholds["digit"]
    return digit.long() + (digit & (first - second >= thresholds["sure"]))


def separation(digits: torch.Tensor, others: torch.Tensor) -> tuple[float, float]:
    """How far the two leading digits' sum tells (N, 10) digits from (M, 10) others.

    The area under the ROC curve, and the share of the others that pass where 95 % of the digits do.
    """
    digits, others = (rows.double().topk(2, dim=1).values.sum(1) for rows in (digits, others))
    ranked = others.sort().values
    below, not_above = (torch.searchsorted(ranked, digits, right=side) for side in (False, True))
    area = (below + not_above).double().mean() / 2 / len(others)
    passed = (others >= digits.quantile(0.05)).double().mean()
    return area.item(), passed.item()


def accuracy_table(answers: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> str:
    """A row for each name's (N, 10) probabilities and (N,) labels: how many are read right."""
    rows = []
    for name, (probabilities, labels) in answers.items():
        right, count = int((probabilities.argmax(1) == labels).sum()), len(labels)
        low, high = wilson_interval(right, count)
        error = expected_calibration_error(probabilities, labels)
        interval = f"{low:.2%} to {high:.2%}"
        rows.append((name, f"{right / count:.2%}", interval, right, count, f"{error:.2%}"))
    header = ("drawings or pictures", "accuracy", "95 % interval", "right", "of")
    return table((*header, "calibration error"), rows)
