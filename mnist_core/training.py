"""Fit a network and evaluate it. Knows tensors, not files.

Everything happens on the device that the network is on. Random numbers are the
CPU's, so that a seed means the same run on each. In several processes, as
torchrun starts them, each takes its part of every batch (parallel.py).
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from tqdm import tqdm

from mnist_core import parallel
from mnist_core.augment import augment
from mnist_core.data import Dataset
from mnist_core.framing import to_input
from mnist_core.model import DIGITS, MAX_LAYERS, MAX_WIDTH, MLP

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
    # The tutorial's network with the schedule and the batch normalisation of `best`.
    "quick": Recipe(
        hidden=(128, 64),
        epochs=6,
        batch_size=256,
        learning_rate=0.01,
        one_cycle=True,
        batch_norm=True,
    ),
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


class Fitting:
    """A training under way. `state_dict` between two epochs holds all that the rest depends on.

    `generator`, the CPU's, shuffles the training images, anew for each epoch, and
    augments them. `outliers`, (M, 28, 28) uint8, are images of no digit: a few join
    each batch, with every digit as likely as another for their target.
    """

    def __init__(
        self,
        model: MLP,
        training: Dataset,
        recipe: Recipe,
        generator: torch.Generator,
        outliers: torch.Tensor | None = None,
    ) -> None:
        device = _device(model)
        self.images, self.labels = (tensor.to(device) for tensor in training)
        self.outliers = None if outliers is None else outliers.to(device)
        self.model, self.recipe, self.generator = model, recipe, generator
        self.network = parallel.distributed_model(model)
        # Without weight decay AdamW is Adam.
        self.optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=True,  # one kernel for all weights: a quarter less time a step
        )
        self.schedule = _schedule(self.optimizer, recipe, len(self.images))
        self.epochs = 0  # done so far

    def run_epoch(self, validation: Dataset) -> Epoch:
        """Train for an epoch and evaluate. Raises ValueError when the loss is no longer finite."""
        started = time.perf_counter()
        training_loss = self._train()
        seconds = time.perf_counter() - started
        loss, accuracy = evaluate(self.model, validation)
        if not math.isfinite(training_loss + loss):
            raise ValueError(
                f"the training diverged in epoch {self.epochs + 1}: its mean loss is "
                f"{training_loss}, on validation {loss}. Choose a lower learning rate"
            )
        self.epochs += 1
        return Epoch(self.epochs, training_loss, loss, accuracy, seconds)

    def _train(self) -> float:
        """One pass over the training images: their mean loss."""
        self.model.train()
        total, count = 0.0, len(self.images)
        order = torch.randperm(count, generator=self.generator)
        changes = parallel.own_generator(self.generator)
        least = parallel.size() * (2 if self.recipe.batch_norm else 1)  # one has no variance
        with tqdm(
            total=count,
            desc=f"epoch {self.epochs + 1}",
            unit=" images",
            unit_scale=True,
            leave=False,
            disable=True if parallel.rank() else None,  # None: shown where there is a terminal
        ) as bar:
            for batch in order.split(self.recipe.batch_size):
                if len(batch) < least:
                    continue
                part = parallel.own_part(batch)
                loss = self._step(part, changes, share=len(part) * parallel.size() / len(batch))
                total += loss * len(part)
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                bar.update(len(batch))
        return parallel.total(total, _device(self.model)) / count

    def _step(self, part: torch.Tensor, changes: torch.Generator, share: float) -> float:
        """Learn from the images that `part` numbers: their mean loss.

        `share` is how much they count, so that the processes' mean is the whole batch's.
        """
        part = part.to(self.images.device)
        inputs = _inputs(self.images[part], self.outliers, self.recipe, changes)
        log_probabilities = self.network(inputs)
        loss = nn.functional.nll_loss(log_probabilities[: len(part)], self.labels[part])
        shown = loss.item()
        if len(inputs) > len(part):  # cross-entropy with a tenth for each digit
            loss = loss - OUTLIER_WEIGHT * log_probabilities[len(part) :].mean()
        self.optimizer.zero_grad()
        (share * loss).backward()
        self.optimizer.step()
        self.schedule.step()
        return shown

    def state_dict(self) -> dict:
        """All that the next epochs depend on, besides what the constructor was given."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
            "epochs": self.epochs,
        }

    def load_state_dict(self, state: dict) -> None:
        """Continue where `state` was taken: to the same weights, bit for bit on one machine."""
        for name in ("model", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.epochs = state["epochs"]


def fit(
    model: MLP,
    training: Dataset,
    validation: Dataset,
    recipe: Recipe,
    generator: torch.Generator,
    outliers: torch.Tensor | None = None,
) -> Iterator[Epoch]:
    """Train `model` in place, yielding after each epoch; `Fitting` explains the arguments."""
    fitting = Fitting(model, training, recipe, generator, outliers)
    while fitting.epochs < recipe.epochs:
        yield fitting.run_epoch(validation)


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
        images = torch.cat([images, outliers[few.to(images.device)]])
    return to_input(augment(images, generator) if recipe.augment else images)


@torch.inference_mode()
def predict(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """(N, 10) log-probabilities, on the CPU, for (N, 28, 28) images, however many."""
    model.eval()
    batches = (batch.to(_device(model)) for batch in images.split(EVALUATION_BATCH))
    return torch.cat([model(to_input(batch)).cpu() for batch in batches])


def _device(model: MLP) -> torch.device:
    return next(model.parameters()).device


def evaluate(model: MLP, dataset: Dataset) -> tuple[float, float]:
    """Mean loss an image and accuracy in [0, 1] of `model` on `dataset`."""
    images, labels = dataset
    log_probabilities = predict(model, images)
    loss = nn.functional.nll_loss(log_probabilities, labels)
    accuracy = (log_probabilities.argmax(1) == labels).float().mean()
    return loss.item(), accuracy.item()


def confusion_matrix(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(N,) digits read and (N,) true ones -> (10, 10) counts, a row for each true digit."""
    return torch.bincount(DIGITS * labels + answers, minlength=DIGITS**2).reshape(DIGITS, DIGITS)
