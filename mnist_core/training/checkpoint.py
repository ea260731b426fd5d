"""The directory of a training run, and what is kept there after each epoch.

    state.pt            the checkpoint: all that the next epoch depends on
    metrics.csv         a row for each epoch
    model.safetensors, README.md   the best network so far, as network/weights.py writes it
    snapshots.bin       the network at some steps, as snapshots.py writes it

`run.keep` writes all but these, the checkpoint last.
"""

import csv
import dataclasses
import datetime
import io
import itertools
from pathlib import Path
from pickle import UnpicklingError
from statistics import mean

import torch

from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.training.data import TrainingData
from mnist_core.training.recipes import Recipe, recipe_from
from mnist_core.training.snapshots import Snapshots
from mnist_core.training.trainer import batches

CHECKPOINT_FILE = "state.pt"
METRICS_FILE = "metrics.csv"
# What torch.load and the checks after it raise for a file that is no checkpoint.
DAMAGE = (RuntimeError, ValueError, TypeError, LookupError, EOFError, UnpicklingError)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run was asked to do; kept in its checkpoint, so that a resumed run does the same."""

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


@dataclasses.dataclass
class Checkpoint:
    """A run between two epochs."""

    settings: Settings
    fingerprint: str  # of the data
    history: list[dict] = dataclasses.field(default_factory=list)  # a row for each epoch done
    trainer: dict | None = None  # Trainer.state_dict() after them; None before the first

    def best(self) -> dict:
        """The row whose network is kept: the best on what was held out, the later of equals.

        Own digits decide nothing: they may be a handful.
        """
        names = {name for name in self.history[0] if name.endswith("_accuracy")} - {"own_accuracy"}
        return max(reversed(self.history), key=lambda row: mean(row[name] for name in names))

    def save(self, directory: Path) -> None:
        """Write it; loading it needs no pickle. Raises UserError when there is no room."""
        content = io.BytesIO()  # where a file can't take it, torch.save hides why in a RuntimeError
        torch.save(dataclasses.asdict(self), content)
        with atomic_write(directory / CHECKPOINT_FILE) as file:
            file.write(content.getbuffer())

    @classmethod
    def load(cls, directory: Path) -> "Checkpoint":
        """The checkpoint in `directory`. Raises UserError when there is none or it is damaged."""
        path = directory / CHECKPOINT_FILE
        try:
            saved = dict(torch.load(path, map_location="cpu", weights_only=True))
            settings = dict(saved.pop("settings"))
            recipe = recipe_from(settings.pop("recipe"))
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
    """What a process needs to train; `generator` is the state of its source of random numbers."""

    directory: Path
    checkpoint: Checkpoint
    data: TrainingData
    generator: torch.Tensor

    def snapshots(self) -> Snapshots:
        """Those of the whole training."""
        recipe, images = self.checkpoint.settings.recipe, self.data.train_set[0]
        steps = recipe.epochs * len(batches(torch.arange(len(images)), recipe))
        return Snapshots(self.directory, recipe.epochs, steps)


def create(output: Path | None, runs: Path, name: str) -> Path:
    """The directory of a new run: `output`, or a new one in `runs`, named by the time and `name`.

    Raises UserError when there is a run in `output` already or it can't be made.
    """
    if output is None:
        return _create_new(runs / f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-{name}")
    if (output / CHECKPOINT_FILE).exists():
        raise UserError(
            f"{output} holds a run already: choose another --output, "
            f"or continue that one with --resume {output}"
        )
    make_directory(output)
    return output


def _create_new(directory: Path) -> Path:
    """`directory`, or with -2, -3, ... where another run has that name already."""
    free = directory
    for number in itertools.count(2):
        try:
            free.mkdir(parents=True)
            return free
        except FileExistsError:
            free = directory.with_name(f"{directory.name}-{number}")
        except OSError as error:
            raise UserError(f"can't make the folder {free}: {error.strerror}") from error


def write_metrics(directory: Path, rows: list[dict]) -> None:
    """Write all rows anew: a resumed run repeats the epoch that was cut short, not its row."""
    with atomic_write(directory / METRICS_FILE, "wt") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
