"""Score a network on MNIST's test images, drawings and letters; write a page with pictures.

    python scripts/evaluate.py
    python scripts/evaluate.py --drawings data/pendigits-test.jsonl.gz \\
        --not-digits data/unipen-characters.jsonl.gz --output docs/evaluation

Exit code 2 when something is missing or can't be written.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import paths
from mnist_core.extras import exit_without


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Score a network and write a page with pictures.")
    add, place = parser.add_argument, {"type": Path, "metavar": "DIR"}
    files = {"type": Path, "nargs": "+", "default": [], "metavar": "FILE"}
    add("--weights", **place, help="the network (default: the one in use)")
    add("--data", **place, default=ROOT / "data", help="holds MNIST/raw (default: data)")
    add("--drawings", **files, help="digits, scored as strokes")
    add("--not-digits", **files, help="letters and signs, to count those called digits")
    text = "where to write the page and its pictures (default: runs/evaluation)"
    add("--output", **place, default=paths.runs() / "evaluation", help=text)
    return parser


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()
    exit_without("train")

import torch

from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.network import calibration, weights
from mnist_core.network.model import MLP
from mnist_core.tables import table
from mnist_core.training import plots, trainer
from mnist_core.training.data import contributor_of, load_mnist, render_drawings, writer_of
from mnist_core.training.negatives import NEGATIVE_CHARACTERS

SURE = calibration.VERDICTS.index("sure")


@dataclass
class Answers:
    """A network's answers to N images, all of digits or all of other characters."""

    name: str
    images: torch.Tensor  # (N, 28, 28)
    truth: list  # the digit (int) or character (str) of each
    people: list  # who drew each, or None
    probabilities: torch.Tensor  # (N, 10)
    verdicts: torch.Tensor  # (N,), indices of calibration.VERDICTS

    @property
    def are_digits(self) -> bool:
        return isinstance(self.truth[0], int)

    @property
    def right(self) -> torch.Tensor:
        truth = self.truth if self.are_digits else [-1] * len(self.truth)
        return self.probabilities.argmax(1) == torch.tensor(truth)

    def shares(self, chosen: Sequence[int] | slice = slice(None)) -> list[str]:
        """Return the share of each verdict."""
        verdicts = self.verdicts[chosen]
        return [f"{share:.2%}" for share in verdicts.bincount(minlength=3) / len(verdicts)]


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        make_directory(args.output)
        model, config = weights.load(args.weights)
        images, labels = load_mnist(args.data, train=False)
        mnist = answer(model, config, "MNIST test", images, labels.tolist(), [None] * len(images))
        digits = [mnist, *(answer_file(model, config, path, True) for path in args.drawings)]
        others = [answer_file(model, config, path, False) for path in args.not_digits]
        write_page(digits, others, args.output)
    except UserError as error:
        parser.exit(2, f"evaluate.py: {error}\n")


def answer(
    model: MLP, config: dict, name: str, images: torch.Tensor, truth: list, people: list
) -> Answers:
    probabilities = trainer.predict(model, images).exp()
    verdicts = calibration.verdicts(probabilities, config["thresholds"])
    return Answers(name, images, truth, people, probabilities, verdicts)


def answer_file(model: MLP, config: dict, path: Path, digits: bool) -> Answers:
    """Score a file of drawings, of digits or of other characters. Raises UserError."""
    drawings = read_drawings(path, digits)
    people = list(map(contributor_of, drawings))
    if len(set(people)) == 1:
        people = list(map(writer_of, drawings))
    truth = [one.label if digits else one.extra.get("character", "?") for one in drawings]
    images, _ = render_drawings(drawings)
    return answer(model, config, f"{path}, as strokes", images, truth, people)


def write_page(digits: list[Answers], others: list[Answers], output: Path) -> None:
    """Write README.md and its pictures to `output`, and print the summary."""
    accuracies = {one.name: (one.probabilities, torch.tensor(one.truth)) for one in digits}
    command = " ".join(["python scripts/evaluate.py", *sys.argv[1:]])
    sections = [f"# Evaluation\n\nMade by `{command}`.\n", calibration.accuracy_table(accuracies)]
    unlike = [one for one in map(like_no_digit, others) if one.truth]
    sections += ["At the network's own thresholds:\n", verdict_table([*digits, *others, *unlike])]
    probabilities = torch.cat([one.probabilities for one in digits])
    for one in unlike:
        area, passed = calibration.separation(probabilities, one.probabilities)
        sections.append(
            f"Digits against {one.name}, by the sum of the two highest probabilities: AUROC "
            f"{area:.2%}; where 95 % of the digits pass, {passed:.2%} of the others do.\n"
        )
    print("\n".join(sections))
    sections += [section(one, output) for one in [*digits, *others]]
    with atomic_write(output / "README.md", "wt") as file:
        file.write("\n".join(sections))
    print(f"wrote {output / 'README.md'} and its pictures")


def like_no_digit(one: Answers) -> Answers:
    """Return the answers to characters that look like no digit."""
    chosen = [i for i, character in enumerate(one.truth) if character in NEGATIVE_CHARACTERS]
    lists = ([values[i] for i in chosen] for values in (one.truth, one.people))
    tensors = (values[chosen] for values in (one.probabilities, one.verdicts))
    return Answers(f"{one.name}, those like no digit", one.images[chosen], *lists, *tensors)


def verdict_table(sets: Sequence[Answers]) -> str:
    """Tabulate the share of each verdict, and of wrong answers among the sure ones."""
    rows = []
    for one in sets:
        sure = one.right[one.verdicts == SURE]
        wrong = f"{(~sure).float().mean():.2%}" if len(sure) else ""
        rows.append((one.name, *one.shares(), wrong))
    return table(("drawings or pictures", *calibration.VERDICTS, "of the sure, wrong"), rows)


def group_table(one: Answers) -> str:
    """Tabulate accuracy and verdicts by person or character, the lowest accuracy first."""
    keys = one.people if one.are_digits else [f"`{c}`".replace("|", "\\|") for c in one.truth]
    rows = []
    for key in {*keys} - {None}:
        chosen = [i for i, each in enumerate(keys) if each == key]
        right = one.right[chosen]
        wrong = int((~right & (one.verdicts[chosen] == SURE)).sum())
        rows.append((right.float().mean().item(), key, len(right), *one.shares(chosen), wrong))
    rows.sort(key=lambda row: (row[0], str(row[1])))
    header = ("by", "accuracy", "of", *calibration.VERDICTS, "sure and wrong")
    written = [(key, f"{accuracy:.2%}", *rest) for accuracy, key, *rest in rows]
    return table(header, written) if rows else ""


def section(one: Answers, output: Path) -> str:
    """Return one set's table and pictures as Markdown, and write the pictures to `output`."""
    stem = "".join(c if c.isalnum() else "-" for c in one.name.lower()).strip("-")
    figures = {"most wrong": plots.surest_mistakes(one.images, one.truth, one.probabilities)}
    if one.are_digits:
        answers, labels = one.probabilities.argmax(1), torch.tensor(one.truth)
        counts = trainer.confusion_matrix(answers, labels)
        figures = {"confusion": plots.confusion_matrix(counts, one.name), **figures}
    text = f"\n## {one.name}\n\n{group_table(one)}"
    for what, figure in figures.items():
        file = f"{stem}-{what.replace(' ', '-')}.png"
        plots.save(figure, output / file)
        text += f"\n![{what}]({file})\n"
    return text


if __name__ == "__main__":
    main()
