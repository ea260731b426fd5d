"""Make a trained network ready for use: calibrate, save, score, draw, install and publish it."""

import dataclasses
import datetime
import platform
from functools import reduce
from pathlib import Path

import torch
import torchvision

from mnist_core.network import calibration, weights
from mnist_core.network.grid import rounded
from mnist_core.network.model import MLP
from mnist_core.training import plots, trainer
from mnist_core.training.augment import augment
from mnist_core.training.checkpoint import Run, Settings
from mnist_core.training.data import Dataset, join, load_mnist
from mnist_core.training.trainer import confusion_matrix, predict


def save_network(run: Run, model: MLP) -> None:
    """Write a network that training has come to, made ready for use. Raises UserError."""
    settings = run.checkpoint.settings
    model, thresholds, scores = calibrate(model, run.data.validation)
    if run.data.letters is not None:
        verdicts = calibration.verdicts(predict(model, run.data.letters).exp(), thresholds)
        scores["letters_called_sure_digits"] = round((verdicts == 2).float().mean().item(), 4)
    provenance = {
        "data": run.data.description,
        "recipe": {"name": settings.name, **dataclasses.asdict(settings.recipe)},
        "seed": settings.seed,
        "files": [Path(f).name for f in (*settings.drawings, *settings.not_digits, *settings.own)],
        "command": command(settings),
        "scores": scores,
        **date_and_versions(),
    }
    weights.save(model, run.directory, provenance, thresholds)


def command(settings: Settings) -> str:
    """What trains such a network again, with the files of drawings in data/."""
    given = {"recipe": settings.name, "seed": settings.seed}
    usual = dataclasses.asdict(trainer.RECIPES[settings.name])
    for name in ("hidden", "epochs", "batch_size", "learning_rate"):
        value = getattr(settings.recipe, name)
        if value != usual[name]:
            given[name] = " ".join(map(str, value)) if name == "hidden" else value
    for option, name in (("drawings", "drawings"), ("not_digits", "not_digits"), ("data", "own")):
        if files := getattr(settings, name):
            given[option] = " ".join(f"data/{Path(file).name}" for file in files)
    options = (f"--{name.replace('_', '-')} {value}" for name, value in given.items())
    return f"python scripts/train.py {' '.join(options)}"


def calibrate(
    model: MLP, validation: dict[str, Dataset]
) -> tuple[MLP, dict[str, float], dict[str, float]]:
    """The network for use, rounded, its thresholds and its scores, all from held-out data.

    It is rounded to the grid that browsers read, then scored. Its calibration error is measured
    on the data that its one temperature was fitted to: drawings, or MNIST's images where there
    are none, and own digits.
    """
    model = rounded(model.fused())
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
    return rounded(model.fused(temperature)), thresholds, scores


def date_and_versions() -> dict:
    """What a network's provenance says of the day and the software."""
    versions = {module.__name__: module.__version__ for module in (torch, torchvision)}
    versions = {"python": platform.python_version(), **versions}
    return {"date": datetime.date.today().isoformat(), "versions": versions}


def finish(run: Run, install: Path | None = None, repository: str | None = None) -> None:
    """Score the network of a run on the test set, once; draw it; pass it on.

    `install` is a directory to copy it to, `repository` one on the Hub to push it to. Raises
    UserError where one of them doesn't take it.
    """
    model, config = weights.load(run.directory)
    provenance = config["provenance"]
    scores = provenance["scores"]
    if "test_accuracy" not in scores:  # it is there when a finished run is resumed
        images, labels = load_mnist(run.checkpoint.settings.data, train=False)
        confusion = confusion_matrix(predict(model, images).argmax(1), labels)
        scores["test_accuracy"] = round((confusion.trace() / confusion.sum()).item(), 4)
        provenance["confusion"] = confusion.tolist()
        weights.save(model, run.directory, provenance, config["thresholds"])
    print(f"\nthe network of epoch {run.checkpoint.best()['epoch']}:")
    for what, score in scores.items():
        print(f"{what.replace('_', ' ')} {score:.2%}")
    draw_pictures(run, model)
    print(f"saved to {run.directory}; try it: python app.py --weights {run.directory}")
    if install:
        weights.copy(run.directory, install)
        print(f"installed in {install}")
    if repository:
        print(f"published at {weights.push(run.directory, repository)}")


def draw_pictures(run: Run, model: MLP) -> None:
    """Write five PNGs: training images, curves, confusion, mistakes and the first layer."""
    images, labels = run.data.validation["validation"]
    probabilities = predict(model, images).exp()
    confusion = confusion_matrix(probabilities.argmax(1), labels)
    samples, sample_labels = (tensor[: plots.GALLERY] for tensor in run.data.train_set)
    if run.checkpoint.settings.recipe.augment:
        samples = augment(samples, torch.Generator().manual_seed(0))
    drawn = {
        "samples": plots.image_grid(samples, list(map(str, sample_labels.tolist()))),
        "curves": plots.curves(run.checkpoint.history, run.checkpoint.best()["epoch"]),
        "confusion": plots.confusion_matrix(confusion),
        "mistakes": plots.surest_mistakes(images, labels.tolist(), probabilities),
        "first-layer": plots.first_layer(model),
    }
    for name, figure in drawn.items():
        plots.save(figure, run.directory / f"{name}.png")
