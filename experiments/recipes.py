"""Train the small recipes with several seeds: how much a network depends on its seed.

    python -m experiments.recipes --drawings data/pendigits-test.jsonl.gz

Trains as `python scripts/train.py --recipe NAME --seed N` does, and reads MNIST's test images and
the drawings with the network of the last epoch. About two minutes on one core. Writes recipes.md to
runs/experiments; `--output docs --figures docs/figures.json` renews that of docs/.
"""

import argparse
import sys
from pathlib import Path
from statistics import median

import torch

from experiments import common
from experiments.tables import least_to_most, mean_and_deviation
from mnist_core.drawing.strokes import read_drawings
from mnist_core.network.model import MLP
from mnist_core.tables import table
from mnist_core.training.data import Dataset, load_mnist, render_drawings, select, split
from mnist_core.training.negatives import make_negatives
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import Trainer, evaluate

HEADER = ("recipe, and what it reads", "mean ± deviation", "least to most", "of", "seconds, median")


def main() -> None:
    parser = common.argument_parser("Train the small recipes with several seeds.")
    parser.add_argument("--drawings", type=Path, required=True, help="read as strokes")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=["tutorial", "quick"])
    parser.add_argument("--seeds", type=int, default=5, help="how many (%(default)s)")
    common.write_page(parser, "recipes", "recipes.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/recipes.md."""
    mnist = load_mnist(common.DATA, train=True)
    sets = {
        "MNIST test": load_mnist(common.DATA, train=False),
        f"{args.drawings}, as strokes": render_drawings(read_drawings(args.drawings)),
    }
    rows = []
    for name in args.recipes:
        runs = [train(mnist, RECIPES[name], seed) for seed in range(args.seeds)]
        seconds = f"{median(seconds for _, seconds in runs):.1f}"
        for what, dataset in sets.items():
            shares = [100 * evaluate(model, dataset)[1] for model, _ in runs]
            spread = f"{mean_and_deviation(shares)} %", f"{least_to_most(shares, '.2f')} %"
            rows.append((f"{name}, {what}", *spread, len(dataset[1]), seconds))
    page = f"""\
# The small recipes, with several seeds

Made by `{common.command()}`: seeds 0 to {args.seeds - 1}, the network after the last epoch. \
{common.machine()}; seconds of training alone.

{table(HEADER, rows)}"""
    return page, None


def train(dataset: Dataset, recipe: Recipe, seed: int) -> tuple[MLP, float]:
    """Train on nine tenths of `dataset`: the network after the last epoch, and seconds of steps."""
    training, validation = (select(dataset, part) for part in split(len(dataset[0])))
    trainer = seeded_trainer(training, recipe, seed)
    seconds = sum(epoch.seconds for epoch in trainer.fit(validation))
    print(f"seed {seed}: {seconds:.1f} s", file=sys.stderr)
    return trainer.ema_model.fused(), seconds


def seeded_trainer(training: Dataset, recipe: Recipe, seed: int) -> Trainer:
    """A trainer whose first weights, batches and images of no digit depend on `seed` alone."""
    torch.manual_seed(seed)
    model, generator = MLP(recipe.hidden, recipe.batch_norm), torch.Generator().manual_seed(seed)
    negatives = None
    if recipe.negatives:
        negatives = make_negatives(recipe.negatives, training[0], generator)
    return Trainer(model, training, recipe, generator, negatives)


if __name__ == "__main__":
    main()
