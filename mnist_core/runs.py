"""A training run's directory: its settings and state, its metrics and its network.

    state.pt            all that the next epoch depends on, so that a run can be resumed
    metrics.csv         one row an epoch
    model.safetensors, config.json, README.md   the best network so far, as weights.py writes it

Each file is written beside its place and renamed, after every epoch: killed at
any moment, a run leaves whole files, and the last epoch that was completed.
"""

import csv
import dataclasses
import hashlib
import io
import os
import pickle
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mnist_core.data import Dataset
from mnist_core.training import Recipe

STATE_FILE = "state.pt"
METRICS_FILE = "metrics.csv"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run was asked to do. It is kept in the state, so that a resumed run does the same."""

    name: str  # of the recipe
    recipe: Recipe
    seed: int
    data: str  # the folder that holds MNIST/raw
    drawings: list[str]  # files
    device: str
    threads: int


@dataclasses.dataclass
class State:
    """A run between two epochs.

    `history` holds a row of metrics.csv for each epoch done; `fitting` is
    `training.Fitting`'s state after them, None before the first; `data` is the
    `fingerprint` of what it trains on.
    """

    settings: Settings
    data: str
    history: list[dict]
    fitting: dict | None = None

    def best(self) -> dict:
        """The row whose network is kept: the best on validation images, the later of equals."""
        return max(reversed(self.history), key=lambda row: row["validation_accuracy"])


def create(directory: Path) -> Path:
    """`directory`, made if need be and tried for writing: better now than after an epoch.

    Raises ValueError when there is a run in it already, OSError when it can't be written.
    """
    if (directory / STATE_FILE).exists():
        raise ValueError(
            f"{directory} holds a run already: choose another --output, "
            f"or continue that one with --resume {directory}"
        )
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def create_new(directory: Path) -> Path:
    """`directory`, or with -2, -3, ... where another run has that name already."""
    free, number = directory, 2
    while True:
        try:
            free.mkdir(parents=True)
            return free
        except FileExistsError:
            free, number = directory.with_name(f"{directory.name}-{number}"), number + 1


def save_state(directory: Path, state: State) -> None:
    """Write the state; loading it needs no pickle. Raises OSError when there is no room."""
    content = io.BytesIO()
    torch.save(dataclasses.asdict(state), content)
    _write(directory / STATE_FILE, content.getvalue())


def load_state(directory: Path) -> State:
    """The state in `directory`.

    Raises FileNotFoundError when there is none and ValueError when it is damaged.
    """
    path = directory / STATE_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"no run to resume in {directory}: {STATE_FILE} is missing. "
            "Give the directory that the run printed when it began"
        )
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        settings = saved.pop("settings")
        recipe = Recipe(**settings.pop("recipe"))
        return State(Settings(recipe=recipe, **settings), **saved)
    except (RuntimeError, pickle.UnpicklingError, EOFError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is damaged, or another version's: begin a new run") from error


def write_metrics(directory: Path, history: list[dict]) -> None:
    """Write all rows anew: a resumed run repeats the epoch that was cut short, not its row."""
    content = io.StringIO()
    writer = csv.DictWriter(content, history[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    _write(directory / METRICS_FILE, content.getvalue().encode())


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)  # a full disk needs the room
        raise OSError(f"can't write {path}: {error.strerror}") from error


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the block is done, so that files that belong together stay together."""
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def fingerprint(datasets: Iterable[Dataset]) -> str:
    """A checksum of all images and labels: a resumed run must find the same."""
    checksum = hashlib.sha256()
    for images, labels in datasets:
        checksum.update(images.numpy())
        checksum.update(labels.numpy())
    return checksum.hexdigest()
