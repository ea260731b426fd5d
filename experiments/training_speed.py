"""Time training: a usual PyTorch loop beside `fit`, and seconds to an accuracy.

    python -m experiments.training_speed
    python -m experiments.training_speed --epochs 3 --seeds 1

The two loops take turns, an epoch each, so that a busy minute of the machine slows both. They start
from the same weights and see the same batches in the first epoch; the usual one reads one picture
at a time. About ten minutes on one idle core. Writes training_speed.md to runs/experiments, for
docs/speed.md.
"""

import argparse
import copy
import dataclasses
import sys
import time
from collections.abc import Iterator
from statistics import median

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, Subset, random_split
from torchvision import datasets, transforms

from experiments import common
from experiments.recipes import seeded_trainer
from experiments.tables import least_to_most
from mnist_core.drawing.framing import PIXELS
from mnist_core.network.model import MLP
from mnist_core.tables import table
from mnist_core.training.data import Dataset, load_mnist, select, split
from mnist_core.training.recipes import RECIPES, Recipe

TARGETS = (0.98, 0.99)


def main() -> None:
    parser = common.argument_parser("Time training.")
    parser.add_argument("--epochs", type=int, default=10, help="of each loop (%(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="runs to an accuracy (%(default)s)")
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    common.write_page(parser, "training_speed", "training_speed.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """The tables of docs/speed.md."""
    used = common.first(load_mnist(common.DATA, train=True), args.limit)
    training, validation = (select(used, part) for part in split(len(used[0])))
    recipe = dataclasses.replace(RECIPES["tutorial"], epochs=args.epochs)
    parts = [f"{common.machine()}; {len(training[0])} training images\n"]
    parts.append(compare_loops(training, validation, recipe))
    header = ("recipe", "epochs", *(f"{target:.0%}" for target in TARGETS), "best on the way")
    rows = [target_row(name, training, validation, args.seeds) for name in RECIPES]
    parts.append(f"Seconds of training to an accuracy on validation, n = {args.seeds} seeds\n")
    return "\n".join([*parts, table(header, rows)]), None


def usual_loop(count: int, model: MLP, recipe: Recipe) -> Iterator[tuple[float, float]]:
    """Training on the first `count` images as one writes it: seconds and loss of each epoch."""
    pictures = Subset(datasets.MNIST(common.DATA, transform=transforms.ToTensor()), range(count))
    # This generator, and the smaller part first, give the parts of `split`.
    sizes = [count // 10, count - count // 10]
    _, training = random_split(pictures, sizes, torch.Generator().manual_seed(0))
    sampler = RandomSampler(training, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(training, recipe.batch_size, sampler=sampler)
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    for _ in range(recipe.epochs):
        started = time.perf_counter()
        model.train()
        total = 0.0
        for images, labels in loader:
            loss = criterion(model(images.view(-1, PIXELS)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(images)
        yield time.perf_counter() - started, total / len(training)


def compare_loops(training: Dataset, validation: Dataset, recipe: Recipe) -> str:
    """Both loops in turn, on the same images."""
    trainer = seeded_trainer(training, recipe, 0)
    model = copy.deepcopy(trainer.model)
    usual = usual_loop(len(training[0]) + len(validation[0]), model, recipe)
    fit = trainer.fit(validation)
    turns = [(one, (epoch.seconds, epoch.training_loss)) for one, epoch in zip(usual, fit)]  # noqa: B905 in turn
    rows = []
    for name, epochs in zip(("the usual", "`fit`"), zip(*turns, strict=True), strict=True):
        seconds, losses = zip(*epochs, strict=True)
        spread = f"{median(seconds):.2f}", least_to_most(seconds, ".2f")
        rows.append((name, *spread, f"{losses[0]:.4f}", f"{losses[-1]:.4f}"))
    ratios = [usual[0] / ours[0] for usual, ours in turns]
    header = ("loop", "seconds an epoch, median", "least to most", "first training loss", "last")
    return f"""\
{table(header, rows)}
Turn by turn `fit` is {median(ratios):.1f} times as fast ({least_to_most(ratios)}, n = \
{len(ratios)}).
"""


def target_row(name: str, training: Dataset, validation: Dataset, seeds: int) -> list:
    """How long a recipe trains until it reaches each of TARGETS."""
    runs = [seconds_to(training, validation, RECIPES[name], seed) for seed in range(seeds)]
    cells = []
    for target in TARGETS:
        times = [reached[target] for reached, _ in runs if target in reached]
        spread = f"{median(times):.1f} ({least_to_most(times)})" if times else "not reached"
        cells.append(f"{spread}, {seeds - len(times)} not" if 0 < len(times) < seeds else spread)
    return [name, RECIPES[name].epochs, *cells, f"{max(best for _, best in runs):.2%}"]


def seconds_to(
    training: Dataset, validation: Dataset, recipe: Recipe, seed: int
) -> tuple[dict[float, float], float]:
    """Seconds until each target that was reached, and the best accuracy until the last was."""
    times: dict[float, float] = {}
    best = elapsed = 0.0
    for epoch in seeded_trainer(training, recipe, seed).fit(validation):
        elapsed += epoch.seconds
        best = max(best, epoch.validation_accuracy)
        for target in TARGETS:
            if best >= target:
                times.setdefault(target, elapsed)
        if len(times) == len(TARGETS):
            break
    print(f"seed {seed}  {times}  {best:.2%} after {elapsed:.1f} s", file=sys.stderr)
    return times, best


if __name__ == "__main__":
    main()
