"""Calibrate, score and install a trained network."""

import contextlib
import datetime
import platform
from functools import reduce
from pathlib import Path

import torch
import torchvision

from mnist_core.errors import UserError
from mnist_core.network import calibration, weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training.data import Dataset, join, load_mnist
from mnist_core.training.trainer import confusion_matrix, evaluate, predict

MAX_ACCURACY_DROP = 0.001  # on MNIST's validation images, for a network to be installed


class NotInstalled(UserError):
    """The network is less accurate than the one that it would replace."""


def calibrate(
    model: MLP, validation: dict[str, Dataset], bits: int = 8
) -> tuple[MLP, dict[str, float], dict[str, float]]:
    """Quantize `model` to `bits` and calibrate it; return it, its thresholds and its scores.

    Scores are accuracy and calibration error on each set of `validation`. Temperature and
    thresholds are fitted to all of them, but without MNIST's if there are drawings.
    """
    model = quantize(model.fused(), bits)
    held_out = {name: (predict(model, digits[0]), digits[1]) for name, digits in validation.items()}
    left_out = "validation" if "drawings" in held_out else None
    log_probabilities, labels = reduce(join, [held_out[n] for n in held_out if n != left_out])
    temperature = calibration.fit_temperature(log_probabilities, labels)
    thresholds = calibration.choose_thresholds((log_probabilities / temperature).softmax(1), labels)
    scores = {}
    for name, (log_probabilities, labels) in held_out.items():
        probabilities = (log_probabilities / temperature).softmax(1)
        accuracy = (probabilities.argmax(1) == labels).float().mean().item()
        error = calibration.expected_calibration_error(probabilities, labels)
        scores[f"{name}_accuracy"] = round(accuracy, 4)
        scores[f"{name}_calibration_error"] = round(error, 4)
    return quantize(model.fused(temperature), bits), thresholds, scores


def date_and_versions() -> dict:
    """Return the "date" and "versions" of a provenance."""
    versions = {module.__name__: module.__version__ for module in (torch, torchvision)}
    versions = {"python": platform.python_version(), **versions}
    return {"date": datetime.date.today().isoformat(), "versions": versions}


def add_test_scores(provenance: dict, model: MLP, root: str | Path) -> None:
    """Add accuracy and confusion on MNIST's test images, in `root`, to `provenance`."""
    images, labels = load_mnist(root, train=False)
    confusion = confusion_matrix(predict(model, images).argmax(1), labels)
    accuracy = (confusion.trace() / confusion.sum()).item()
    provenance["scores"]["test_accuracy"] = round(accuracy, 4)
    provenance["confusion"] = confusion.tolist()


def install(directory: Path, validation: Dataset, force: bool = False) -> None:
    """Use the network in `directory` from now on, as `weights.install` does.

    Unless `force`, raises NotInstalled if its accuracy on MNIST's `validation` is more than
    MAX_ACCURACY_DROP below that of the network in use, or of the one before its first fine-tuning,
    as many small losses add up.
    """
    model, config = weights.load(directory)
    accuracy = evaluate(model, validation)[1]
    before = {}
    with contextlib.suppress(UserError):  # a damaged network may be replaced
        before["the network in use"] = evaluate(weights.load()[0], validation)[1]
    if first := config["provenance"].get("parent", {}).get("validation_accuracy"):
        before["the one before its first fine-tuning"] = first
    for which, share in before.items():
        drop = round(share - accuracy, 6)  # drops float32's rounding errors
        if drop > MAX_ACCURACY_DROP and not force:
            raise NotInstalled(
                f"not installed: it reads {accuracy:.2%} of MNIST's validation images, {which} "
                f"{share:.2%}, and at most {100 * MAX_ACCURACY_DROP:g} points less are allowed. "
                f"It is in {directory}"
            )
    weights.install(directory)
