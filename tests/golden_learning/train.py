"""One small training of `best` and one fine-tuning, seeded, and what is kept of their outcome.

tests/test_golden_training.py compares. Where an outcome is meant to change, make the file again and
commit it with the change:

    python -m tests.golden_learning.train

All networks here are float64. In float32 the gradient of a bias before batch normalisation is
rounding noise around 0, and Adam makes steps of full length of it: after three epochs the losses of
two processors differ in the third place.
"""

import contextlib
import copy
import dataclasses
import hashlib
import json
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from mnist_core.corrections import finetune
from mnist_core.drawing.framing import to_input
from mnist_core.drawing.strokes import Drawing, parse_strokes
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training import data, trainer
from mnist_core.training.data import TrainingData, load_mnist, render_drawings, training_data
from mnist_core.training.finish import calibrate
from mnist_core.training.recipes import RECIPES
from mnist_core.training.trainer import Trainer, evaluate
from tests.conftest import ROOT
from tests.drawings import DRAWINGS, LETTERS

FILE = Path(__file__).with_name("training.json")
IMAGES = 3000  # of MNIST; 2,700 of them are trained on
CONTRIBUTORS = 20
# `best` but smaller, and multiplied in full float32: how bfloat16 rounds depends on the processor.
# Rounded to 8 bits: with fewer the last bit of a weight decides by how far it is rounded.
smaller = {"hidden": (48, 32), "epochs": 3, "negatives": 150, "bits": 8}
BEST = dataclasses.replace(RECIPES["best"], **smaller, low_precision_matmul=False)


def hands(signs: dict, digits: bool) -> list[Drawing]:
    """Each sign by each contributor, whose hand slants and stretches it."""
    random, drawings = np.random.default_rng(0), []
    for contributor in range(CONTRIBUTORS):
        hand = np.eye(2) + random.normal(0, 0.12, (2, 2))
        for sign, strokes in signs.items():
            moved = parse_strokes([(np.array(stroke) @ hand).tolist() for stroke in strokes])
            extra = {"writer": f"c{contributor:02}-1"} | ({} if digits else {"character": sign})
            drawings.append(Drawing(sign if digits else None, moved, extra))
    return drawings


@cache
def small_data() -> TrainingData:
    def few(root: Path, train: bool) -> data.Dataset:
        images, labels = load_mnist(root, train)
        return images[:IMAGES], labels[:IMAGES]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_mnist", few)
        generator = torch.Generator().manual_seed(0)
        drawings, letters = hands(DRAWINGS, True), hands(LETTERS, False)
        return training_data(ROOT / "data", drawings, BEST.negatives, generator, letters)


def new_network(recipe, seed: int) -> MLP:
    torch.manual_seed(seed)
    return MLP(recipe.hidden, recipe.batch_norm).double()


@cache
def teacher(seed: int) -> MLP:
    recipe = dataclasses.replace(RECIPES["quick"], hidden=(24,), epochs=2)
    generator = torch.Generator().manual_seed(seed)
    training = Trainer(new_network(recipe, seed), small_data().train_set, recipe, generator)
    list(training.fit(small_data().validation["validation"]))
    return training.ema_model.fused().double()


@cache
def train_best() -> tuple[dict, MLP]:
    """Three epochs with drawings, letters, outliers, two teachers and the moving average."""
    sets = small_data()
    generator = torch.Generator().manual_seed(0)
    teachers = [teacher(1), teacher(2)]
    model = new_network(BEST, 0)
    training = Trainer(model, sets.train_set, BEST, generator, sets.negatives, teachers)
    epochs = [
        rounded_all(epoch.training_loss, epoch.validation_loss, epoch.validation_accuracy)
        for epoch in training.fit(sets.validation["validation"])
    ]
    network = quantize(training.ema_model.fused().double())
    ends = {
        name: rounded_all(*evaluate(network, digits)) for name, digits in sets.validation.items()
    }
    return {"epochs": epochs, "kept": ends, "checksum": checksum(training.ema_model)}, network


@cache
def fine_tune() -> dict:
    """The network of `train_best` learns ones with a long foot and keeps what it knew."""
    _, network = train_best()
    sets = small_data()
    foot = parse_strokes([[[0.5, 0.2], [0.5, 0.8]], [[0.3, 0.8], [0.75, 0.8]]])
    known = [drawing for drawing in hands(DRAWINGS, True) if drawing.label in (2, 7)][:6]
    generator = torch.Generator().manual_seed(0)
    learned_from, settings = [Drawing(1, foot), *known], finetune.FineTuning(steps=30)
    new = finetune.finetune(network, learned_from, sets.train_set[0], settings, generator)
    scored = {
        "corrections": render_drawings([Drawing(1, foot)]),
        "validation": sets.validation["validation"],
    }
    losses = {
        name: rounded_all(*(evaluate(one, s)[0] for one in (network, new)))
        for name, s in scored.items()
    }
    return {"losses": losses, "checksum": checksum(new)}


def rounded_all(*numbers: float) -> list[float]:
    return [round(number, 5) for number in numbers]


def checksum(model: MLP) -> str:
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def machine() -> dict[str, str]:
    """What decides how sums are rounded; on another machine the weights' last bits differ."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if platform.system() == "Linux" else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "torch": torch.__version__,
        "processor": (names or [platform.processor()])[0],
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


@contextlib.contextmanager
def reproducible() -> Iterator[None]:
    """Float64, and one thread: each number of threads has its own order of adding up.

    What is fine-tuned is not rounded: with 6 bits the last bit of a weight decides by how far.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "quantize", lambda model, bits: model)
        for module in (trainer, finetune):
            patch.setattr(module, "to_input", lambda images: to_input(images).double())
        yield
    torch.set_num_threads(threads)


def outcomes() -> dict:
    with reproducible():
        made = {"training": train_best()[0], "finetuning": fine_tune()}
    network = copy.deepcopy(train_best()[1]).float()
    _, thresholds, scores = calibrate(network, small_data().validation)
    return {**made, "calibration": {**scores, **thresholds}}


if __name__ == "__main__":
    FILE.write_text(json.dumps({"machine": machine(), **outcomes()}, indent=2) + "\n")
    print(FILE.read_text())
