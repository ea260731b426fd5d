"""A training run, from settings to a directory with a trained network. Prints the run's log.

run = begin(settings, output, runs)     or resume(directory)
train(run)
finish(run)

state.pt            the checkpoint: everything the next epoch depends on
metrics.csv         a row for each epoch
snapshots.bin       the network at some steps, see snapshots.py
model.safetensors, README.md, *.png     the finished network
"""

import contextlib
import csv
import dataclasses
import datetime
import hashlib
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from statistics import mean
from typing import Any

import torch

from mnist_core.drawing.framing import PIXELS
from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.network import DIGITS, calibration, weights
from mnist_core.network.model import MLP
from mnist_core.training import plots
from mnist_core.training.augment import augment
from mnist_core.training.data import TrainingData, training_data
from mnist_core.training.finish import add_test_scores, calibrate, date_and_versions
from mnist_core.training.own_data import add_own_data
from mnist_core.training.recipes import Recipe, recipe_from
from mnist_core.training.snapshots import Snapshots
from mnist_core.training.trainer import (
    Diverged,
    Epoch,
    Trainer,
    batches,
    confusion_matrix,
    evaluate,
    predict,
)

CHECKPOINT_FILE = "state.pt"
METRICS_FILE = "metrics.csv"
WIDE_LAYER = 512  # units; narrower layers train faster on one thread
# What torch.load and the checks after it raise for a file that is no checkpoint.
DAMAGE = (RuntimeError, ValueError, TypeError, LookupError, EOFError, UnpicklingError)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run was asked to do; part of its checkpoint."""

    name: str  # of the recipe
    recipe: Recipe
    seed: int
    data: str  # the folder that holds MNIST/raw
    drawings: list[str]  # files
    not_digits: list[str]  # files
    teachers: list[str]  # folders of networks
    device: str
    threads: int
    own: list[str] = dataclasses.field(default_factory=list)  # files and folders of own digits
    init: str = ""  # the folder of the network to begin with
    command: str = ""  # trains such a network again; for the model card


@dataclasses.dataclass
class Checkpoint:
    """A run between two epochs."""

    settings: Settings
    fingerprint: str  # of the images and teachers; "" if an older version began the run
    history: list[dict] = dataclasses.field(default_factory=list)  # a row for each epoch done
    trainer: dict | None = None  # Trainer.state_dict(); None before the first epoch
    best_model: dict | None = None  # state dict of the best network, batch normalisation fused

    def best(self) -> dict:
        """Return the row with the highest mean accuracy on held-out data, the later of equals.

        The user's own digits don't count, as they may be few.
        """
        names = {name for name in self.history[0] if name.endswith("_accuracy")} - {"own_accuracy"}
        return max(reversed(self.history), key=lambda row: mean(row[name] for name in names))

    def save(self, directory: Path) -> None:
        """Write the checkpoint to `directory`. Raises UserError if the disk is full."""
        content = io.BytesIO()  # on a full disk torch.save raises a RuntimeError with no reason
        torch.save(dataclasses.asdict(self), content)
        with atomic_write(directory / CHECKPOINT_FILE) as file:
            file.write(content.getbuffer())

    @classmethod
    def load(cls, directory: Path) -> "Checkpoint":
        """Read the checkpoint in `directory`. Raises UserError if it is missing or damaged."""
        path = directory / CHECKPOINT_FILE
        try:
            saved = dict(torch.load(path, map_location="cpu", weights_only=True))
            settings = dict(saved.pop("settings"))
            recipe = recipe_from(settings.pop("recipe"))
            if "command" not in settings:  # from before December 2026, with another fingerprint
                saved["fingerprint"] = ""
                if saved["history"]:
                    model, config = weights.load(directory)
                    saved["best_model"] = model.state_dict()
                    settings["command"] = config["provenance"].get("command", "")
            return cls(Settings(recipe=recipe, **settings), **saved)
        except FileNotFoundError as error:
            raise UserError(
                f"no run to resume in {directory}: {CHECKPOINT_FILE} is missing. "
                "Give the directory that the run printed when it began"
            ) from error
        except OSError as error:
            raise UserError(f"{path} can't be read: {error.strerror}") from error
        except DAMAGE as error:
            raise UserError(f"{path} is damaged, or another version's: begin a new run") from error


@dataclasses.dataclass
class Run:
    """A run in memory, ready to train."""

    directory: Path
    checkpoint: Checkpoint
    data: TrainingData
    teachers: list[MLP]
    generator: torch.Generator  # in its state after the data were made

    def snapshots(self) -> Snapshots:
        """Return the run's file of snapshots."""
        recipe, images = self.checkpoint.settings.recipe, self.data.train_set[0]
        steps = recipe.epochs * len(batches(torch.arange(len(images)), recipe))
        return Snapshots(self.directory, recipe.epochs, steps)


# Begin and resume ------------------------------------------------------------


def begin(settings: Settings, output: Path | None, runs: Path) -> Run:
    """Begin a run in `output`, or (None) in a new directory in `runs`.

    Raises UserError if data can't be read or the directory can't be written.
    """
    data, teachers, generator = _prepare(settings)
    directory = create_run_directory(output, runs, settings.name)
    print(f"run directory    {directory}\n", flush=True)
    checkpoint = Checkpoint(settings, fingerprint(data, teachers))
    checkpoint.save(directory)
    return Run(directory, checkpoint, data, teachers, generator)


def resume(directory: Path, device: str | None = None, threads: int | None = None) -> Run:
    """Continue the run in `directory` with its own settings except `device` and `threads`.

    Raises UserError if there is no run, its data have changed or the device is missing.
    """
    checkpoint = Checkpoint.load(directory)
    before = checkpoint.settings
    settings = checkpoint.settings = dataclasses.replace(
        before,
        device=choose_device(device or before.device),
        threads=choose_threads(before.threads if threads is None else threads),
    )
    data, teachers, generator = _prepare(settings)
    if checkpoint.fingerprint not in ("", fingerprint(data, teachers)):
        files = (settings.data, *settings.drawings, *settings.not_digits, *settings.own)
        raise UserError(
            f"the images or teachers are not those that the run in {directory} began with. "
            f"Restore {' and '.join((*files, *settings.teachers))}, or begin a new run"
        )
    done = len(checkpoint.history)
    print(f"run directory    {directory}, resumed after epoch {done}\n", flush=True)
    return Run(directory, checkpoint, data, teachers, generator)


def _prepare(settings: Settings) -> tuple[TrainingData, list[MLP], torch.Generator]:
    """Print the settings; load the data and the teachers, and return the generator used."""
    recipe = dataclasses.asdict(settings.recipe)
    sizes = "-".join(map(str, (PIXELS, *recipe.pop("hidden"), DIGITS)))
    own = {name: getattr(settings, name) for name in ("seed", "device", "threads")}
    for name, value in {"recipe": settings.name, "network": sizes, **recipe, **own}.items():
        print_row(name.replace("_", " "), value)
    drawings = [drawing for path in settings.drawings for drawing in read_drawings(path)]
    letters = [letter for path in settings.not_digits for letter in read_drawings(path, False)]
    teachers = [weights.load(directory)[0] for directory in settings.teachers]
    generator = torch.Generator().manual_seed(settings.seed)
    data = training_data(settings.data, drawings, settings.recipe.negatives, generator, letters)
    if settings.own:
        for note in add_own_data(data, settings.own, settings.data):
            print_row("own data", note)
    counts = {"training images": data.train_set, **data.validation}
    print_row("data", ", ".join(f"{len(labels)} {what}" for what, (_, labels) in counts.items()))
    return data, teachers, generator


def fingerprint(data: TrainingData, teachers: Sequence[MLP]) -> str:
    """Return a checksum of the images, labels and teachers of a training."""
    checksum = hashlib.sha256(data.fingerprint().encode())
    for parameter in (tensor for teacher in teachers for tensor in teacher.parameters()):
        checksum.update(parameter.detach().numpy())
    return checksum.hexdigest()


def create_run_directory(output: Path | None, runs: Path, name: str) -> Path:
    """Make `output`, or (None) a directory in `runs` named by the time and `name`.

    Raises UserError if `output` holds a run already or the directory can't be made.
    """
    if output is None:
        stem = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{name}"
        paths = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        output = next(runs / path for path in paths if not (runs / path).exists())
    elif (output / CHECKPOINT_FILE).exists():
        raise UserError(f"{output} holds a run already: resume it, or choose another directory")
    make_directory(output)
    return output


def choose_device(name: str) -> str:
    """Return `name`, or a GPU if there is one for "auto". Raises UserError if it is missing."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    found = [*["cuda"] * cuda, *["mps"] * mps, "cpu"]
    if name not in ("auto", *found):
        raise UserError(f"device {name} is not available here; PyTorch finds: {', '.join(found)}")
    return found[0] if name == "auto" else name


def choose_threads(count: int | None, hidden: Sequence[int] = ()) -> int:
    """`count`; for None PyTorch's choice if a layer is wide, else 1 (docs/speed.md).

    Raises UserError below 1.
    """
    if count is not None and count < 1:
        raise UserError(f"{count} threads; expected at least 1")
    return count or (torch.get_num_threads() if max(hidden, default=0) >= WIDE_LAYER else 1)


# Train -----------------------------------------------------------------------


def summary_writer() -> type:
    """Return TensorBoard's writer. Raises UserError where its package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError("TensorBoard is not installed: pip install tensorboard") from error
    return SummaryWriter


def train(run: Run, writer: type | None = None) -> None:
    """Train the remaining epochs and save the run after each; log it where there is a `writer`.

    If interrupted or diverged, saves the best network so far. Raises Diverged, and another
    UserError if the disk is full.
    """
    settings, data, recipe = run.checkpoint.settings, run.data, run.checkpoint.settings.recipe
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    model = MLP(recipe.hidden, recipe.batch_norm).to(settings.device)
    if settings.init and not run.checkpoint.trainer:
        model.load_state_dict(weights.load(settings.init)[0].state_dict())
    trainer = Trainer(model, data.train_set, recipe, run.generator, data.negatives, run.teachers)
    if run.checkpoint.trainer:
        trainer.load_state_dict(run.checkpoint.trainer)
    snapshots = run.snapshots()
    snapshots.drop_after(trainer.step)
    log_again = trainer.epochs + 1
    with writer(run.directory, purge_step=log_again) if writer else contextlib.nullcontext() as log:
        try:
            for epoch in trainer.fit(data.validation["validation"], snapshots):
                save_epoch(run, trainer, epoch, log)
        except (KeyboardInterrupt, Diverged):
            if run.checkpoint.best_model:
                save_network(run)
            raise


def save_epoch(run: Run, trainer: Trainer, epoch: Epoch, log: Any = None) -> None:
    """Print the epoch's line, then write the metrics and the checkpoint.

    The checkpoint is last: a run stopped before it does the epoch again.
    """
    checkpoint, row, network = run.checkpoint, dataclasses.asdict(epoch), trainer.network()
    for name, dataset in run.data.validation.items():
        if name != "validation":  # that one is in the row
            row[f"{name}_accuracy"] = evaluate(network, dataset)[1]
    print(_line(row), flush=True)
    checkpoint.history.append(row)
    checkpoint.trainer = trainer.state_dict()
    if checkpoint.best() is row:
        checkpoint.best_model = trainer.ema_model.fused().state_dict()
    write_metrics(run.directory, checkpoint.history)
    checkpoint.save(run.directory)
    for name, value in row.items() if log else ():
        log.add_scalar(name, value, epoch.epoch)


def print_row(name: str, value: object) -> None:
    """Print a line of the table at the beginning of a log."""
    print(f"{name:16} {value}")


def _line(row: dict) -> str:
    """Return an epoch's line of the log."""
    names = [name for name in ("drawings", "styles", "own") if f"{name}_accuracy" in row]
    more = "".join(f"  {name} {row[f'{name}_accuracy']:.2%}" for name in names)
    return (
        f"epoch {row['epoch']:2}  training loss {row['training_loss']:.4f}"
        f"  validation loss {row['validation_loss']:.4f}"
        f"  validation accuracy {row['validation_accuracy']:.2%}{more}  {row['seconds']:.1f} s"
    )


def write_metrics(directory: Path, rows: list[dict]) -> None:
    """Write metrics.csv with all `rows`, replacing those of an interrupted epoch."""
    with atomic_write(directory / METRICS_FILE, "wt") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def what_is_left(run: Run) -> str:
    """Describe what a run that ended early has on the disk."""
    done = len(Checkpoint.load(run.directory).history)
    network = (run.directory / weights.MODEL_FILE).exists()
    best = "the best network so far" if network else "no network yet"
    return f"{run.directory} keeps the state after epoch {done} and {best}"


# Finish ----------------------------------------------------------------------


def finish(run: Run) -> dict[str, float]:
    """Save the run's network and pictures, append its last snapshot, and return its scores.

    The network of a finished run is left as it is.
    """
    if not _is_tested(run.directory):
        save_network(run, tested=True)
    model, config = weights.load(run.directory)
    snapshots, row = run.snapshots(), run.checkpoint.best()
    step = row["epoch"] * snapshots.steps // snapshots.epochs
    losses = row["training_loss"], evaluate(model, run.data.validation["validation"])
    snapshots.append(model, step, *losses, config)
    scores = config["provenance"]["scores"]
    print(f"\nthe network of epoch {row['epoch']}:")
    for what, score in scores.items():
        print(f"{what.replace('_', ' ')} {score:.2%}")
    draw_pictures(run, model)
    return scores


def _is_tested(directory: Path) -> bool:
    """Whether the run in `directory` has a finished network."""
    if not (directory / weights.MODEL_FILE).exists():
        return False
    return "test_accuracy" in weights.load(directory)[1]["provenance"]["scores"]


def save_network(run: Run, tested: bool = False) -> None:
    """Calibrate and save the best network; if `tested`, score it on the test set too."""
    settings = run.checkpoint.settings
    model = MLP(settings.recipe.hidden)
    model.load_state_dict(run.checkpoint.best_model)
    model, thresholds, scores = calibrate(model, run.data.validation, settings.recipe.bits)
    if (negatives := run.data.held_out_negatives) is not None:
        verdicts = calibration.verdicts(predict(model, negatives).exp(), thresholds)
        scores["letters_called_sure_digits"] = round((verdicts == 2).float().mean().item(), 4)
    provenance = {
        "data": run.data.description,
        "recipe": {"name": settings.name, **dataclasses.asdict(settings.recipe)},
        "seed": settings.seed,
        "files": [Path(f).name for f in (*settings.drawings, *settings.not_digits, *settings.own)],
        **({"command": settings.command} if settings.command else {}),
        "scores": scores,
        **date_and_versions(),
    }
    if tested:
        add_test_scores(provenance, model, settings.data)
    weights.save(model, run.directory, provenance, thresholds)


def draw_pictures(run: Run, model: MLP) -> None:
    """Write five PNGs: training images, curves, confusion, mistakes and first layer."""
    images, labels = run.data.validation["validation"]
    probabilities = predict(model, images).exp()
    confusion = confusion_matrix(probabilities.argmax(1), labels)
    samples, sample_labels = (tensor[: plots.GALLERY] for tensor in run.data.train_set)
    if run.checkpoint.settings.recipe.augment:
        samples = augment(samples, torch.Generator().manual_seed(0))
    drawn = {
        "samples": plots.image_grid(samples, list(map(str, sample_labels.tolist()))),
        "curves": plots.curves(run.checkpoint.history, run.checkpoint.best()["epoch"]),
        "confusion": plots.confusion_matrix(confusion, "MNIST's validation set"),
        "mistakes": plots.surest_mistakes(images, labels.tolist(), probabilities),
        "first-layer": plots.first_layer(model),
    }
    for name, figure in drawn.items():
        plots.save(figure, run.directory / f"{name}.png")
