"""Let one person after another correct the network, and count what it then misreads of theirs.

    python scripts/learn_writer.py
    python scripts/learn_writer.py --drawings data/pendigits-test.jsonl.gz --seeds 5

A writer of the pen digits' test part plays the person; convert_pendigits.py makes the
file. The network was trained on none of them, and nothing was chosen on them. Writes
docs/corrections.md and its picture, docs/corrections.png. About ten minutes on one core.
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
from statistics import mean, stdev

import torch
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import figures, learning, weights
from mnist_core.data import Dataset, load_mnist, render_drawings, select, training_data
from mnist_core.finetuning import FineTuning, finetune
from mnist_core.model import MLP
from mnist_core.strokes import Drawing, read_drawings
from mnist_core.training import evaluate, predict

SAVED = 20  # corrections of a person


@dataclass(frozen=True)
class Lesson:
    """What one person's corrections did, with one seed: counts of misread digits."""

    writer: str
    misread: int  # among the corrections, the others being confirmed
    before: int  # among the digits never shown
    after: int
    count: int  # of these
    mnist: float  # accuracy on the test images, after
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Let people correct the network, one by one.")
    parser.add_argument(
        "--drawings",
        type=Path,
        default=ROOT / "data" / "pendigits-test.jsonl.gz",
        metavar="FILE",
        help='drawings that name their "writer" (default: data/pendigits-test.jsonl.gz)',
    )
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="the network")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--seeds", type=int, default=5, help="of each person (%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="where to write")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        model, _ = weights.load(args.weights)
        people = by_writer(read_drawings(args.drawings))
        generator = torch.Generator().manual_seed(0)
        data = training_data(args.data, [], learning.OUTLIERS, generator)
        test = load_mnist(args.data, train=False)
        args.output.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        parser.exit(2, f"learn_writer.py: {error}\n")
    rehearsed = learning.rehearsal(data)
    lessons = {
        name: teach(model, people, choose, rehearsed, test, range(max(1, args.seeds)))
        for name, choose in PROTOCOLS.items()
    }
    figures.save(draw(next(iter(lessons.values()))), args.output / "corrections.png")
    page = report(lessons, evaluate(model, test)[1])
    (args.output / "corrections.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'corrections.md'} and corrections.png")


def by_writer(drawings: Sequence[Drawing]) -> dict[str, list[Drawing]]:
    """Each writer's drawings; raises ValueError where one is not named or has too few."""
    people = defaultdict(list)
    for drawing in drawings:
        people[str(drawing.extra.get("writer"))].append(drawing)
    for writer, drawn in people.items():
        if writer == "None" or len(drawn) < 4 * SAVED:
            raise ValueError(
                f"{len(drawn)} drawings are by writer {writer}; each needs a name, "
                f'"writer", and {4 * SAVED} drawings'
            )
    return dict(sorted(people.items(), key=lambda item: (len(item[0]), item[0])))


# The lessons -----------------------------------------------------------------


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


def teach(
    model: MLP,
    people: dict[str, list[Drawing]],
    choose: Callable,
    rehearsal: torch.Tensor,
    test: Dataset,
    seeds: Sequence[int],
) -> list[Lesson]:
    """A lesson for each person and seed, each beginning with `model`."""
    lessons = []
    for writer, drawings in people.items():
        digits = render_drawings(drawings)
        for seed in seeds:
            lesson = teach_once(model, writer, drawings, digits, choose, rehearsal, test, seed)
            lessons.append(lesson)
            print(lesson, file=sys.stderr, flush=True)
    return lessons


def teach_once(
    model: MLP,
    writer: str,
    drawings: Sequence[Drawing],
    digits: Dataset,
    choose: Callable,
    rehearsal: torch.Tensor,
    test: Dataset,
    seed: int,
) -> Lesson:
    images, labels = digits
    order = list(range(len(labels)))
    random.Random(f"{writer} {seed}").shuffle(order)
    probabilities = predict(model, images).exp()
    saved, rest = choose(probabilities, labels, order)
    started = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    new = finetune(model, [drawings[i] for i in saved], rehearsal, FineTuning(), generator)
    seconds = time.perf_counter() - started
    unseen = select(digits, torch.tensor(rest))
    return Lesson(
        writer=writer,
        misread=int((probabilities.argmax(1) != labels)[saved].sum()),
        before=misread(model, unseen),
        after=misread(new, unseen),
        count=len(rest),
        mnist=evaluate(new, test)[1],
        seconds=seconds,
    )


def misread(model: MLP, digits: Dataset) -> int:
    images, labels = digits
    return int((predict(model, images).argmax(1) != labels).sum())


# The page --------------------------------------------------------------------


def report(lessons: dict[str, list[Lesson]], mnist: float) -> str:
    first = next(iter(lessons.values()))
    people = len({lesson.writer for lesson in first})
    return "\n".join(
        [
            "# Learning from corrections\n",
            "Made by `" + " ".join(["python scripts/learn_writer.py", *sys.argv[1:]]) + "`:"
            f" the network in weights/ learns from {SAVED} corrections of one person,"
            f" and is counted on what else that person wrote. {people} people,"
            f" n = {len(first) // people} seeds, {len(first)} networks a row;"
            f" {FineTuning()}; {os.cpu_count()} cores of which"
            f" {torch.get_num_threads()} used, no GPU, PyTorch {torch.__version__}."
            " ± is the standard deviation over seeds.\n",
            PROTOCOL,
            summary(lessons, mnist),
            "Misread digits are those of all people together, a mean over the seeds. A network"
            " that lost over 0.1 points of MNIST's test images is one that `--install` refuses.\n",
            "![Digits misread, before and after, by person](corrections.png)\n",
            "## Person by person\n",
            "Of those who correct and confirm, all seeds together.\n",
            person_table(first),
        ]
    )


PROTOCOL = """\
A person draws half of their digits, in random order. Each that is misread is corrected;
then those read right with the smallest lead over the runner-up are confirmed, until 20 are
saved. The network goes on from where it was with these 20, as `scripts/train.py
--corrections` lets it: images of MNIST and of no digit are rehearsed, no drawings. What
counts is the other half: digits that were neither shown nor saved, read by the network
before and after. In the second row the person saves the first two of each digit instead,
whatever was read, and all other digits count.

The settings and the row that counts, the first, were chosen on writers of the collection's
training part, with a network that had not seen them ([experiments](experiments.md)). The
people here were scored once, with those.
"""


def summary(lessons: dict[str, list[Lesson]], mnist: float) -> str:
    lines = [
        "| the person | misread before | misread after | of what was misread, still is"
        " | mean of the people's own shares | of digits"
        " | MNIST test before | after | least to most"
        " | lost over 0.1 points | seconds to learn |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, group in lessons.items():
        before, after, digits = (by_seed(group, what) for what in ("before", "after", "count"))
        scores = [lesson.mnist for lesson in group]
        refused = sum(round(mnist - score, 6) > learning.MAY_LOSE for score in scores)
        shares = [after / before for before, after in by_person(group).values() if before]
        lines.append(
            f"| {name} | {spread(before)} | {spread(after)}"
            f" | {sum(after) / max(1, sum(before)):.0%} | {mean(shares or [0]):.0%}"
            f" | {digits[0]:,} | {mnist:.2%} | {mean(scores):.2%}"
            f" | {min(scores):.2%} to {max(scores):.2%} | {refused} of {len(group)}"
            f" | {mean(lesson.seconds for lesson in group):.1f} |"
        )
    return "\n".join(lines) + "\n"


def by_seed(lessons: Sequence[Lesson], what: str) -> list[int]:
    """The sum over people of a count, for each seed."""
    people = len({lesson.writer for lesson in lessons})
    counts = [getattr(lesson, what) for lesson in lessons]  # person after person
    return torch.tensor(counts).reshape(people, -1).sum(0).tolist()


def by_person(lessons: Sequence[Lesson]) -> dict[str, tuple[int, int]]:
    """Misread before and after, all seeds together."""
    return {
        writer: tuple(
            sum(getattr(lesson, what) for lesson in lessons if lesson.writer == writer)
            for what in ("before", "after")
        )
        for writer in dict.fromkeys(lesson.writer for lesson in lessons)
    }


def spread(values: Sequence[float]) -> str:
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def person_table(lessons: Sequence[Lesson]) -> str:
    lines = [
        "| writer | misread before | after | of digits | misread among the corrections |",
        "|---|---|---|---|---|",
    ]
    for writer, (before, after) in by_person(lessons).items():
        own = [lesson for lesson in lessons if lesson.writer == writer]
        count, corrected = (sum(getattr(one, what) for one in own) for what in ("count", "misread"))
        lines.append(f"| {writer} | {before} | {after} | {count:,} | {corrected} |")
    return "\n".join(lines) + "\n"


def draw(lessons: Sequence[Lesson]) -> Figure:
    """A pair of bars for each person."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    people = by_person(lessons)
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
