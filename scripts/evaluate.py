"""Score a network on MNIST's test images and on drawings, and write a page with pictures.

    python scripts/evaluate.py
    python scripts/evaluate.py --drawings data/pendigits-test.jsonl.gz --output docs/evaluation

Needs no network. Exit code 2 when something is missing or can't be written.
"""

import argparse
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory, replacing
from mnist_core.network import weights
from mnist_core.network.calibration import accuracy_table
from mnist_core.training import plots, trainer
from mnist_core.training.data import Dataset, load_mnist, render_drawings


def main() -> None:
    parser = argparse.ArgumentParser(description="Score a network and write a page with pictures.")
    add = parser.add_argument
    add("--weights", type=Path, default=ROOT / "weights", help="the network")
    add("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    add("--drawings", type=Path, nargs="+", default=[], metavar="FILE", help="scored as strokes")
    add("--output", type=Path, default=ROOT / "docs" / "evaluation", help="where to write")
    add("--limit", type=int, default=10_000, help="test images (%(default)s)")
    given = vars(parser.parse_args())
    torch.set_num_threads(1)
    try:
        evaluate(given.pop("weights"), **given)
    except UserError as error:
        parser.exit(2, f"evaluate.py: {error}\n")


def evaluate(network: Path, data: Path, drawings: list[Path], output: Path, limit: int) -> None:
    """Score the network in a folder on up to `limit` test images; write README.md to `output`."""
    model, _ = weights.load(network)
    images, labels = load_mnist(data, train=False)
    sets = {"MNIST test": (images[: max(1, limit)], labels[: max(1, limit)])}
    sets |= {f"{path}, as strokes": render_drawings(read_drawings(path)) for path in drawings}
    make_directory(output)
    answers = {name: trainer.predict(model, images).exp() for name, (images, _) in sets.items()}
    sections = [
        f"# Evaluation\n\nMade by `python scripts/evaluate.py {' '.join(sys.argv[1:])}`.\n",
        accuracy_table({name: (answers[name], sets[name][1]) for name in sets}),
    ]
    if not drawings:
        sections.insert(1, "Left out: drawings, as none were given (`--drawings FILE`).\n")
    print("\n".join(sections))
    sections += [pictures(name, sets[name], answers[name], output) for name in sets]
    with replacing(output / "README.md", "wt") as file:
        file.write("\n".join(sections))
    print(f"wrote {output / 'README.md'} and its pictures")


def pictures(name: str, dataset: Dataset, probabilities: torch.Tensor, output: Path) -> str:
    """Confusion matrix and hardest mistakes of one set: files, and Markdown for them."""
    images, labels = dataset
    stem = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    counts = trainer.confusion_matrix(probabilities.argmax(1), labels)
    drawn = {
        "confusion": plots.confusion_matrix(counts),
        "most wrong": plots.hardest_mistakes(images, labels, probabilities),
    }
    section = f"\n## {name}\n"
    for what, figure in drawn.items():
        file = f"{stem}-{what.replace(' ', '-')}.png"
        plots.save(figure, output / file)
        section += f"\n![{what}]({file})\n"
    return section


if __name__ == "__main__":
    main()
