"""Score a network on MNIST's test images, on drawings and on letters; write a page with pictures.

    python scripts/evaluate.py
    python scripts/evaluate.py --drawings data/pendigits-test.jsonl.gz \\
        --not-digits data/unipen-characters.jsonl.gz --output docs/evaluation \\
        --figures docs/figures.json

The page goes to runs/evaluation where no --output is given. Needs no network. Exit code 2 when
something is missing or can't be written.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import paths


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Score a network and write a page with pictures.")
    add = parser.add_argument
    files = {"type": Path, "nargs": "+", "default": [], "metavar": "FILE"}
    add("--weights", type=Path, help="the network's folder (default: the network in use)")
    add("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    add("--drawings", **files, help="digits, scored as strokes")
    add("--not-digits", **files, help="letters and signs: how many are called digits")
    add("--output", type=Path, default=paths.runs() / "evaluation", help="folder")
    add("--figures", type=Path, metavar="FILE", help="JSON to keep figures in that texts quote")
    add("--limit", type=int, default=10_000, help="test images (%(default)s)")
    return parser


if __name__ == "__main__":  # what is mistyped is told at once: the imports below take seconds
    argument_parser().parse_args()

import torch

from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.network import calibration
from mnist_core.network.model import MLP
from mnist_core.network.weights import load
from mnist_core.tables import table, write_figures
from mnist_core.training import plots, trainer
from mnist_core.training.data import contributor_of, first, load_mnist, render_drawings, writer_of
from mnist_core.training.negatives import NEGATIVE_CHARACTERS


@dataclass
class Answers:
    """What a network read in a set of images of digits, or of characters that are none."""

    name: str
    images: torch.Tensor
    truth: list  # a digit, or a character, for each
    people: list  # who drew each; None where that is not known
    probabilities: torch.Tensor
    verdicts: torch.Tensor  # places in calibration.VERDICTS

    @property
    def right(self) -> torch.Tensor:
        digits = [true if isinstance(true, int) else -1 for true in self.truth]
        return self.probabilities.argmax(1) == torch.tensor(digits)

    def shares(self, chosen: Sequence[int] | slice = slice(None)) -> list[str]:
        """How many of them got each verdict."""
        verdicts = self.verdicts[chosen]
        return [f"{share:.2%}" for share in verdicts.bincount(minlength=3) / len(verdicts)]


def main() -> None:
    parser = argument_parser()
    given = vars(parser.parse_args())
    torch.set_num_threads(1)
    try:
        output, figures = given.pop("output"), given.pop("figures")
        make_directory(output)
        model, config = load(given.pop("weights"))
        sets, others = read(model, config["thresholds"], **given)
        page = write(sets, others, output)
        if figures:
            write_figures(figures, "evaluate", page, config)
    except UserError as error:
        parser.exit(2, f"evaluate.py: {error}\n")


def read(
    model: MLP,
    thresholds: dict[str, float],
    data: Path,
    drawings: list[Path],
    not_digits: list[Path],
    limit: int,
) -> tuple[list[Answers], list[Answers]]:
    """What `model` answers: to `limit` test images and drawings; to no digits."""

    def answers(name: str, images: torch.Tensor, truth: list, people: list) -> Answers:
        probabilities = trainer.predict(model, images).exp()
        verdicts = calibration.verdicts(probabilities, thresholds)
        return Answers(name, images, truth, people, probabilities, verdicts)

    def of_file(path: Path, digits: bool) -> Answers:
        drawings = read_drawings(path, digits)
        seconds = seconds_to_read(model, drawings)
        print(f"{len(drawings):,} drawings of {path}: about {seconds:.0f} s", file=sys.stderr)
        people = list(map(contributor_of, drawings))
        if len(set(people)) == 1:
            people = list(map(writer_of, drawings))
        truth = [one.label if digits else one.extra.get("character", "?") for one in drawings]
        return answers(f"{path}, as strokes", render_drawings(drawings)[0], truth, people)

    images, labels = first(load_mnist(data, train=False), limit)
    sets = [answers("MNIST test", images, labels.tolist(), [None] * len(images))]
    sets += [of_file(path, True) for path in drawings]
    return sets, [of_file(path, False) for path in not_digits]


def seconds_to_read(model: MLP, drawings: list[Drawing]) -> float:
    """How long it will take, by the first hundred: on a busy machine it is many times as long."""
    few, started = drawings[:100], time.perf_counter()
    trainer.predict(model, render_drawings(few)[0])
    return (time.perf_counter() - started) * len(drawings) / len(few)


def write(sets: list[Answers], others: list[Answers], output: Path) -> str:
    """Write README.md and its pictures to `output`; print its first part and return it."""
    unlike = [like_no_digit(one) for one in others if {*one.truth} & {*NEGATIVE_CHARACTERS}]
    accuracies = {one.name: (one.probabilities, torch.tensor(one.truth)) for one in sets}
    sections = [
        f"# Evaluation\n\nMade by `python scripts/evaluate.py {' '.join(sys.argv[1:])}`.\n",
        calibration.accuracy_table(accuracies),
        "At the network's own thresholds:\n",
        verdict_table([*sets, *others, *unlike]),
    ]
    if len(sets) == 1:
        sections.insert(1, "Left out: drawings, as none were given (`--drawings FILE`).\n")
    digits = torch.cat([one.probabilities for one in sets])
    for one in unlike:
        area, passed = calibration.separation(digits, one.probabilities)
        sections.append(
            f"Digits against {one.name}, by what the two leading digits have together: AUROC "
            f"{area:.2%}; where 95 % of the digits pass, {passed:.2%} of the others do.\n"
        )
    summary = "\n".join(sections)
    print(summary)
    sections += [section(one, people_table(one), output) for one in sets]
    sections += [section(one, character_table(one), output) for one in others]
    with atomic_write(output / "README.md", "wt") as file:
        file.write("\n".join(sections))
    print(f"wrote {output / 'README.md'} and its pictures")
    return summary


def like_no_digit(one: Answers) -> Answers:
    """Those of which training has the like among its images of no digit."""
    chosen = [i for i, character in enumerate(one.truth) if character in NEGATIVE_CHARACTERS]
    name = f"{one.name}, those like no digit"
    lists = ([values[i] for i in chosen] for values in (one.truth, one.people))
    tensors = (values[chosen] for values in (one.images, one.probabilities, one.verdicts))
    (truth, people), (images, probabilities, verdicts) = lists, tensors
    return Answers(name, images, truth, people, probabilities, verdicts)


def verdict_table(sets: Sequence[Answers]) -> str:
    """How much of each set is called what, and how many of the sure answers are wrong."""
    rows = []
    for one in sets:
        sure = one.right[one.verdicts == 2]
        wrong = f"{(~sure).float().mean():.2%}" if len(sure) else ""
        rows.append((one.name, *one.shares(), wrong))
    return table(("drawings or pictures", *calibration.VERDICTS, "of the sure, wrong"), rows)


def people_table(one: Answers) -> str:
    """A row for each person or contributor who is named, the worst read first."""
    rows = []
    for name, chosen in places(one.people).items():
        right, verdicts = one.right[chosen], one.verdicts[chosen]
        share, wrong = right.float().mean().item(), int((~right & (verdicts == 2)).sum())
        rows.append((share, name, len(chosen), *one.shares(chosen), wrong))
    rows = [(name, f"{share:.2%}", *rest) for share, name, *rest in sorted(rows, key=itemgetter(0))]
    header = ("by", "accuracy", "of", *calibration.VERDICTS, "sure and wrong")
    return table(header, rows) if rows else ""


def character_table(one: Answers) -> str:
    """A row for each character, and the digit that it is most often surely taken for."""
    rows = []
    for character, chosen in sorted(places(one.truth).items()):
        sure = one.probabilities[chosen].argmax(1)[one.verdicts[chosen] == 2]
        taken_for = sure.mode().values.item() if len(sure) else ""
        code = f"`{character}`".replace("|", "\\|")
        rows.append((code, len(chosen), *one.shares(chosen), taken_for))
    return table(("character", "of", *calibration.VERDICTS, "mostly taken for"), rows)


def places(keys: Sequence) -> dict:
    """Where each key is found, but None."""
    found = defaultdict(list)
    for i, key in enumerate(keys):
        if key is not None:
            found[key].append(i)
    return found


def section(one: Answers, rows: str, output: Path) -> str:
    """One set's table, its surest mistakes and, of digits, the confusion: Markdown and files."""
    stem = "".join(c if c.isalnum() else "-" for c in one.name.lower()).strip("-")
    drawn = {"most wrong": plots.surest_mistakes(one.images, one.truth, one.probabilities)}
    if isinstance(one.truth[0], int):
        answers, labels = one.probabilities.argmax(1), torch.tensor(one.truth)
        counts = trainer.confusion_matrix(answers, labels)
        drawn = {"confusion": plots.confusion_matrix(counts), **drawn}
    text = f"\n## {one.name}\n\n{rows}"
    for what, figure in drawn.items():
        file = f"{stem}-{what.replace(' ', '-')}.png"
        plots.save(figure, output / file)
        text += f"\n![{what}]({file})\n"
    return text


if __name__ == "__main__":
    main()
