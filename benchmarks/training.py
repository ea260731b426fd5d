"""Time training: the usual loop beside `fit`, seconds to an accuracy, and the floor under both.

    python benchmarks/training.py
    python benchmarks/training.py --epochs 3 --seeds 1 --threads 2

Prints Markdown. The two loops take turns, an epoch each, so that a busy minute of the
machine slows both. They start from the same weights, and in the first epoch see the same
batches; the usual one reads one picture at a time.
"""

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, random_split
from torchvision import datasets, transforms

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.framing import PIXELS, to_input
from mnist_core.errors import UserError
from mnist_core.network.model import DIGITS, MLP
from mnist_core.tables import least_to_most, table
from mnist_core.training.augment import augment
from mnist_core.training.data import Dataset, load_mnist, select, split
from mnist_core.training.negatives import make_negatives
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import Epoch, Trainer

TARGETS = (0.98, 0.99)
TIMING_SECONDS = 0.5  # for each part of a step

TimedEpoch = tuple[Epoch, float]  # and its seconds, validation included
Turn = tuple[TimedEpoch, TimedEpoch]  # the usual loop's and ours


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    torch.set_num_threads(max(1, args.threads))
    torch.set_float32_matmul_precision(args.precision)
    try:
        recipe = dataclasses.replace(RECIPES["tutorial"], epochs=args.epochs)
        training, validation = parts(load_mnist(args.data, train=True), args.limit)
    except UserError as error:
        parser.exit(2, f"training.py: {error}\n")
    print(
        f"{torch.get_num_threads()} of {os.cpu_count()} cores, no GPU, PyTorch {torch.__version__},"
        f" precision {args.precision};"
        f" {len(training[0])} training images, {len(validation[0])} of validation\n"
    )
    print(compare_loops(training, validation, args.data, recipe), flush=True)
    for name in RECIPES:
        print(split_step(name, RECIPES[name], training), flush=True)
    if args.seeds:
        print(time_to_targets(training, validation, args.seeds))


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Time training.")
    parser.add_argument("--epochs", type=int, default=10, help="of each loop (%(default)s)")
    parser.add_argument(
        "--seeds", type=int, default=3, help="runs to an accuracy, 0 for none (%(default)s)"
    )
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (%(default)s)")
    parser.add_argument(
        "--precision",
        choices=("highest", "high", "medium"),
        default="highest",
        help="of PyTorch's float32 products, torch.set_float32_matmul_precision (%(default)s)",
    )
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    return parser


def parts(dataset: Dataset, limit: int) -> tuple[Dataset, Dataset]:
    """Of the first `limit` images (ten or more): nine tenths to train on, a tenth to validate."""
    training, validation = split(min(max(10, limit), len(dataset[0])))
    return select(dataset, training), select(dataset, validation)


# The two loops ---------------------------------------------------------------


def usual_data(
    data: Path, count: int, batch_size: int, generator: torch.Generator
) -> tuple[DataLoader, DataLoader]:
    """Training and validation as one writes them with torchvision, of the first `count` images."""
    pictures = datasets.MNIST(data, train=True, transform=transforms.ToTensor())
    first = torch.utils.data.Subset(pictures, range(count))
    # With this generator, and the smaller part first, the parts are those of `split`.
    validation, training = random_split(
        first, [count // 10, count - count // 10], torch.Generator().manual_seed(0)
    )
    # shuffle=True, but the first epoch's order is the one that `fit` draws.
    sampler = RandomSampler(training, generator=generator)
    return DataLoader(training, batch_size, sampler=sampler), DataLoader(validation, batch_size)


def usual_loop(
    model: MLP, training: DataLoader, validation: DataLoader, recipe: Recipe
) -> Iterator[Epoch]:
    """Training as one writes it."""
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    for number in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        model.train()
        total = 0.0
        for images, labels in training:
            loss = criterion(model(images.view(-1, PIXELS)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(images)
        seconds = time.perf_counter() - started
        yield Epoch(number, total / len(training.dataset), *score(model, validation), seconds)


@torch.no_grad()
def score(model: MLP, loader: DataLoader) -> tuple[float, float]:
    """Mean loss an image and accuracy."""
    model.eval()
    total, right, count = 0.0, 0, 0
    for images, labels in loader:
        log_probabilities = model(images.view(-1, PIXELS))
        total += nn.functional.nll_loss(log_probabilities, labels, reduction="sum").item()
        right += (log_probabilities.argmax(1) == labels).sum().item()
        count += len(images)
    return total / count, right / count


def take_turns(
    training: Dataset, validation: Dataset, loaders: tuple[DataLoader, DataLoader], recipe: Recipe
) -> list[Turn]:
    """For each epoch the usual loop's and then ours, from the same first weights."""
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(MLP(recipe.hidden))
    usual = usual_loop(models[0], *loaders, recipe)
    ours = Trainer(models[1], training, recipe, torch.Generator().manual_seed(0)).fit(validation)
    return list(zip(timed(usual), timed(ours), strict=True))


def timed(epochs: Iterator[Epoch]) -> Iterator[TimedEpoch]:
    """Each epoch and the seconds that it took, validation included."""
    started = time.perf_counter()
    for epoch in epochs:
        yield epoch, time.perf_counter() - started
        started = time.perf_counter()


def compare_loops(training: Dataset, validation: Dataset, data: Path, recipe: Recipe) -> str:
    """Both loops in turn, on the same images: a section of docs/speed.md."""
    count = len(training[0]) + len(validation[0])
    loaders = usual_data(data, count, recipe.batch_size, torch.Generator().manual_seed(0))
    turns = take_turns(training, validation, loaders, recipe)
    reading = microseconds(lambda: [None for _ in loaders[0]]) / 1e6
    alone = [usual.seconds / ours.seconds for (usual, _), (ours, _) in turns]
    whole = [usual / ours for (_, usual), (_, ours) in turns]
    how = f"{recipe.epochs} epochs in turn, batches of {recipe.batch_size}"
    return "\n".join(
        [
            f"## The same network, {how}\n",
            loop_table(turns, len(training[0])),
            *(
                f"Turn by turn, {what}, `fit` is {median(ratios):.1f} times as fast"
                f" ({least_to_most(ratios)}, n = {len(ratios)}).\n"
                for what, ratios in (("training alone", alone), ("with validation", whole))
            ),
            f"The usual loop spends {reading:.2f} s an epoch on reading (median of 5 or more).\n",
        ]
    )


def loop_table(turns: list[Turn], images: int) -> str:
    """The two loops, which trained on so many images."""
    header = (
        "loop", "seconds an epoch, median", "least to most", "images a second", "with validation",
        "last training loss", "validation accuracy",
    )  # fmt: skip
    rows = []
    for name, epochs in zip(("the usual", "`fit`"), zip(*turns, strict=True), strict=True):
        times = [epoch.seconds for epoch, _ in epochs]
        last, _ = epochs[-1]
        cells = (
            f"{median(times):.2f}",
            least_to_most(times, ".2f"),
            f"{images / median(times):,.0f}",
            f"{median(whole for _, whole in epochs):.2f}",
            f"{last.training_loss:.4f}",
            f"{last.validation_accuracy:.2%}",
        )
        rows.append((name, *cells))
    return table(header, rows)


# Seconds to an accuracy ------------------------------------------------------


def time_to_targets(training: Dataset, validation: Dataset, seeds: int) -> str:
    """How long each recipe trains to each of TARGETS: a section of docs/speed.md."""
    rows = []
    for name, recipe in RECIPES.items():
        runs = [seconds_to(training, validation, recipe, seed) for seed in range(seeds)]
        cells = [reached([times.get(target) for times, _ in runs]) for target in TARGETS]
        best = max(accuracy for _, accuracy in runs)
        rows.append((name, recipe.epochs, *cells, f"{best:.2%}"))
    targets = [f"{target:.0%}" for target in TARGETS]
    return f"## Seconds of training to an accuracy on validation, n = {seeds} seeds\n\n" + table(
        ["recipe", "epochs", *targets, "best accuracy on the way"], rows
    )


def seconds_to(
    training: Dataset, validation: Dataset, recipe: Recipe, seed: int
) -> tuple[dict[float, float], float]:
    """Seconds until each target that was reached, and the best accuracy until the last was."""
    torch.manual_seed(seed)
    model = MLP(recipe.hidden, recipe.batch_norm)
    generator = torch.Generator().manual_seed(seed)
    count = recipe.negatives
    negatives = make_negatives(count, training[0], generator) if count else None
    times: dict[float, float] = {}
    best, elapsed = 0.0, 0.0
    for epoch in Trainer(model, training, recipe, generator, negatives).fit(validation):
        elapsed += epoch.seconds
        best = max(best, epoch.validation_accuracy)
        for target in TARGETS:
            if best >= target:
                times.setdefault(target, elapsed)
        if len(times) == len(TARGETS):
            break
    print(f"seed {seed}  {times}  {best:.2%} after {elapsed:.1f} s", file=sys.stderr)
    return times, best


def reached(seconds: list[float | None]) -> str:
    """The seconds that it took each seed, None where it was not reached."""
    times = [value for value in seconds if value is not None]
    if not times:
        return "not reached"
    text = f"{median(times):.1f} ({least_to_most(times)})"
    missed = len(seconds) - len(times)
    return f"{text}, {missed} not" if missed else text


# Where the time goes ---------------------------------------------------------


def split_step(name: str, recipe: Recipe, training: Dataset) -> str:
    """A step's parts, each timed alone, beside its multiplications alone."""
    costs = step_costs(recipe, training)
    together = sum(costs.values())
    operations, floor = multiplications(recipe)
    steps = len(training[0]) / recipe.batch_size
    costs |= {"together": together, "floor: its matrix multiplications alone": floor}
    rows = [(part, f"{cost:.0f}", f"{cost * steps / 1e6:.2f}") for part, cost in costs.items()]
    return "\n".join(
        [
            f"## A step of `{name}`, {recipe.batch_size} images, medians\n",
            table(["part", "µs a step", "s an epoch"], rows),
            f"{operations / 1e6:.1f} million operations a step, in products of these shapes"
            f" {operations / floor / 1e3:.0f} GFLOP/s;"
            f" a step takes {together / floor:.1f} floors.\n",
        ]
    )


def step_costs(recipe: Recipe, training: Dataset) -> dict[str, float]:
    """Microseconds of each part of a step."""
    images, labels = training[0], training[1][: recipe.batch_size]
    model = MLP(recipe.hidden, recipe.batch_norm)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    generator = torch.Generator().manual_seed(0)
    batch = torch.randperm(len(images), generator=generator)[: recipe.batch_size]
    chosen = images[batch]
    inputs = to_input(chosen)

    def forward() -> torch.Tensor:
        return nn.functional.nll_loss(model(inputs), labels)

    costs = {"indexing, to float": microseconds(lambda: to_input(images[batch]))}
    if recipe.augment:
        costs["augmentation"] = microseconds(lambda: augment(chosen, generator))
    costs["forward"] = microseconds(forward)
    costs["backward"] = microseconds(lambda: forward().backward()) - costs["forward"]
    costs["optimiser"] = microseconds(optimizer.step)
    return costs


def multiplications(recipe: Recipe) -> tuple[int, float]:
    """Floating-point operations a step and the microseconds that they take as bare products.

    A layer multiplies three times: forward, for its weights' gradient and, except for
    the first, for its inputs' gradient.
    """
    widths = (PIXELS, *recipe.hidden, DIGITS)
    operations, cost = 0, 0.0
    for index, (before, after) in enumerate(pairwise(widths)):
        inputs, weights = torch.rand(recipe.batch_size, before), torch.rand(after, before)
        gradients = torch.rand(recipe.batch_size, after)
        products = [(inputs, weights.T), (gradients.T, inputs), (gradients, weights)]
        for one, other in products[: 3 if index else 2]:
            operations += 2 * recipe.batch_size * before * after
            cost += microseconds(lambda one=one, other=other: one @ other)
    return operations, cost


def microseconds(action: Callable[[], object]) -> float:
    """The median time of `action`, five times or more, over about TIMING_SECONDS."""
    action()
    times = []
    finished = time.perf_counter() + TIMING_SECONDS
    while len(times) < 5 or time.perf_counter() < finished:
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return 1e6 * median(times)


if __name__ == "__main__":
    main()
