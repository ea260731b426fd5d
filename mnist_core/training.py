"""Fit a network and evaluate it. Knows tensors, not files."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from tqdm import tqdm

from mnist_core.data import Dataset
from mnist_core.framing import to_input
from mnist_core.model import MLP

EVALUATION_BATCH = 4096


@dataclass(frozen=True)
class Recipe:
    """What a training run needs to know besides data and seed."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected more than 0")
        if any(width < 1 for width in self.hidden):
            raise ValueError(f"hidden sizes are {self.hidden}; expected at least 1 each")


RECIPES = {
    "tutorial": Recipe(hidden=(128, 64), epochs=10, batch_size=64, learning_rate=0.01),
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
) -> Iterator[Epoch]:
    """Train `model` in place, yielding after each epoch.

    `generator` shuffles the order of the training images, anew for each epoch.
    """
    images, labels = training
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    for number in range(1, recipe.epochs + 1):
        started = time.perf_counter()
        model.train()
        total = 0.0
        order = torch.randperm(len(images), generator=generator)
        batches = order.split(recipe.batch_size)
        for batch in tqdm(batches, f"epoch {number}", leave=False, disable=None):  # on terminals
            loss = criterion(model(to_input(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        seconds = time.perf_counter() - started
        yield Epoch(number, total / len(images), *evaluate(model, validation), seconds)


@torch.inference_mode()
def evaluate(model: MLP, dataset: Dataset) -> tuple[float, float]:
    """Mean loss an image and accuracy in [0, 1] of `model` on `dataset`."""
    images, labels = dataset
    model.eval()
    batches = images.split(EVALUATION_BATCH)
    log_probabilities = torch.cat([model(to_input(batch)) for batch in batches])  # (N, 10)
    loss = nn.functional.nll_loss(log_probabilities, labels)
    accuracy = (log_probabilities.argmax(1) == labels).float().mean()
    return loss.item(), accuracy.item()
