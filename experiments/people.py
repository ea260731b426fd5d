"""People who correct the network: what they draw, what they save of it, and what is counted."""

import argparse
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
import torch

from experiments import common
from experiments.tables import least_to_most, mean_and_deviation
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training.data import render_drawings
from mnist_core.training.trainer import predict

SAVED = 20  # corrections of a person
BROWSER = "## In the browser"  # the last section of the page, which browser_lessons.py writes
COUNTS = ("misread before", "misread after", "of digits")
HEADER = ("the person", *COUNTS[:2], "of what was misread, still is", "of digits")
HEADER += ("MNIST test before", "after", "least to most")
Case = tuple[list[int], list[int]]  # what a person saves, and the digits that are never shown


def argument_parser(description: str) -> argparse.ArgumentParser:
    parser = common.argument_parser(description)
    parser.add_argument("--drawings", type=Path, required=True, help='that name their "writer"')
    parser.add_argument("--weights", type=Path, default=weights.SHIPPED, help="the network")
    parser.add_argument("--seeds", type=int, default=5, help="of each writer (%(default)s)")
    return parser


def least_certain(probabilities: torch.Tensor, labels: torch.Tensor, order: list[int]) -> Case:
    """Of the first half of `order` what is misread, then what is read right by the least lead."""
    shown, rest = order[: len(order) // 2], order[len(order) // 2 :]
    first, second = probabilities.topk(2, dim=1).values.T
    lead = torch.where(probabilities.argmax(1) == labels, first - second, -1.0)
    return sorted(shown, key=lambda i: float(lead[i]))[:SAVED], rest


def two_of_each(_: torch.Tensor, labels: torch.Tensor, order: list[int]) -> Case:
    """The first two of each digit, read right or not."""
    saved = [i for digit in range(10) for i in [j for j in order if labels[j] == digit][:2]]
    return saved, [i for i in order if i not in set(saved)]


PROTOCOLS = {  # the first was chosen as the one that counts before the test writers were scored
    "corrects what is misread and confirms what is least sure": least_certain,
    "saves two of each digit, whatever was read": two_of_each,
}


class People:
    """The writers of a drawing file, each with `seeds` orders of drawing."""

    def __init__(self, path: Path, model: MLP, seeds: int) -> None:
        self.drawings, self.seeds = read_drawings(path), seeds
        self.writers = by_writer(self.drawings)
        self.images, self.labels = render_drawings(self.drawings)
        self.before = predict(model, self.images).exp()  # (N, 10)

    def cases(self, choose: Callable) -> list[Case]:
        """What `choose` saves for each writer and seed, by index."""
        found = []
        for writer, own in self.writers.items():
            for seed in range(self.seeds):
                order = own.copy()
                random.Random(f"{writer} {seed}").shuffle(order)
                found.append(choose(self.before, self.labels, order))
        return found

    def counts(self, cases: list[Case], after: Iterable[torch.Tensor]) -> np.ndarray:
        """(writers, seeds, COUNTS), by what is read after each case: (N, answers) of all."""
        counts = []
        for (_, rest), answers in zip(cases, after, strict=True):
            wrong = [each[rest].argmax(1) != self.labels[rest] for each in (self.before, answers)]
            counts.append([int(wrong[0].sum()), int(wrong[1].sum()), len(rest)])
        return np.array(counts).reshape(-1, self.seeds, len(COUNTS))


def by_writer(drawings: Sequence[Drawing]) -> dict[str, list[int]]:
    """Each writer's drawings, by index; raises UserError where one is not named or has too few."""
    writers = defaultdict(list)
    for i, drawing in enumerate(drawings):
        writers[str(drawing.extra.get("writer"))].append(i)
    for writer, own in writers.items():
        if writer == "None" or len(own) < 4 * SAVED:
            found = f"{len(own)} drawings are by writer {writer}"
            raise UserError(f'{found}; each needs a name, "writer", and {4 * SAVED} drawings')
    return dict(sorted(writers.items(), key=lambda item: (len(item[0]), item[0])))


def row(name: str, counts: np.ndarray, mnist: float, after: Sequence[float]) -> list[str]:
    """The cells of HEADER; `mnist` is the accuracy on the test images before."""
    before, wrong, digits = counts.sum(0).T.tolist()  # of each seed
    return [
        name,
        mean_and_deviation(before, ".1f"),
        mean_and_deviation(wrong, ".1f"),
        f"{sum(wrong) / max(1, sum(before)):.0%}",
        f"{digits[0]:,}",
        f"{mnist:.2%}",
        f"{mean(after):.2%}",
        least_to_most(after, ".2%"),
    ]
