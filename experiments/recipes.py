"""Train the small recipes with several seeds: how far a network depends on its seed.

    python experiments/recipes.py --drawings data/pendigits-test.jsonl.gz

Does what `python scripts/train.py --recipe NAME --seed N` does, and reads MNIST's test images and
the drawings with each network. About two minutes on one core. Writes docs/recipes.md.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.tables import least_to_most, mean_and_deviation, table
from mnist_core.training import run
from mnist_core.training.checkpoint import Settings
from mnist_core.training.data import Dataset, load_mnist, render_drawings
from mnist_core.training.trainer import RECIPES, evaluate

HEADER = ("recipe", "read", "mean ± deviation", "least to most", "of", "seconds, median")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the small recipes with several seeds.")
    add = parser.add_argument
    add("--drawings", type=Path, required=True, metavar="FILE", help="read as strokes")
    add("--recipes", nargs="+", choices=RECIPES, default=["tutorial", "quick"], metavar="NAME")
    add("--seeds", type=int, default=5, help="how many (%(default)s)")
    add("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    add("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    args = parser.parse_args()
    try:
        sets = {"MNIST test": load_mnist(args.data, train=False)}
        sets[f"{args.drawings}, as strokes"] = render_drawings(read_drawings(args.drawings))
        make_directory(args.output)
        rows = []
        for name in args.recipes:
            trained = [train_and_read(name, seed, args.data, sets) for seed in range(args.seeds)]
            rows += rows_of(name, trained, sets)
    except UserError as error:
        parser.exit(2, f"recipes.py: {error}\n")
    page = report(rows, args.seeds)
    (args.output / "recipes.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'recipes.md'}")


def train_and_read(
    name: str, seed: int, data: Path, sets: dict[str, Dataset]
) -> tuple[float, list[float]]:
    """Seconds that its training alone took, and the accuracy on each of `sets`."""
    settings = Settings(name, RECIPES[name], seed, str(data), [], [], "cpu", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        current = run.begin(settings, Path(folder) / "run", Path(folder))
        run.train(current)
        model, _ = weights.load(current.directory)
    seconds = sum(row["seconds"] for row in current.checkpoint.history)
    return seconds, [evaluate(model, images)[1] for images in sets.values()]


def rows_of(name: str, trained: list, sets: dict[str, Dataset]) -> list[tuple]:
    seconds = f"{median(time for time, _ in trained):.1f}"
    rows = []
    for place, (what, (images, _)) in enumerate(sets.items()):
        shares = [100 * accuracies[place] for _, accuracies in trained]
        spread = f"{mean_and_deviation(shares)} %", f"{least_to_most(shares, '.2f')} %"
        rows.append((name, what, *spread, len(images), seconds))
    return rows


def report(rows: list[tuple], seeds: int) -> str:
    """docs/recipes.md."""
    command = " ".join(["python experiments/recipes.py", *sys.argv[1:]])
    load = os.getloadavg()[1]
    return "\n".join(
        [
            "# The small recipes, with several seeds\n",
            f"Made by `{command}`: seeds 0 to {seeds - 1}, the network of the epoch that reads"
            f" MNIST's validation images best, rounded. {os.cpu_count()} cores, no GPU, one"
            f" thread; seconds of training alone, while {load:.1f} processes ran on average"
            f" (this one among them). PyTorch {torch.__version__}.\n",
            table(HEADER, rows),
        ]
    )


if __name__ == "__main__":
    main()
