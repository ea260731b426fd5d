"""Make a trained network ready for use: calibrate, save, score, draw, publish and install it."""

import contextlib
import dataclasses
import datetime
import platform
from functools import reduce
from pathlib import Path

import torch
import torchvision

from mnist_core import paths
from mnist_core.errors import UserError
from mnist_core.network import calibration, weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training import plots
from mnist_core.training.augment import augment
from mnist_core.training.checkpoint import Run, Settings
from mnist_core.training.data import Dataset, join, load_mnist
from mnist_core.training.recipes import RECIPES
from mnist_core.training.trainer import confusion_matrix, evaluate, predict

MAX_ACCURACY_DROP = 0.001  # of the accuracy on MNIST's validation images, and still be installed

# Guessing reads a tenth of the test images; a network that reads less than this learned nothing.
LEARNED = 0.2


class NotInstalled(UserError):
    """A network that reads fewer images than one that it would replace."""


def save_network(run: Run, model: MLP) -> None:
    """Write a network that training has come to, made ready for use. Raises UserError."""
    settings = run.checkpoint.settings
    model, thresholds, scores = calibrate(model, run.data.validation)
    if run.data.held_out_negatives is not None:
        verdicts = calibration.verdicts(
            predict(model, run.data.held_out_negatives).exp(), thresholds
        )
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
    usual = dataclasses.asdict(RECIPES[settings.name])
    for name in ("hidden", "epochs", "batch_size", "learning_rate", "loss"):
        value = getattr(settings.recipe, name)
        if value != usual[name]:
            given[name] = " ".join(map(str, value)) if name == "hidden" else value
    for option, name in (("drawings", "drawings"), ("not_digits", "not_digits"), ("data", "own")):
        if files := getattr(settings, name):
            given[option] = " ".join(f"data/{Path(file).name}" for file in files)
    if settings.teachers:
        given["teachers"] = " ".join(f"runs/{Path(folder).name}" for folder in settings.teachers)
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
    model = quantize(model.fused())
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
    return quantize(model.fused(temperature)), thresholds, scores


def date_and_versions() -> dict:
    """What a network's provenance says of the day and the software."""
    versions = {module.__name__: module.__version__ for module in (torch, torchvision)}
    versions = {"python": platform.python_version(), **versions}
    return {"date": datetime.date.today().isoformat(), "versions": versions}


def finish(run: Run, repository: str | None = None) -> None:
    """Score the network of a run on the test set, once; draw it; push it to the Hub's `repository`.

    It is the last of the run's snapshots, too. Raises UserError where the Hub doesn't take it.
    """
    model, config = weights.load(run.directory)
    provenance = config["provenance"]
    scores = provenance["scores"]
    if "test_accuracy" not in scores:  # it is there when a finished run is resumed
        add_test_scores(provenance, model, run.checkpoint.settings.data)
        weights.save(model, run.directory, provenance, config["thresholds"])
    append_snapshot(run)
    print(f"\nthe network of epoch {run.checkpoint.best()['epoch']}:")
    for what, score in scores.items():
        print(f"{what.replace('_', ' ')} {score:.2%}")
    draw_pictures(run, model)
    if scores["test_accuracy"] < LEARNED:
        print(f"saved to {run.directory}, but {learned_nothing(run.checkpoint.settings)}")
    else:
        print(f"saved to {run.directory}; try it: python app.py --weights {run.directory}")
    if repository:
        print(f"published at {weights.push(run.directory, repository)}")


def learned_nothing(settings: Settings) -> str:
    """What to try after a training that ended with a network that guesses."""
    recipe, usual = settings.recipe, RECIPES[settings.name]
    advice = f"a lower --learning-rate than {recipe.learning_rate:g}"
    if recipe.loss != usual.loss:
        advice += f", or --loss {usual.loss}"
    return f"it learned nothing: guessing reads about 10 %. Train again with {advice}"


def append_snapshot(run: Run) -> None:
    """Append the network that is kept, of the step that its epoch ended with."""
    model, config = weights.load(run.directory)
    snapshots, row = run.snapshots(), run.checkpoint.best()
    step = row["epoch"] * snapshots.steps // snapshots.epochs
    losses = row["training_loss"], evaluate(model, run.data.validation["validation"])
    snapshots.append(model, step, *losses, config)


def add_test_scores(provenance: dict, model: MLP, root: str | Path) -> None:
    """Add what `model` makes of MNIST's test images to its provenance."""
    images, labels = load_mnist(root, train=False)
    confusion = confusion_matrix(predict(model, images).argmax(1), labels)
    accuracy = (confusion.trace() / confusion.sum()).item()
    provenance["scores"]["test_accuracy"] = round(accuracy, 4)
    provenance["confusion"] = confusion.tolist()


def install(directory: Path, validation: Dataset, force: bool = False) -> None:
    """Use the network in `directory` from now on, as `weights.install` does.

    Raises NotInstalled, but with `force`, where it reads fewer of MNIST's `validation` images, by
    more than MAX_ACCURACY_DROP, than the network in use, or than that with which a line of
    corrections began: each of them might lose a little.
    """
    model, config = weights.load(directory)
    accuracy = evaluate(model, validation)[1]
    before = {}
    with contextlib.suppress(UserError):  # it can't be used
        before["the network in use"] = evaluate(weights.load()[0], validation)[1]
    first = config["provenance"].get("parent", {}).get("validation_accuracy")
    before |= {"the one that its corrections began with": first} if first else {}
    for whose, share in before.items():
        if (
            round(share - accuracy, 6) > MAX_ACCURACY_DROP and not force
        ):  # not by float32's last bit
            raise NotInstalled(
                f"not installed: it reads {accuracy:.2%} of MNIST's validation images and {whose} "
                f"{share:.2%}, which is over {100 * MAX_ACCURACY_DROP:g} points more. {directory} "
                "keeps it; "
                f"to install it all the same: python scripts/weights.py install --force {directory}"
            )
    weights.install(directory)
    print(
        f"installed in {paths.installed()}; the one before: python scripts/weights.py restore "
        "previous, the shipped one: restore shipped"
    )


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
