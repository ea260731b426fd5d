"""Fit a network and evaluate it, on the device that it is on. Knows tensors, not files.

Random numbers are the CPU's, so that a seed means the same run on each device. In several
processes, as torchrun starts them, each takes its shard of every batch (distributed.py).
"""

import contextlib
import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR
from tqdm import tqdm

from mnist_core.drawing.framing import to_input
from mnist_core.errors import UserError
from mnist_core.network.model import DIGITS, MLP
from mnist_core.network.quantize import quantize
from mnist_core.training import distributed
from mnist_core.training.augment import augment
from mnist_core.training.data import Dataset
from mnist_core.training.recipes import Recipe
from mnist_core.training.snapshots import Snapshots

EVALUATION_BATCH = 4096
OUTLIER_SHARE = 4  # one outlier for so many digits in a batch
OUTLIER_WEIGHT = 0.4  # of their loss, beside that of the digits
TEACHERS_TEMPERATURE = 2  # what their scores are divided by: the unlikely digits teach too
STATEFUL = ("model", "result", "optimizer", "schedule")  # a Trainer's, with a state_dict of its own

# Each takes (N, 10) scores, as the last layer gives them, and (N,) labels.
LOSS_FUNCTIONS = {
    "nll": lambda scores, labels: F.nll_loss(scores.log_softmax(1), labels),
    "cross-entropy": F.cross_entropy,
    "softmax-cross-entropy": lambda scores, labels: F.cross_entropy(scores.softmax(1), labels),
    "log-of-softmax": lambda scores, labels: F.nll_loss(scores.softmax(1).log(), labels),
}


class Diverged(UserError):
    """A training whose loss is no longer finite: to resume it would end in the same way."""


@dataclass(frozen=True)
class Epoch:
    """One line of a training's history; losses are means an image, accuracy is in [0, 1]."""

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


class Trainer:
    """A training under way. `state_dict` between two epochs holds all that the rest depends on.

    `generator`, the CPU's, shuffles the training images, anew for each epoch, and augments them.
    `outliers`, (M, 28, 28) uint8, are images of no digit: a few join each batch, with every digit
    as likely as another for their target. With `teachers`, networks for use, the targets are their
    mean probabilities instead of the labels (Hinton et al., "Distilling the Knowledge in a Neural
    Network", 2015), for the very image that the network sees, changed as it is (Beyer et al.,
    "Knowledge distillation: A good teacher is patient and consistent", 2022).
    """

    def __init__(
        self,
        model: MLP,
        training: Dataset,
        recipe: Recipe,
        generator: torch.Generator,
        outliers: torch.Tensor | None = None,
        teachers: Sequence[MLP] = (),
    ) -> None:
        device = next(model.parameters()).device
        self.images, self.labels = (tensor.to(device) for tensor in training)
        self.outliers = None if outliers is None else outliers.to(device)
        self.model, self.recipe, self.generator = model, recipe, generator
        self.teachers = [teacher.to(device) for teacher in teachers]
        # The average of the last steps' weights reads better than any of them (Izmailov et al.,
        # "Averaging Weights Leads to Wider Optima and Better Generalization", 2018).
        self.result = copy.deepcopy(model) if recipe.ema_decay else model
        self.layers = distributed.distributed_model(model.layers)  # they give scores
        # Without weight decay AdamW is Adam. Fused, it takes a quarter less time a step.
        rates = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
        self.optimizer = torch.optim.AdamW(model.parameters(), **rates, fused=True)
        self.schedule = _schedule(self.optimizer, recipe, len(self.images))
        self.epochs = 0  # done so far
        self.since = (0.0, 0)  # the last snapshot: the sum of the losses, and of how many images

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self.schedule.last_epoch

    def fit(self, validation: Dataset, snapshots: Snapshots | None = None) -> Iterator[Epoch]:
        """Run the epochs that remain, yielding after each; `result` is the network then."""
        while self.epochs < self.recipe.epochs:
            yield self.run_epoch(validation, snapshots)

    def run_epoch(self, validation: Dataset, snapshots: Snapshots | None = None) -> Epoch:
        """Train for an epoch and evaluate. Raises Diverged when the loss is no longer finite."""
        started = time.perf_counter()
        training_loss = self._train(validation, snapshots)
        seconds = time.perf_counter() - started
        loss, accuracy = evaluate(self.result, validation)
        if not math.isfinite(training_loss + loss):
            if snapshots and self.step not in snapshots.due:
                self._snapshot(validation, snapshots)
            sound = "" if self.recipe.loss == "nll" else ", or the loss nll"
            raise Diverged(
                f"the training diverged in epoch {self.epochs + 1}: its mean loss is "
                f"{training_loss}, on validation {loss}. Choose a lower learning rate{sound}"
            )
        self.epochs += 1
        return Epoch(self.epochs, training_loss, loss, accuracy, seconds)

    def _train(self, validation: Dataset, snapshots: Snapshots | None) -> float:
        """One pass over the training images: their mean loss."""
        if snapshots and self.step == 0:
            self._snapshot(validation, snapshots)
        self.model.train()
        total, trained = 0.0, 0
        order = torch.randperm(len(self.images), generator=self.generator)
        changes = distributed.generator_of_rank(self.generator)
        hidden = True if distributed.rank() else None  # None: shown where there is a terminal
        looks = {"unit": " images", "unit_scale": True, "leave": False, "disable": hidden}
        with tqdm(total=len(order), desc=f"epoch {self.epochs + 1}", **looks) as bar:
            for batch in batches(order, self.recipe):
                shard = distributed.shard(batch)
                weight = len(shard) * distributed.world_size() / len(batch)
                with _fast_products(self.recipe.low_precision_matmul):
                    loss = self._step(shard, changes, weight)
                total += loss * len(shard)
                trained += len(batch)
                self.since = self.since[0] + loss * len(shard), self.since[1] + len(batch)
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                bar.update(len(batch))
                if snapshots and self.step in snapshots.due:
                    self._snapshot(validation, snapshots)
        # Every process's loss since the last snapshot counts, though the first alone is resumed.
        shared = distributed.total(self.since[0], self.images.device) / distributed.world_size()
        self.since = shared, self.since[1]
        return distributed.total(total, self.images.device) / max(1, trained)

    def _snapshot(self, validation: Dataset, snapshots: Snapshots) -> None:
        """Append a snapshot of what would be kept, scored as it is there: rounded."""
        total, count = distributed.total(self.since[0], self.images.device), self.since[1]
        self.since = (0.0, 0)
        model = quantize(self.result.fused())
        losses = total / count if count else math.nan, evaluate(model, validation)
        distributed.broadcast_from_rank_0(snapshots.append, model, self.step, *losses)
        self.model.train()  # `fused` ends that

    def _step(self, shard: torch.Tensor, changes: torch.Generator, weight: float) -> float:
        """Learn from the images at the indices `shard`, (n,): their mean loss.

        `weight` makes the mean over the processes that of the whole batch.
        """
        shard = shard.to(self.images.device)
        inputs = self._inputs(self.images[shard], changes)
        scores, unsure = self.layers(inputs).tensor_split([len(shard)])
        loss = LOSS_FUNCTIONS[self.recipe.loss](scores, self.labels[shard])
        shown = loss.item()
        if self.teachers:
            targets = self._taught(inputs[: len(shard)])
            loss = F.cross_entropy(scores.log_softmax(1), targets)
        if len(unsure):  # cross-entropy with a tenth for each digit
            loss = loss - OUTLIER_WEIGHT * unsure.log_softmax(1).mean()
        self.optimizer.zero_grad()
        (weight * loss).backward()
        self.optimizer.step()
        self.schedule.step()
        if self.recipe.ema_decay:
            self._average()
        return shown

    @torch.no_grad()
    def _taught(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, 784) inputs -> (n, 10) probabilities, what the teachers make of them on average."""
        scores = [teacher(inputs) / TEACHERS_TEMPERATURE for teacher in self.teachers]
        return torch.stack(scores).softmax(2).mean(0)

    def _average(self) -> None:
        """Move the average towards the weights, faster in the first steps."""
        kept = min(self.recipe.ema_decay, self.step / (self.step + 9))
        present = self.model.state_dict()
        for name, averaged in self.result.state_dict().items():
            if averaged.is_floating_point():
                averaged.lerp_(present[name], 1 - kept)
            else:  # batch normalisation's count
                averaged.copy_(present[name])

    def _inputs(self, images: torch.Tensor, changes: torch.Generator) -> torch.Tensor:
        """A batch: the images, then a few outliers, all augmented where the recipe says."""
        if self.outliers is not None:
            count = len(images) // OUTLIER_SHARE
            few = torch.randint(len(self.outliers), (count,), generator=changes)
            images = torch.cat([images, self.outliers[few.to(images.device)]])
        return to_input(augment(images, changes) if self.recipe.augment else images)

    def state_dict(self) -> dict:
        """All that the next epochs depend on, besides what the constructor was given."""
        states = {name: getattr(self, name).state_dict() for name in STATEFUL}
        own = {"generator": self.generator.get_state(), "epochs": self.epochs, "since": self.since}
        return {**states, **own}

    def load_state_dict(self, state: dict) -> None:
        """Continue where `state` was taken: to the same weights, bit for bit on one machine."""
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.epochs, self.since = state["epochs"], state.get("since", self.since)


def batches(order: torch.Tensor, recipe: Recipe) -> list[torch.Tensor]:
    """An epoch's, but a last that is too short: in normalisation one image has no variance."""
    smallest = distributed.world_size() * (2 if recipe.batch_norm else 1)
    return [batch for batch in order.split(recipe.batch_size) if len(batch) >= smallest]


def _schedule(optimizer: Optimizer, recipe: Recipe, count: int) -> LRScheduler:
    if not recipe.one_cycle:
        return ConstantLR(optimizer, factor=1.0)
    steps = max(20, recipe.epochs * math.ceil(count / recipe.batch_size))  # it can't divide fewer
    return OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.1)


@contextlib.contextmanager
def _fast_products(wanted: bool) -> Iterator[None]:
    """Multiply in bfloat16, or TF32, where the processor can: a third less time to train."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if wanted else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@torch.inference_mode()
def predict(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """(N, 10) log-probabilities, on the CPU, for (N, 28, 28) images, however many."""
    model.eval()
    device = next(model.parameters()).device
    batches = (batch.to(device) for batch in images.split(EVALUATION_BATCH))
    return torch.cat([model(to_input(batch)).cpu() for batch in batches])


def evaluate(model: MLP, dataset: Dataset) -> tuple[float, float]:
    """Mean loss an image and accuracy in [0, 1] of `model` on `dataset`."""
    images, labels = dataset
    log_probabilities = predict(model, images)
    loss = F.nll_loss(log_probabilities, labels)
    accuracy = (log_probabilities.argmax(1) == labels).float().mean()
    return loss.item(), accuracy.item()


def confusion_matrix(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(N,) digits read and (N,) true ones -> (10, 10) counts, a row for each true digit."""
    return torch.bincount(DIGITS * labels + answers, minlength=DIGITS**2).reshape(DIGITS, DIGITS)
