"""Fit a network and evaluate it. Knows tensors, not files."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from tqdm import tqdm

from mnist_core.augment import augment
from mnist_core.data import Dataset
from mnist_core.framing import to_input
from mnist_core.model import MAX_LAYERS, MAX_WIDTH, MLP

EVALUATION_BATCH = 4096
OUTLIER_SHARE = 8  # one outlier for so many digits in a batch
OUTLIER_WEIGHT = 0.1  # of their loss, beside that of the digits


@dataclass(frozen=True)
class Recipe:
    """What a training run needs to know besides data and seed."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float  # with one_cycle, the largest
    weight_decay: float = 0.0
    one_cycle: bool = False  # the learning rate rises for a tenth of the steps, then falls to 0
    batch_norm: bool = False
    augment: bool = False
    outliers: int = 0  # how many images of no digit to make and train on

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected more than 0")
        if len(self.hidden) > MAX_LAYERS or any(not 1 <= n <= MAX_WIDTH for n in self.hidden):
            raise ValueError(
                f"hidden sizes are {self.hidden}; expected up to {MAX_LAYERS} of 1 to {MAX_WIDTH}"
            )
        if self.batch_norm and self.batch_size < 2:
            raise ValueError("batch_size is 1; expected at least 2, for batch normalisation")


RECIPES = {
    "tutorial": Recipe(hidden=(128, 64), epochs=10, batch_size=64, learning_rate=0.01),
    "best": Recipe(
        hidden=(1024, 1024),
        epochs=30,
        batch_size=256,
        learning_rate=0.008,
        weight_decay=0.01,
        one_cycle=True,
        batch_norm=True,
        augment=True,
        outliers=8000,
    ),
}


@dataclass(frozen=True)
class Epoch:
    """One line of a training's history; losses are means an image, accuracy is in [0, 1]."""

    number: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


def fit(
    model: MLP,
    training: Dataset,
    validation: Dataset,
    recipe: Recipe,
    generator: torch.Generator,
    outliers: torch.Tensor | None = None,
) -> Iterator[Epoch]:
    """Train `model` in place, yielding after each epoch.

    `generator` shuffles the training images, anew for each epoch, and augments
    them. `outliers`, (M, 28, 28) uint8, are images of no digit: a few join each
    batch, with every digit as likely as another for their target.
    """
    images, labels = training
    criterion = nn.NLLLoss()
    # Without weight decay AdamW is Adam.
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = _schedule(optimizer, recipe, len(images))
    for number in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        model.train()
        total = 0.0
        batches = torch.randperm(len(images), generator=generator).split(recipe.batch_size)
        for batch in tqdm(batches, f"epoch {number}", leave=False, disable=None):  # on terminals
            if recipe.batch_norm and len(batch) == 1:
                continue  # one image has no variance to normalise by
            inputs = _inputs(images[batch], outliers, recipe, generator)
            log_probabilities = model(inputs)
            loss = criterion(log_probabilities[: len(batch)], labels[batch])
            total += loss.item() * len(batch)
            if len(inputs) > len(batch):  # cross-entropy with a tenth for each digit
                loss = loss - OUTLIER_WEIGHT * log_probabilities[len(batch) :].mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - started
        yield Epoch(number, total / len(images), *evaluate(model, validation), seconds)


def _schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, count: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if not recipe.one_cycle:
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    steps = recipe.epochs * math.ceil(count / recipe.batch_size)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=max(steps, 20),  # it can't divide fewer
        pct_start=0.1,
    )


def _inputs(
    images: torch.Tensor,
    outliers: torch.Tensor | None,
    recipe: Recipe,
    generator: torch.Generator,
) -> torch.Tensor:
    """A batch for the network: the images, then a few outliers, augmented where the recipe says."""
    if outliers is not None:
        few = torch.randint(len(outliers), (len(images) // OUTLIER_SHARE,), generator=generator)
        images = torch.cat([images, outliers[few]])
    return to_input(augment(images, generator) if recipe.augment else images)


@torch.inference_mode()
def predict(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """(N, 10) log-probabilities for (N, 28, 28) images, however many."""
    model.eval()
    return torch.cat([model(to_input(batch)) for batch in images.split(EVALUATION_BATCH)])


def evaluate(model: MLP, dataset: Dataset) -> tuple[float, float]:
    """Mean loss an image and accuracy in [0, 1] of `model` on `dataset`."""
    images, labels = dataset
    log_probabilities = predict(model, images)
    loss = nn.functional.nll_loss(log_probabilities, labels)
    accuracy = (log_probabilities.argmax(1) == labels).float().mean()
    return loss.item(), accuracy.item()
