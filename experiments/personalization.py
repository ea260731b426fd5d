"""Personalize the network for one writer after another, and count what it then misreads of theirs.

    python experiments/personalization.py
    python experiments/personalization.py --drawings data/pendigits-test.jsonl.gz --seeds 5

Each writer of the pen digits' test part plays a person who corrects the network;
convert_unipen.py makes the file. The network was trained on none of them, and nothing
was chosen on them. About ten minutes on one idle core. Writes corrections.md and its picture,
corrections.png, to runs/experiments; `--output docs` renews those of docs/.
"""

import argparse
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.corrections import finetune as learning
from mnist_core.corrections.finetune import FineTuning, finetune
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.tables import least_to_most, mean_and_deviation, table, write_figures
from mnist_core.training import plots
from mnist_core.training.data import Dataset, load_mnist, render_drawings, select, training_data
from mnist_core.training.finish import MAX_ACCURACY_DROP
from mnist_core.training.trainer import evaluate, predict

SAVED = 20  # corrections of a person
BROWSER = "## In the browser"  # the last section, which browser_lessons.py writes


@dataclass(frozen=True)
class Result:
    """What one writer's corrections changed, with one seed: counts of misread digits."""

    writer: str
    misread: int  # among the corrections, the others being confirmed
    before: int  # among the digits never shown
    after: int
    count: int  # of these
    mnist: float  # accuracy on the test images, after
    seconds: float


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        model, config = weights.load(args.weights)
        writers = by_writer(read_drawings(args.drawings))
        generator = torch.Generator().manual_seed(0)
        known = training_data(args.data, [], learning.OUTLIERS, generator)
        rehearsed = torch.cat([known.train_set[0], known.negatives])
        test = load_mnist(args.data, train=False)
        make_directory(args.output)
        print(f"about {2 * max(1, args.seeds)} minutes on one idle core", file=sys.stderr)
    except UserError as error:
        parser.exit(2, f"personalization.py: {error}\n")
    results = {
        name: personalize_all(model, writers, choose, rehearsed, test, range(max(1, args.seeds)))
        for name, choose in PROTOCOLS.items()
    }
    plots.save(draw(next(iter(results.values()))), args.output / "corrections.png")
    page = report(results, evaluate(model, test)[1])
    if args.figures:
        write_figures(args.figures, "personalization", page, config)
    file = args.output / "corrections.md"
    if file.exists():
        page += "".join(["\n", *file.read_text(encoding="utf-8").partition(BROWSER)[1:]])
    file.write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'corrections.md'} and corrections.png")


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Personalize the network for writers, one by one.")
    parser.add_argument(
        "--drawings",
        type=Path,
        default=ROOT / "data" / "pendigits-test.jsonl.gz",
        metavar="FILE",
        help='drawings that name their "writer" (default: data/pendigits-test.jsonl.gz)',
    )
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="the network")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--seeds", type=int, default=5, help="of each writer (%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="JSON to keep figures in")
    return parser


def by_writer(drawings: Sequence[Drawing]) -> dict[str, list[Drawing]]:
    """Each writer's drawings; raises UserError where one is not named or has too few."""
    writers = defaultdict(list)
    for drawing in drawings:
        writers[str(drawing.extra.get("writer"))].append(drawing)
    for writer, drawn in writers.items():
        if writer == "None" or len(drawn) < 4 * SAVED:
            raise UserError(
                f"{len(drawn)} drawings are by writer {writer}; each needs a name, "
                f'"writer", and {4 * SAVED} drawings'
            )
    return dict(sorted(writers.items(), key=lambda item: (len(item[0]), item[0])))


# Personalization -------------------------------------------------------------


def worst_of_half(
    probabilities: torch.Tensor, labels: torch.Tensor, order: list[int]
) -> tuple[list[int], list[int]]:
    """What the person saves of the first half of `order`, and the other half, never shown.

    They correct each digit that is misread, in the order they draw them, and confirm
    those that the network reads right with the smallest lead, until 20 are saved.
    """
    shown, rest = order[: len(order) // 2], order[len(order) // 2 :]
    leading = probabilities.topk(2, dim=1).values  # (N, 2)
    lead = leading[:, 0] - leading[:, 1]
    right = probabilities.argmax(1) == labels
    saved = sorted(shown, key=lambda i: float(lead[i]) if right[i] else -1.0)[:SAVED]
    return saved, rest


def two_of_each(
    _: torch.Tensor, labels: torch.Tensor, order: list[int]
) -> tuple[list[int], list[int]]:
    """The first two of each digit, read right or not; all the others are never shown."""
    saved = [i for digit in range(10) for i in [j for j in order if labels[j] == digit][:2]]
    return saved, [i for i in order if i not in set(saved)]


PROTOCOLS = {  # the first is the one that counts: it was chosen before the test writers were scored
    "corrects what is misread and confirms what is least sure": worst_of_half,
    "saves two of each digit, whatever was read": two_of_each,
}


def personalize_all(
    model: MLP,
    writers: dict[str, list[Drawing]],
    choose: Callable,
    rehearsal: torch.Tensor,
    test: Dataset,
    seeds: range,
) -> list[Result]:
    """A result for each writer and seed, each beginning with `model`."""
    results = []
    for drawings in writers.values():
        for seed in seeds:
            results.append(personalize(model, drawings, choose, rehearsal, test, seed))
            print(results[-1], file=sys.stderr, flush=True)
    return results


def personalize(
    model: MLP,
    drawings: Sequence[Drawing],
    choose: Callable,
    rehearsal: torch.Tensor,
    test: Dataset,
    seed: int,
) -> Result:
    """Fine-tune `model` on what `choose` saves of one writer's drawings, and count the others."""
    writer = str(drawings[0].extra["writer"])
    digits = images, labels = render_drawings(drawings)
    order = list(range(len(labels)))
    random.Random(f"{writer} {seed}").shuffle(order)
    probabilities = predict(model, images).exp()
    saved, rest = choose(probabilities, labels, order)
    started = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    new = finetune(model, [drawings[i] for i in saved], rehearsal, FineTuning(), generator)
    seconds = time.perf_counter() - started
    unseen = select(digits, torch.tensor(rest))
    return Result(
        writer=writer,
        misread=int((probabilities.argmax(1) != labels)[saved].sum()),
        before=misread(model, unseen),
        after=misread(new, unseen),
        count=len(rest),
        mnist=evaluate(new, test)[1],
        seconds=seconds,
    )


def misread(model: MLP, digits: Dataset) -> int:
    """How many of `digits` are."""
    images, labels = digits
    return int((predict(model, images).argmax(1) != labels).sum())


# The page --------------------------------------------------------------------


def report(results: dict[str, list[Result]], mnist: float) -> str:
    """docs/corrections.md; `mnist` is the accuracy on the test images before."""
    first = next(iter(results.values()))
    people = len({result.writer for result in first})
    command = " ".join(["python experiments/personalization.py", *sys.argv[1:]])
    return "\n".join(
        [
            "# Learning from corrections\n",
            f"Made by `{command}`:"
            f" the network in weights/ learns from {SAVED} corrections of one person,"
            f" and is counted on what else that person wrote. {people} people,"
            f" n = {len(first) // people} seeds, {len(first)} networks a row;"
            f" {FineTuning()}; {os.cpu_count()} cores of which"
            f" {torch.get_num_threads()} used, no GPU, PyTorch {torch.__version__}."
            " ± is the standard deviation over seeds.\n",
            PROTOCOL,
            summary_table(results, mnist),
            NOTE,
            "![Digits misread, before and after, by person](corrections.png)\n",
            "## Person by person\n",
            "Of those who correct and confirm, all seeds together.\n",
            person_table(first),
        ]
    )


PROTOCOL = """\
A person draws half of their digits, in random order. Each that is misread is corrected;
then those read right with the smallest lead over the runner-up are confirmed, until 20 are
saved. The network goes on from where it was with these 20, as `scripts/finetune.py` lets
it: images of MNIST and of no digit are rehearsed, no drawings. What counts is the other
half: digits that were neither shown nor saved, read by the network before and after. In the
second row the person saves the first two of each digit instead, whatever was read, and all
other digits count.

The settings and the row that counts, the first, were chosen on writers of the collection's
training part, with a network that had not seen them ([experiments](experiments.md)). The
people here were scored once, with those.
"""
NOTE = """\
Misread digits are those of all people together, a mean over the seeds. The points lost are
those of MNIST's test images; `scripts/finetune.py --install` refuses a network that lost as
many on the validation images.
"""


def summary_table(results: dict[str, list[Result]], mnist: float) -> str:
    """A row for each of PROTOCOLS."""
    header = (
        "the person", "misread before", "misread after", "of what was misread, still is",
        "mean of the people's own shares", "of digits", "MNIST test before", "after",
        "least to most", "lost over 0.1 points", "seconds to learn",
    )  # fmt: skip
    return table(header, [summary_row(name, group, mnist) for name, group in results.items()])


def summary_row(name: str, group: Sequence[Result], mnist: float) -> list[str]:
    before, after, digits = (by_seed(group, what) for what in ("before", "after", "count"))
    scores = [result.mnist for result in group]
    lost = [round(mnist - score, 6) > MAX_ACCURACY_DROP for score in scores]
    shares = [after / before for before, after in by_person(group).values() if before]
    return [
        name,
        mean_and_deviation(before, ".1f"),
        mean_and_deviation(after, ".1f"),
        f"{sum(after) / max(1, sum(before)):.0%}",
        f"{mean(shares or [0]):.0%}",
        f"{digits[0]:,}",
        f"{mnist:.2%}",
        f"{mean(scores):.2%}",
        least_to_most(scores, ".2%"),
        f"{sum(lost)} of {len(group)}",
        f"{mean(result.seconds for result in group):.1f}",
    ]


def by_seed(results: Sequence[Result], what: str) -> list[int]:
    """The sum over people of a count, for each seed."""
    people = len({result.writer for result in results})
    counts = [getattr(result, what) for result in results]  # person after person
    return torch.tensor(counts).reshape(people, -1).sum(0).tolist()


def by_person(results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    """Misread before and after, all seeds together."""
    people = dict.fromkeys(result.writer for result in results)
    return {who: (total(results, who, "before"), total(results, who, "after")) for who in people}


def total(results: Sequence[Result], writer: str, what: str) -> int:
    return sum(getattr(result, what) for result in results if result.writer == writer)


def person_table(results: Sequence[Result]) -> str:
    header = ("writer", "misread before", "after", "of digits", "misread among the corrections")
    rows = [
        (who, *counts, f"{total(results, who, 'count'):,}", total(results, who, "misread"))
        for who, counts in by_person(results).items()
    ]
    return table(header, rows)


def draw(results: Sequence[Result]) -> Figure:
    """A pair of bars for each person."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    people = by_person(results)
    places = range(len(people))
    for side, name, colour in ((0, "before", "tab:grey"), (1, "after", "tab:blue")):
        heights = [counts[side] for counts in people.values()]
        axes.bar(
            [place + 0.4 * side - 0.2 for place in places], heights, 0.4, label=name, color=colour
        )
    axes.set_xticks(list(places), list(people))
    axes.set(xlabel="writer", ylabel="misread digits, all seeds")
    axes.set_title(f"Digits never shown, before and after {SAVED} corrections")
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
