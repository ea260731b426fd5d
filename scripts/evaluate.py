"""Score a network on MNIST's test images, on drawings and on letters; write a page with pictures.

    python scripts/evaluate.py
    python scripts/evaluate.py --drawings data/pendigits-test.jsonl.gz \\
        --not-digits data/unipen-characters.jsonl.gz --output docs/evaluation

Needs no network. Exit code 2 when something is missing or can't be written.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory, replacing
from mnist_core.network import calibration, weights
from mnist_core.network.model import MLP
from mnist_core.tables import table
from mnist_core.training import plots, trainer
from mnist_core.training.data import contributor_of, load_mnist, render_drawings, writer_of


@dataclass
class Answers:
    """What a network read in a set of images; `truth` is a digit, or a character, of each."""

    name: str
    images: torch.Tensor
    truth: list
    probabilities: torch.Tensor
    verdicts: torch.Tensor  # (N,) places in calibration.VERDICTS
    people: list  # who drew each, where that is known

    @property
    def right(self) -> torch.Tensor:
        return self.probabilities.argmax(1) == torch.tensor(self.truth)


def main() -> None:
    parser = argparse.ArgumentParser(description="Score a network and write a page with pictures.")
    add = parser.add_argument
    files = {"type": Path, "nargs": "+", "default": [], "metavar": "FILE"}
    add("--weights", type=Path, default=ROOT / "weights", help="the network")
    add("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    add("--drawings", **files, help="digits, scored as strokes")
    add("--not-digits", **files, help="letters and signs: how many are called digits")
    add("--output", type=Path, default=ROOT / "docs" / "evaluation", help="where to write")
    add("--limit", type=int, default=10_000, help="test images (%(default)s)")
    given = vars(parser.parse_args())
    torch.set_num_threads(1)
    try:
        evaluate(given.pop("weights"), **given)
    except UserError as error:
        parser.exit(2, f"evaluate.py: {error}\n")


def evaluate(
    network: Path,
    data: Path,
    drawings: list[Path],
    not_digits: list[Path],
    output: Path,
    limit: int,
) -> None:
    """Score the network in a folder on up to `limit` test images; write README.md to `output`."""
    model, config = weights.load(network)
    images, labels = (tensor[: max(1, limit)] for tensor in load_mnist(data, train=False))
    sets = [answer(model, config, "MNIST test", images, labels.tolist())]
    sets += [answer_drawings(model, config, path, True) for path in drawings]
    others = [answer_drawings(model, config, path, False) for path in not_digits]
    make_directory(output)
    accuracies = {one.name: (one.probabilities, torch.tensor(one.truth)) for one in sets}
    sections = [
        f"# Evaluation\n\nMade by `python scripts/evaluate.py {' '.join(sys.argv[1:])}`.\n",
        calibration.accuracy_table(accuracies),
        "\nAt the network's own thresholds:\n",
        verdict_table([*sets, *others]),
        *[separation_line(sets, one) for one in others],
    ]
    if not drawings:
        sections.insert(1, "Left out: drawings, as none were given (`--drawings FILE`).\n")
    print("\n".join(sections))
    sections += [section(one, people_table(one), output) for one in sets]
    sections += [section(one, character_table(one), output) for one in others]
    with replacing(output / "README.md", "wt") as file:
        file.write("\n".join(sections))
    print(f"wrote {output / 'README.md'} and its pictures")


def answer_drawings(model: MLP, config: dict, path: Path, digits: bool) -> Answers:
    """What the network reads in a drawing file; people are contributors where there are several."""
    drawings = read_drawings(path, digits)
    print(f"reading {len(drawings):,} drawings of {path}", file=sys.stderr)
    people = list(map(contributor_of, drawings))
    if len(set(people)) == 1:
        people = list(map(writer_of, drawings))
    images, labels = render_drawings(drawings)
    characters = [drawing.extra.get("character", "?") for drawing in drawings]
    name = f"{path}, as strokes"
    return answer(model, config, name, images, labels.tolist() if digits else characters, people)


def answer(
    model: MLP,
    config: dict,
    name: str,
    images: torch.Tensor,
    truth: list,
    people: Sequence = (),
) -> Answers:
    probabilities = trainer.predict(model, images).exp()
    verdicts = calibration.verdicts(probabilities, config["thresholds"])
    return Answers(name, images, truth, probabilities, verdicts, list(people))


def verdict_table(sets: Sequence[Answers]) -> str:
    """How much of each set is called what, and how many of a digit's sure answers are wrong."""
    rows = []
    for one in sets:
        shares = one.verdicts.bincount(minlength=3) / len(one.verdicts)
        sure = one.verdicts == 2
        digits = all(isinstance(true, int) for true in one.truth)
        wrong = f"{(~one.right[sure]).float().mean():.2%}" if digits and sure.any() else ""
        rows.append((one.name, *(f"{share:.2%}" for share in shares), wrong))
    return table(("drawings or pictures", *calibration.VERDICTS, "of the sure, wrong"), rows)


def separation_line(sets: Sequence[Answers], others: Answers) -> str:
    """How well the network's doubt tells all digits from `others`."""
    digits = torch.cat([one.probabilities for one in sets])
    area, passed = calibration.separation(digits, others.probabilities)
    return (
        f"\nDigits against {others.name}, by what the two leading digits have together: AUROC "
        f"{area:.2%}; where 95 % of the digits pass, {passed:.2%} of the others do.\n"
    )


def people_table(one: Answers) -> str:
    """A row for each person or contributor, the worst read first; nothing where none is named."""
    rows = []
    for name, chosen in by(one.people).items():
        if name is None:
            continue
        right, sure = one.right[chosen], one.verdicts[chosen] == 2
        none = (one.verdicts[chosen] == 0).float().mean()
        share = right.float().mean().item()
        wrong = int((sure & ~right).sum())
        rows.append((share, (name, f"{share:.2%}", len(chosen), f"{none:.2%}", wrong)))
    rows = [row for _, row in sorted(rows, key=lambda row: row[0])]
    header = ("by", "accuracy", "of", "no digit", "sure and wrong")
    return f"\n{table(header, rows)}" if rows else ""


def character_table(one: Answers) -> str:
    """A row for each character: its verdicts, and which digit it is most often surely taken for."""
    rows = []
    for character, chosen in sorted(by(one.truth).items()):
        verdicts, answers = one.verdicts[chosen], one.probabilities[chosen].argmax(1)
        shares = verdicts.bincount(minlength=3) / len(chosen)
        sure = Counter(answers[verdicts == 2].tolist()).most_common(1)
        code = f"`{character}`".replace("|", "\\|")
        percentages = (f"{share:.1%}" for share in shares)
        rows.append((code, len(chosen), *percentages, sure[0][0] if sure else ""))
    header = ("character", "of", *calibration.VERDICTS, "mostly taken for")
    return f"\n{table(header, rows)}"


def by(keys: Sequence) -> dict:
    """Which places each key is found at."""
    places = defaultdict(list)
    for i, key in enumerate(keys):
        places[key].append(i)
    return places


def section(one: Answers, tables: str, output: Path) -> str:
    """One set's tables, its confusion matrix and its worst answers: files, and Markdown."""
    stem = "".join(c if c.isalnum() else "-" for c in one.name.lower()).strip("-")
    drawn = {"most wrong": plots.surest_mistakes(one.images, one.truth, one.probabilities)}
    if all(isinstance(true, int) for true in one.truth):
        labels = torch.tensor(one.truth)
        counts = trainer.confusion_matrix(one.probabilities.argmax(1), labels)
        drawn = {"confusion": plots.confusion_matrix(counts), **drawn}
    text = f"\n## {one.name}\n{tables}"
    for what, figure in drawn.items():
        file = f"{stem}-{what.replace(' ', '-')}.png"
        plots.save(figure, output / file)
        text += f"\n![{what}]({file})\n"
    return text


if __name__ == "__main__":
    main()
