"""Train the small recipes with several seeds: how far a network depends on its seed.

    python experiments/recipes.py --drawings data/pendigits-test.jsonl.gz

Trains as `python scripts/train.py --recipe NAME --seed N` does, and reads MNIST's test images and
the drawings with the network that the last epoch leaves. About two minutes on one core. Writes
recipes.md to runs/experiments. To renew docs/recipes.md and what other texts quote of it:

    python experiments/recipes.py --drawings data/pendigits-test.jsonl.gz --output docs \\
        --figures docs/figures.json
"""

import argparse
import os
import sys
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network.model import MLP
from mnist_core.tables import least_to_most, mean_and_deviation, table, write_figures
from mnist_core.training.data import Dataset, load_mnist, render_drawings, select, split
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import Trainer, evaluate

HEADER = ("recipe, and what it reads", "mean ± deviation", "least to most", "of", "seconds, median")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the small recipes with several seeds.")
    add = parser.add_argument
    add("--drawings", type=Path, required=True, metavar="FILE", help="read as strokes")
    add("--recipes", nargs="+", choices=RECIPES, default=["tutorial", "quick"], metavar="NAME")
    add("--seeds", type=int, default=5, help="how many (%(default)s)")
    add("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    add("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    add("--figures", type=Path, metavar="FILE", help="JSON to keep what texts quote in")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        dataset = load_mnist(args.data, train=True)
        sets = {"MNIST test": load_mnist(args.data, train=False)}
        sets[f"{args.drawings}, as strokes"] = render_drawings(read_drawings(args.drawings))
        make_directory(args.output)
        rows = []
        for name in args.recipes:
            trained = [train_and_read(name, seed, dataset, sets) for seed in range(args.seeds)]
            rows += rows_of(name, trained, sets)
        page = report(rows, args.seeds)
        if args.figures:
            write_figures(args.figures, "recipes", page)
    except UserError as error:
        parser.exit(2, f"recipes.py: {error}\n")
    (args.output / "recipes.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'recipes.md'}")


def train_and_read(
    name: str, seed: int, dataset: Dataset, sets: dict[str, Dataset]
) -> tuple[float, list[float]]:
    """Seconds that its training alone took, and the accuracy on each of `sets`."""
    model, seconds = train(dataset, RECIPES[name], seed)
    print(f"{name}, seed {seed}: {seconds:.1f} s", file=sys.stderr)
    return seconds, [evaluate(model, images)[1] for images in sets.values()]


def train(dataset: Dataset, recipe: Recipe, seed: int) -> tuple[MLP, float]:
    """Train on nine tenths of `dataset`.

    Returns the network after the last epoch and the seconds that its steps took.
    """
    training, validation = (select(dataset, part) for part in split(len(dataset[0])))
    torch.manual_seed(seed)
    model = MLP(recipe.hidden, recipe.batch_norm)
    trainer = Trainer(model, training, recipe, torch.Generator().manual_seed(seed))
    seconds = sum(epoch.seconds for epoch in trainer.fit(validation))
    return trainer.ema_model.fused(), seconds


def rows_of(name: str, trained: list, sets: dict[str, Dataset]) -> list[tuple]:
    seconds = f"{median(time for time, _ in trained):.1f}"
    rows = []
    for place, (what, (images, _)) in enumerate(sets.items()):
        shares = [100 * accuracies[place] for _, accuracies in trained]
        spread = f"{mean_and_deviation(shares)} %", f"{least_to_most(shares, '.2f')} %"
        rows.append((f"{name}, {what}", *spread, len(images), seconds))
    return rows


def report(rows: list[tuple], seeds: int) -> str:
    """docs/recipes.md."""
    command = " ".join(["python experiments/recipes.py", *sys.argv[1:]])
    load = os.getloadavg()[1]
    return "\n".join(
        [
            "# The small recipes, with several seeds\n",
            f"Made by `{command}`: seeds 0 to {seeds - 1}, the network after the last epoch."
            f" {os.cpu_count()} cores, no GPU, one"
            f" thread; seconds of training alone, while {load:.1f} processes ran on average"
            f" (this one among them). PyTorch {torch.__version__}.\n",
            table(HEADER, rows),
        ]
    )


if __name__ == "__main__":
    main()
