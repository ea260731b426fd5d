"""Fit the weights by which mnist_core/drawing/numbers.py divides a line into digits.

`python -m experiments.whole_numbers --fit` says how to run it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.written_numbers import Strokes
from mnist_core import Number, Recognizer
from mnist_core.drawing import numbers
from mnist_core.drawing.framing import frame_strokes, to_input
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.files import open_checked

FOLDS = 3
# How much a case counts, and where its loss is cut off, as what nobody could read must not decide.
KINDS = {"real": (3.0, 5.0), "made": (1.0, 5.0), "digit": (1.0, 5.0), "sign": (0.05, 15.0)}
NEVER = -1e4  # the logarithm of a probability of 0
WEIGHTS_BEFORE_FIT = [6.0, -6, -4, 0, 0, 6, -4, 0, -10, -3, -3, -3]


@dataclass(frozen=True)
class Case:
    """A drawing to fit to."""

    kind: str  # of KINDS
    digits: list[int] | None  # that were written; None for a sign that is no digit
    strokes: Strokes
    line: numbers.Line
    log_probabilities: torch.Tensor  # (spans, 10), what the network reads in each


def case_of(recognizer: Recognizer, kind: str, digits: list[int] | None, strokes: Strokes) -> Case:
    line = numbers.measure(strokes)
    images = [frame_strokes(numbers.drawn(strokes, line.group(span))) for span in line.spans]
    with torch.inference_mode():
        read = recognizer.model(to_input(torch.from_numpy(np.stack(images))))
    return Case(kind, digits, strokes, line, read)


def read_numbers(path: Path) -> list[tuple[str, list[int], Strokes]]:
    """Writer, digits and strokes of each line {"number": "42", "writer": ..., "strokes": ...}."""
    with open_checked(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [(r["writer"], [*map(int, r["number"])], parse_strokes(r["strokes"])) for r in rows]


class Batch:
    """Cases as tensors; (N, P, L): each case's spans by first piece and one less than pieces."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.counts = torch.tensor([len(case.line.pieces) for case in cases])
        self.lengths = torch.tensor([len(case.digits or [0]) for case in cases])
        self.are_whole = torch.tensor([case.kind in ("digit", "sign") for case in cases])
        self.importance, self.max_loss = torch.tensor([KINDS[case.kind] for case in cases]).T
        shape = len(cases), int(self.counts.max()), numbers.MAX_SPAN
        self.features = torch.zeros(*shape, 9)
        self.allowed = torch.full(shape, NEVER)
        self.right = torch.zeros(*shape, int(self.lengths.max()))  # log p of each written digit
        self.marks = torch.zeros(*shape[:2], 3)
        self.marks_allowed = torch.full(shape[:2], NEVER)
        for n, case in enumerate(cases):
            line, read = case.line, case.log_probabilities
            for k, (first, stop) in enumerate(line.spans):
                if stop - first > numbers.MAX_SPAN:
                    continue
                place = n, first, stop - first - 1
                features = [*line.span_features[k], *line.boundary_features[first]]
                self.features[place] = torch.tensor([float(read[k].max()), *features])
                self.allowed[place] = 0
                if case.digits:
                    self.right[place][: len(case.digits)] = read[k, case.digits]
            for k, features in line.mark_features.items():
                self.marks[n, k], self.marks_allowed[n, k] = torch.tensor(features), 0

    def loss(self, weights: torch.Tensor) -> torch.Tensor:
        """The weighted sum of -log p(what was written), over all divisions that give it."""
        scores = self.features @ weights[:9] + self.allowed  # (N, P, L)
        marks = self.marks @ weights[9:] + self.marks_allowed  # (N, P)
        count, pieces, length = scores.shape
        every = [torch.zeros(count)]
        never = torch.full((count, 1), NEVER)
        right = [torch.cat([torch.zeros(count, 1), never.expand(-1, self.right.shape[-1])], 1)]
        for stop in range(1, pieces + 1):
            ways, right_ways = [every[-1] + marks[:, stop - 1]], [right[-1] + marks[:, [stop - 1]]]
            for k in range(min(length, stop)):
                first = stop - 1 - k
                score = scores[:, first, k]
                ways.append(every[first] + score)
                longer = right[first][:, :-1] + score[:, None] + self.right[:, first, k]
                right_ways.append(torch.cat([never, longer], 1))
            every.append(torch.logsumexp(torch.stack(ways), 0))
            right.append(torch.logsumexp(torch.stack(right_ways), 0))
        rows = torch.arange(count)
        all_of = torch.stack(every, 1)[rows, self.counts]
        written = torch.stack(right, 1)[rows, self.counts, self.lengths]
        last = (self.counts - 1).clamp(max=length - 1)
        whole = scores[rows, 0, last] + self.right[rows, 0, last, 0]
        losses = all_of - torch.where(self.are_whole, whole, written)
        return (torch.minimum(losses, self.max_loss) * self.importance).sum()


def fit(cases: Sequence[Case]) -> list[float]:
    """The weights that make what was written most probable: reading, span, boundary, mark."""
    batches = []
    for low, high in ((2, 3), (4, 6), (7, 14)):  # of one piece, nothing is to be decided
        some = [case for case in cases if low <= len(case.line.pieces) <= high]
        batches += [Batch(some)] if some else []
    total = sum(batch.importance.sum() for batch in batches)
    start = torch.tensor(WEIGHTS_BEFORE_FIT)
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = sum(batch.loss(weights) for batch in batches) / total
        loss += 1e-3 * ((weights - start) ** 2).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.tolist()


def use(weights: list[float]) -> None:
    """Divide with these weights from now on."""
    numbers.READING_WEIGHT = weights[0]
    numbers.SPAN_WEIGHTS = np.array(weights[1:4])
    numbers.BOUNDARY_WEIGHTS = np.array(weights[4:9])
    numbers.MARK_WEIGHTS = np.array(weights[9:])


def read_by_others(
    recognizer: Recognizer, cases: list[Case], others: list[Case], folds: np.ndarray
) -> tuple[list[Number], list[list[int]]]:
    """What weights fitted without a fold's cases read in them, and what was written."""
    found, digits = [], []
    for fold in range(FOLDS):
        use(fit([cases[i] for i in np.flatnonzero(folds != fold)] + others))
        held_out = [cases[i] for i in np.flatnonzero(folds == fold)]
        found += [recognizer.predict_number(case.strokes) for case in held_out]
        digits += [case.digits for case in held_out]
    return found, digits
