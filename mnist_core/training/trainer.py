"""Train and evaluate a network, on its device, with tensors only: files are for run.py.

Random numbers come from a generator on the CPU, so that a seed means the same on every device.
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
from mnist_core.network import DIGITS
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training.augment import augment
from mnist_core.training.data import Dataset
from mnist_core.training.recipes import Recipe
from mnist_core.training.rounding import SHARE, WeightRounding
from mnist_core.training.snapshots import Snapshots

EVALUATION_BATCH = 4096
DIGITS_PER_NEGATIVE = 4  # in a batch
NEGATIVE_WEIGHT = 0.4  # of their loss, beside that of the digits
TEACHER_TEMPERATURE = 2  # divides the teachers' scores, which raises those of unlikely digits
LABEL_SHARE = 0.7  # of the target, where the teachers are wrong
STATEFUL = ("model", "ema_model", "optimizer", "schedule")  # attributes with a state_dict
OLD_STATE = {"result": "ema_model", "since": "loss_since_snapshot"}  # before December 2026

# From the last layer's (N, 10) scores and (N,) labels to the mean loss.
LOSS_FUNCTIONS = {
    "nll": lambda scores, labels: F.nll_loss(scores.log_softmax(1), labels),
    "cross-entropy": F.cross_entropy,
    "softmax-cross-entropy": lambda scores, labels: F.cross_entropy(scores.softmax(1), labels),
    "log-of-softmax": lambda scores, labels: F.nll_loss(scores.softmax(1).log(), labels),
}


class Diverged(UserError):
    """The loss is no longer finite. A resumed run would diverge again."""


@dataclass(frozen=True)
class Epoch:
    """An epoch's results; losses are means per image, accuracy is in [0, 1]."""

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float  # of training alone


class Trainer:
    """A training of `model` on `training` and `negatives`, (M, 28, 28) uint8 images of no digit.

    With `teachers`, finished networks, their answers are the targets instead of the labels.
    `generator`, on the CPU, shuffles each epoch, chooses negatives and augments.

    `ema_model` is the network to evaluate and save: a moving average of the weights (Izmailov et
    al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018), or `model`
    itself if the recipe has no `ema_decay`.
    """

    def __init__(
        self,
        model: MLP,
        training: Dataset,
        recipe: Recipe,
        generator: torch.Generator,
        negatives: torch.Tensor | None = None,
        teachers: Sequence[MLP] = (),
    ) -> None:
        device = next(model.parameters()).device
        self.images, self.labels = (tensor.to(device) for tensor in training)
        self.negatives = None if negatives is None else negatives.to(device)
        self.teachers = [teacher.to(device) for teacher in teachers]
        self.model, self.recipe, self.generator = model, recipe, generator
        self.ema_model = copy.deepcopy(model) if recipe.ema_decay else model
        # Without weight decay AdamW is Adam. Fused is a quarter faster.
        rates = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
        self.optimizer = torch.optim.AdamW(model.parameters(), **rates, fused=True)
        self.schedule = make_schedule(self.optimizer, recipe, len(self.images))
        self.epochs = 0  # done so far
        self.rounding: WeightRounding | None = None  # in the last epochs
        self.loss_since_snapshot = (0.0, 0)  # sum and number of images

    @property
    def step(self) -> int:
        """The number of steps done."""
        return self.schedule.last_epoch

    def fit(self, validation: Dataset, snapshots: Snapshots | None = None) -> Iterator[Epoch]:
        """Train the remaining epochs and yield the results of each. Raises Diverged."""
        while self.epochs < self.recipe.epochs:
            yield self.run_epoch(validation, snapshots)

    def run_epoch(self, validation: Dataset, snapshots: Snapshots | None = None) -> Epoch:
        """Train for an epoch and evaluate. Raises Diverged if a loss is not finite."""
        started = time.perf_counter()
        training_loss = self.train_epoch(validation, snapshots)
        seconds = time.perf_counter() - started
        loss, accuracy = evaluate(self.network(), validation)
        if not math.isfinite(training_loss + loss):
            if snapshots and self.step not in snapshots.due:
                self.take_snapshot(validation, snapshots)
            advice = "" if self.recipe.loss == "nll" else ", or the loss nll"
            raise Diverged(
                f"the training diverged in epoch {self.epochs + 1}: its mean loss is "
                f"{training_loss}, on validation {loss}. Choose a lower learning rate{advice}"
            )
        self.epochs += 1
        return Epoch(self.epochs, training_loss, loss, accuracy, seconds)

    def train_epoch(self, validation: Dataset, snapshots: Snapshots | None) -> float:
        """Train once on every image; return the mean loss."""
        if snapshots and self.step == 0:
            self.take_snapshot(validation, snapshots)
        self.model.train()
        if self.recipe.bits < 8 and self.epochs >= (1 - SHARE) * self.recipe.epochs:
            self.rounding = WeightRounding(self.model, self.recipe.bits)
        total, count = 0.0, 0
        order = torch.randperm(len(self.images), generator=self.generator)
        looks = {"unit": " images", "unit_scale": True, "leave": False, "disable": None}
        with tqdm(total=len(order), desc=f"epoch {self.epochs + 1}", **looks) as bar:
            for batch in batches(order, self.recipe):
                loss = self.train_step(batch.to(self.images.device))
                total, count = total + loss * len(batch), count + len(batch)
                summed, images = self.loss_since_snapshot
                self.loss_since_snapshot = summed + loss * len(batch), images + len(batch)
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                bar.update(len(batch))
                if snapshots and self.step in snapshots.due:
                    self.take_snapshot(validation, snapshots)
        return total / max(1, count)

    def train_step(self, batch: torch.Tensor) -> float:
        """Train on the images at the indices `batch`, (n,); return their mean loss."""
        with low_precision_matmul(self.recipe.low_precision_matmul):
            inputs, labels = self.load(batch)
            with self.rounding.applied() if self.rounding else contextlib.nullcontext():
                scores = self.forward(inputs)
                loss, label_loss = self.compare(scores, labels, inputs)
                self.backward(loss)
            self.update()
        return label_loss

    def load(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (n + m, 784) inputs, m of them negatives at the end, and the (n,) labels."""
        images = self.images[batch]
        if self.negatives is not None:
            count = len(images) // DIGITS_PER_NEGATIVE
            chosen = torch.randint(len(self.negatives), (count,), generator=self.generator)
            images = torch.cat([images, self.negatives[chosen.to(images.device)]])
        if self.recipe.augment:
            images = augment(images, self.generator)
        return to_input(images), self.labels[batch]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(N, 784) inputs -> (N, 10) scores."""
        return self.model.layers(inputs)

    def compare(
        self, scores: torch.Tensor, labels: torch.Tensor, inputs: torch.Tensor
    ) -> tuple[torch.Tensor, float]:
        """Return the loss to minimise, and for the log that of the labels alone."""
        digits, negatives = scores.tensor_split([len(labels)])
        loss = LOSS_FUNCTIONS[self.recipe.loss](digits, labels)
        label_loss = loss.item()
        if self.teachers:
            loss = distillation_loss(digits, self.teachers, inputs[: len(labels)], labels)
        if len(negatives):
            loss = loss + NEGATIVE_WEIGHT * uniform_loss(negatives)
        return loss, label_loss

    def backward(self, loss: torch.Tensor) -> None:
        """Compute the gradient of `loss` for each parameter."""
        self.optimizer.zero_grad()
        loss.backward()

    def update(self) -> None:
        """Move the weights one step against their gradients, and update the average."""
        self.optimizer.step()
        self.schedule.step()
        if self.recipe.ema_decay:
            update_ema(self.ema_model, self.model, self.recipe.ema_decay, self.step)

    def network(self) -> MLP:
        """What to evaluate: `ema_model`, rounded where the recipe trains for that."""
        bits = self.recipe.bits
        return quantize(self.ema_model.fused(), bits) if bits < 8 else self.ema_model

    def take_snapshot(self, validation: Dataset, snapshots: Snapshots) -> None:
        """Append `ema_model`, quantized, and its losses to the snapshots."""
        summed, count = self.loss_since_snapshot
        self.loss_since_snapshot = (0.0, 0)
        model = quantize(self.ema_model.fused(), self.recipe.bits)
        training_loss = summed / count if count else math.nan
        snapshots.append(model, self.step, training_loss, evaluate(model, validation))

    def state_dict(self) -> dict:
        """Return everything the next epochs depend on besides the constructor's arguments."""
        states = {name: getattr(self, name).state_dict() for name in STATEFUL}
        own = {name: getattr(self, name) for name in ("epochs", "loss_since_snapshot")}
        return {**states, **own, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict) -> None:
        """Continue from `state`, to the same weights bit for bit on one machine."""
        state = {OLD_STATE.get(name, name): value for name, value in state.items()}
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.epochs = state["epochs"]
        self.loss_since_snapshot = state.get("loss_since_snapshot", (0.0, 0))


# Batches, schedule, average, losses ------------------------------------------


def batches(order: torch.Tensor, recipe: Recipe) -> list[torch.Tensor]:
    """Split `order` into batches; batch normalisation can't take a last one of one image."""
    smallest = 2 if recipe.batch_norm else 1
    return [batch for batch in order.split(recipe.batch_size) if len(batch) >= smallest]


def make_schedule(optimizer: Optimizer, recipe: Recipe, count: int) -> LRScheduler:
    """Return the learning rate schedule of a training on `count` images."""
    if not recipe.one_cycle:
        return ConstantLR(optimizer, factor=1.0)
    steps = max(20, recipe.epochs * math.ceil(count / recipe.batch_size))  # OneCycleLR's minimum
    return OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.1)


@torch.no_grad()
def update_ema(average: MLP, model: MLP, decay: float, step: int) -> None:
    """Move `average` towards the weights of `model`, faster in the first steps."""
    decay = min(decay, step / (step + 9))
    weights = model.state_dict()
    for name, averaged in average.state_dict().items():
        if averaged.is_floating_point():
            averaged.lerp_(weights[name], 1 - decay)
        else:  # batch normalisation's count
            averaged.copy_(weights[name])


def uniform_loss(scores: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of (n, 10) scores with a tenth for each digit."""
    return -scores.log_softmax(1).mean()


def distillation_loss(
    scores: torch.Tensor, teachers: Sequence[MLP], inputs: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Return the cross-entropy of (n, 10) scores with the teachers' mean answers.

    Where these are wrong by the (n,) labels, most of the target is the label: teachers have not
    seen every hand, and a few labels are wrong themselves.

    See Hinton et al., "Distilling the Knowledge in a Neural Network", 2015. The teachers get the
    same augmented (n, 784) inputs (Beyer et al., "Knowledge distillation: A good teacher is patient
    and consistent", 2022).
    """
    with torch.no_grad():
        answers = [teacher(inputs) / TEACHER_TEMPERATURE for teacher in teachers]
        targets = torch.stack(answers).softmax(2).mean(0)
        wrong = (targets.argmax(1) != labels)[:, None]
        targets += wrong * LABEL_SHARE * (F.one_hot(labels, DIGITS) - targets)
    return F.cross_entropy(scores.log_softmax(1), targets)


@contextlib.contextmanager
def low_precision_matmul(wanted: bool) -> Iterator[None]:
    """Multiply in bfloat16 or TF32 if the processor can, which trains a third faster."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if wanted else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


# Evaluation ------------------------------------------------------------------


@torch.inference_mode()
def predict(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """(N, 28, 28) images -> (N, 10) log-probabilities on the CPU, in batches."""
    model.eval()
    device = next(model.parameters()).device
    batches = (batch.to(device) for batch in images.split(EVALUATION_BATCH))
    return torch.cat([model(to_input(batch)).cpu() for batch in batches])


def evaluate(model: MLP, dataset: Dataset) -> tuple[float, float]:
    """Return the mean loss per image and the accuracy, in [0, 1], of `model` on `dataset`."""
    images, labels = dataset
    log_probabilities = predict(model, images)
    loss = F.nll_loss(log_probabilities, labels)
    accuracy = (log_probabilities.argmax(1) == labels).float().mean()
    return loss.item(), accuracy.item()


def confusion_matrix(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(N,) answers and (N,) labels -> (10, 10) counts, a row for each label."""
    return torch.bincount(DIGITS * labels + answers, minlength=DIGITS**2).reshape(DIGITS, DIGITS)
