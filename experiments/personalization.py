"""Fine-tune the network for one writer after another, and count what it then misreads of theirs.

    python -m experiments.personalization --drawings data/pendigits-test.jsonl.gz

Each writer of the file plays a person who corrects the network, which was trained on none of them,
and nothing was chosen on them. About ten minutes on one idle core. Writes corrections.md and
corrections.png to runs/experiments; `--output docs --figures docs/figures.json` renews those of
docs/.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import torch
from matplotlib.figure import Figure

from experiments import common
from experiments.tables import least_to_most, mean_and_deviation
from mnist_core.corrections import finetune as learning
from mnist_core.corrections.finetune import FineTuning, finetune
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.tables import table
from mnist_core.training import plots
from mnist_core.training.data import load_mnist, render_drawings, select, training_data
from mnist_core.training.trainer import evaluate, predict

SAVED = 20  # corrections of a person
BROWSER = "## In the browser"  # the last section of the page, written by browser_lessons.py
COUNTS = ("misread before", "misread after", "of digits")
Split = tuple[list[int], list[int]]  # what a person saves, and the digits that are never shown


def main() -> None:
    parser = argument_parser("Fine-tune the network for writers, one by one.")
    common.write_page(parser, "personalization", "corrections.md", measure)


def argument_parser(description: str) -> argparse.ArgumentParser:
    parser = common.argument_parser(description)
    parser.add_argument("--drawings", type=Path, required=True, help='that name their "writer"')
    parser.add_argument("--weights", type=Path, default=common.ROOT / "weights", help="the network")
    parser.add_argument("--seeds", type=int, default=5, help="of each writer (%(default)s)")
    return parser


def by_writer(drawings: Sequence[Drawing]) -> dict[str, list[Drawing]]:
    """Each writer's drawings; raises UserError where one is not named or has too few."""
    writers = defaultdict(list)
    for drawing in drawings:
        writers[str(drawing.extra.get("writer"))].append(drawing)
    for writer, drawn in writers.items():
        if writer == "None" or len(drawn) < 4 * SAVED:
            found = f"{len(drawn)} drawings are by writer {writer}"
            raise UserError(f'{found}; each needs a name, "writer", and {4 * SAVED} drawings')
    return dict(sorted(writers.items(), key=lambda item: (len(item[0]), item[0])))


def least_certain(probabilities: torch.Tensor, labels: torch.Tensor, order: list[int]) -> Split:
    """Of the first half of `order` what is misread, then what is read right by the least lead."""
    shown, rest = order[: len(order) // 2], order[len(order) // 2 :]
    first, second = probabilities.topk(2, dim=1).values.T
    lead = torch.where(probabilities.argmax(1) == labels, first - second, -1.0)
    return sorted(shown, key=lambda i: float(lead[i]))[:SAVED], rest


def two_of_each(_: torch.Tensor, labels: torch.Tensor, order: list[int]) -> Split:
    """The first two of each digit, read right or not."""
    saved = [i for digit in range(10) for i in [j for j in order if labels[j] == digit][:2]]
    return saved, [i for i in order if i not in set(saved)]


PROTOCOLS = {  # the first was chosen as the one that counts before the test writers were scored
    "corrects what is misread and confirms what is least sure": least_certain,
    "saves two of each digit, whatever was read": two_of_each,
}


def shuffled_order(writer: str, seed: int, count: int) -> list[int]:
    """The order in which a writer draws; the same for every experiment."""
    order = list(range(count))
    random.Random(f"{writer} {seed}").shuffle(order)
    return order


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/corrections.md but for its section on the browser, which stays as it was."""
    model, config = weights.load(args.weights)
    writers = by_writer(read_drawings(args.drawings))
    known = training_data(args.data, [], learning.NEGATIVES, torch.Generator().manual_seed(0))
    rehearsal = torch.cat([known.train_set[0], known.negatives])
    test = load_mnist(args.data, train=False)
    results = {name: [] for name in PROTOCOLS}
    for name, choose in PROTOCOLS.items():
        for writer, drawings in writers.items():
            for seed in range(args.seeds):
                result = fine_tune_for(model, drawings, choose, rehearsal, writer, seed)
                result["MNIST"] = evaluate(result.pop("model"), test)[1]
                results[name].append(result)
                print(result, file=sys.stderr, flush=True)
    first = results[next(iter(PROTOCOLS))]
    plots.save(draw(first), args.output / "corrections.png")
    before = evaluate(model, test)[1]
    rows = [summary(name, group, args.seeds, before) for name, group in results.items()]
    file = args.output / "corrections.md"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    return page(rows, first, args.seeds) + "".join(old.partition(BROWSER)[1:]), config


def fine_tune_for(model, drawings, choose, rehearsal, writer: str, seed: int) -> dict:
    """Fine-tune on what `choose` saves of one writer's drawings, and count the others misread."""
    images, labels = render_drawings(drawings)
    probabilities = predict(model, images).exp()
    saved, rest = choose(probabilities, labels, shuffled_order(writer, seed, len(labels)))
    started = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    new = finetune(model, [drawings[i] for i in saved], rehearsal, FineTuning(), generator)
    seconds = time.perf_counter() - started
    unseen = select((images, labels), torch.tensor(rest))
    wrong = [round(len(rest) * (1 - evaluate(one, unseen)[1])) for one in (model, new)]
    counts = dict(zip(COUNTS, (*wrong, len(rest)), strict=True))
    return {"writer": writer, **counts, "seconds": seconds, "model": new}


def summary(name: str, results: list[dict], seeds: int, mnist: float) -> list[str]:
    """A protocol's row; `mnist` is the accuracy on the test images before."""
    by_seed = [[sum(r[what] for r in results[i::seeds]) for i in range(seeds)] for what in COUNTS]
    before, after, digits = by_seed
    scores = [result["MNIST"] for result in results]
    return [
        name,
        mean_and_deviation(before, ".1f"),
        mean_and_deviation(after, ".1f"),
        f"{sum(after) / max(1, sum(before)):.0%}",
        f"{digits[0]:,}",
        f"{mnist:.2%}",
        f"{mean(scores):.2%}",
        least_to_most(scores, ".2%"),
        f"{mean(result['seconds'] for result in results):.1f}",
    ]


def page(rows: list[list[str]], first: list[dict], seeds: int) -> str:
    people = by_person(first)
    header = ("the person", *COUNTS[:2], "of what was misread, still is", "of digits")
    header += ("MNIST test before", "after", "least to most", "seconds to learn")
    return f"""\
# Learning from corrections

Made by `{common.command()}`: the network in weights/ learns from {SAVED} corrections of one \
person, and is counted on what else that person wrote. {len(people)} people, n = {seeds} seeds, \
{len(first)} networks a row; {FineTuning()}; {common.machine()}. ± is the standard deviation over \
seeds.

A person draws half of their digits, in random order. Each that is misread is corrected; then \
those read right with the smallest lead over the runner-up are confirmed, until 20 are saved. The \
network learns from these 20 as `scripts/finetune.py` lets it, rehearsing images of MNIST and of \
no digit, but no drawings. What counts is the other half: digits that were neither shown nor \
saved, read by the network before and after. In the second row the person saves the first two of \
each digit instead, whatever was read, and all other digits count.

The settings and the row that counts, the first, were chosen on writers of the collection's \
training part, with a network that had not seen them ([experiments](experiments.md)). The people \
here were scored once, with those.

{table(header, rows)}
Misread digits are those of all people together, a mean over the seeds.

![Digits misread, before and after, by person](corrections.png)

## Person by person

Of those who correct and confirm, all seeds together.

{table(("writer", *COUNTS), [(who, *counts) for who, counts in people.items()])}
"""


def by_person(results: list[dict]) -> dict[str, list[int]]:
    """COUNTS of each writer, all seeds together."""
    people = dict.fromkeys(result["writer"] for result in results)
    return {w: [sum(r[c] for r in results if r["writer"] == w) for c in COUNTS] for w in people}


def draw(results: list[dict]) -> Figure:
    """A pair of bars for each person."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    people = by_person(results)
    for side, name, colour in ((0, "before", "tab:grey"), (1, "after", "tab:blue")):
        places = [place + 0.4 * side - 0.2 for place in range(len(people))]
        heights = [counts[side] for counts in people.values()]
        axes.bar(places, heights, 0.4, label=name, color=colour)
    axes.set_xticks(range(len(people)), list(people))
    axes.set(xlabel="writer", ylabel="misread digits, all seeds")
    axes.set_title(f"Digits never shown, before and after {SAVED} corrections")
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
