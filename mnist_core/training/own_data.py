"""A person's own digits as images like MNIST's: pictures in folders, tables, arrays.

They join the training images, but for a tenth that is held out and scored. Images that MNIST holds
are left out: Kaggle's digits, for one, are partly those of MNIST's validation and test sets.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from mnist_core.drawing.framing import SIDE
from mnist_core.drawing.ink import frame_picture
from mnist_core.drawing.pictures import open_picture
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training.array_files import REMEDY, WORDS, Arrays, read_idx, reader_of
from mnist_core.training.data import Dataset, TrainingData, join, load_mnist, select, split
from mnist_core.training.trainer import predict

KINDS = (
    "pictures in folders 0 to 9, a CSV of a label and 784 pixels a line, MNIST's idx files, or "
    "images and labels in .npz, .npy or .pt"
)
SAMPLE = 200  # images, about, that the shipped network reads to see whether they are upright


class OwnData(NamedTuple):
    images: torch.Tensor  # (N, 28, 28) uint8
    labels: torch.Tensor  # (N,) int64
    notes: list[str]  # sentences on what was skipped or turned


def add_own_data(data: TrainingData, paths: Sequence[str | Path], root: str | Path) -> list[str]:
    """Add the images at `paths` to `data`; return what a person should know of them.

    Each image counts once, and those of MNIST, in `root`, not at all. Raises UserError as `read`.
    """
    read_data = [read(Path(path)) for path in paths]
    images, labels = (torch.cat([one[i] for one in read_data]) for i in (0, 1))
    known = {
        image.tobytes() for train in (True, False) for image in load_mnist(root, train)[0].numpy()
    }
    new = {image.tobytes(): i for i, image in enumerate(images.numpy())}
    indices = torch.tensor([i for key, i in new.items() if key not in known]).long()
    own = select((images, labels), indices)
    training, held_out = split(len(own[0]))
    data.train_set = join(data.train_set, select(own, training))
    if len(held_out):
        data.validation["own"] = select(own, held_out)
    names = ", ".join(Path(path).name for path in paths)
    data.description += f"; and {len(own[0]):,} images of {names}"
    count = f"{len(images)} images; those that are MNIST's or repeated are left out"
    return [count, *(note for one in read_data for note in one.notes)]


def read(path: Path) -> OwnData:
    """Read the images and labels at `path`, one of KINDS. Raises UserError with what was found."""
    if not (path.is_file() or path.is_dir()):
        raise UserError(f"there is no {path}; expected {KINDS}")
    notes = []
    if path.is_dir():
        images, labels = _read_folder(path, notes)
    elif reader := reader_of(path.name):
        images, labels = reader(path)
    else:
        raise UserError(f"{path} is of no known kind; expected {KINDS}. {REMEDY}")
    upright = _upright((torch.tensor(images), torch.tensor(labels)), path.name, notes)
    return OwnData(*upright, notes)


def _upright(dataset: Dataset, name: str, notes: list[str]) -> Dataset:
    """Turn transposed images, which the shipped network reads much better turned, and note it."""
    images, labels = dataset
    sample = torch.arange(0, len(labels), max(1, len(labels) // SAMPLE))
    model = weights.load(weights.SHIPPED)[0]
    given, turned = (_read_right(model, one[sample], labels[sample]) for one in (images, images.mT))
    accuracy = f"{given / len(sample):.0%}"
    if turned - given >= max(5, 0.3 * len(sample)):
        shares = f"{turned / len(sample):.0%} of them so, and {accuracy} as given"
        turn = f"they are turned back, as the shipped network reads {shares}"
        notes.append(f"{name}: rows and columns are exchanged; {turn}")
        return images.mT.contiguous(), labels
    if len(sample) >= 20 and given < 0.5 * len(sample):
        notes.append(
            f"{name}: the shipped network reads only {accuracy} of these images; are they upright "
            "digits, with the right labels?"
        )
    return dataset


def _read_right(model: MLP, images: torch.Tensor, labels: torch.Tensor) -> int:
    return int((predict(model, images).argmax(1) == labels).sum())


def _read_folder(path: Path, notes: list[str]) -> Arrays:
    """Read a folder of idx files, of pictures in folders 0 to 9, at any depth, or of one table."""
    files = [file.relative_to(path) for file in sorted(_files(path))]
    if idx_files := [file for file in files if re.search("images.*idx3", file.name)]:
        pairs = [read_idx(path / file) for file in _for_training(idx_files, path, notes)]
        return tuple(map(np.concatenate, zip(*pairs, strict=True)))
    labelled = [file for file in files if _digit_of(file) is not None]
    if not labelled:
        tables = _for_training([file for file in files if reader_of(file.name)], path, notes)
        if len(tables) == 1 or (len(tables) == 2 and {file.suffix for file in tables} == {".npy"}):
            return reader_of(tables[0].name)(path / tables[0])
        found = sorted(place.name for place in path.iterdir())[:5] or "nothing"
        raise UserError(f"{path} holds no pictures of digits, but {found}; expected {KINDS}")
    labelled = _for_training(labelled, path, notes)
    images, labels, faults = [], [], []
    for file in tqdm(labelled, "reading", unit=" pictures", delay=1, leave=False, disable=None):
        try:
            images.append(_read_picture(path / file))
            labels.append(_digit_of(file))
        except UserError as error:
            faults.append(f"{file}: {error}")
    if not images:
        raise UserError(f"{path}: none of {len(labelled)} files could be used; {faults[0]}")
    if faults:
        count = f"{len(faults)} of {len(labelled)} files were skipped"
        notes.append(f"{path.name}: {count}, the first is {faults[0]}")
    return np.stack(images), np.array(labels)


def _files(path: Path) -> Iterator[Path]:
    """All files in a folder, those of linked folders too; each folder once."""
    seen = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (file for name in names if (file := Path(folder, name)).is_file())


def _digit_of(file: Path) -> int | None:
    """The label in the name of the first folder that has one: 3, 03, digit_3, class 3, three."""
    for name in map(str.lower, file.parts[:-1]):
        if name in WORDS:
            return WORDS[name]
        if found := re.fullmatch(r"(?:digit|class|label)?[ _-]?0?(\d)", name):
            return int(found[1])
    return None


def _for_training(files: list[Path], path: Path, notes: list[str]) -> list[Path]:
    """Those of `files` with "train" in their path; all of them where none has it."""
    chosen = [file for file in files if "train" in str(file).lower()]
    if chosen and len(chosen) < len(files):
        other = min({*files} - {*chosen})
        count = f"{len(files) - len(chosen)} files such as {other} were left out"
        notes.append(f"{path.name}: {count}; what is for training was read")
    return chosen or files


def _read_picture(file: Path) -> np.ndarray:
    """Frame a picture as an upload, or take it as it is where it has MNIST's form already."""
    picture = open_picture(file)
    pixels = np.asarray(picture.convert("L"))
    border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    plain = picture.mode in ("L", "RGB") and picture.size == (SIDE, SIDE)
    if not plain or np.median(border):
        pixels = frame_picture(picture)
    if not pixels.any():
        raise UserError("the picture holds no ink")
    return pixels
