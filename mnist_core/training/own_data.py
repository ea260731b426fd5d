"""A person's own digits as images in MNIST's form: pictures in folders, idx files, a CSV.

They join the training images, but for a tenth that is held out and scored. What MNIST holds is
left out: Kaggle's digits, for one, are partly those that validation and test are made of.
"""

import csv
import math
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mnist_core.drawing.framing import PIXELS, SIDE
from mnist_core.drawing.ink import frame_picture
from mnist_core.drawing.pictures import open_picture
from mnist_core.drawing.strokes import check_label
from mnist_core.errors import UserError
from mnist_core.files import reading
from mnist_core.training.data import Dataset, TrainingData, join, load_mnist, select, split

# idx, from Yann LeCun's MNIST page: two zeros, 8 for unsigned bytes, the number of dimensions;
# then each dimension as a big-endian uint32; then the bytes.
IDX_BYTES = 0x0800
KINDS = (
    "a folder with MNIST/raw or with pictures in folders 0 to 9, a file ...images-idx3-ubyte "
    "beside its labels, .csv (label,pixel0,...) or .jsonl (drawings); with .gz or without"
)


def add_own_data(data: TrainingData, paths: Sequence[str | Path], root: str | Path) -> int:
    """Let the images of `paths` join `data`, and give back how many there were.

    Each image counts once, and those of MNIST, in `root`, not at all. Raises UserError as `read`.
    """
    found = reduce(join, map(read, map(Path, paths)))
    known = {
        image.tobytes() for train in (True, False) for image in load_mnist(root, train)[0].numpy()
    }
    new = {image.tobytes(): i for i, image in enumerate(found[0].numpy())}
    own = select(found, torch.tensor([i for key, i in new.items() if key not in known]).long())
    training, held_out = split(len(own[0]))
    data.train_set = join(data.train_set, select(own, training))
    if len(held_out):
        data.validation["own"] = select(own, held_out)
    names = ", ".join(Path(path).name for path in paths)
    data.description += f"; and {len(own[0]):,} images of {names}"
    return len(found[0])


def read(path: Path) -> Dataset:
    """The images and labels at `path`, one of KINDS. Raises UserError naming file and line."""
    name = path.name.removesuffix(".gz")
    if not path.exists():
        raise UserError(f"there is no {path}; expected {KINDS}")
    if path.is_dir():
        images, labels = _read_folder(path)
    elif name.endswith(".csv"):
        images, labels = _read_csv(path)
    elif name.endswith("idx3-ubyte"):
        images, labels = _read_idx(path)
    else:
        raise UserError(f"{path} is of no known kind; expected {KINDS}")
    return torch.tensor(images), torch.tensor(labels).long()


def _read_folder(path: Path) -> tuple[np.ndarray, list[int]]:
    folders = sorted(place for place in path.iterdir() if not place.name.startswith("."))
    if wrong := [place.name for place in folders if place.name not in {*"0123456789"}]:
        raise UserError(f"{path} holds {wrong[0]}; expected nothing but folders 0 to 9")
    files = [file for folder in folders for file in sorted(folder.glob("[!.]*"))]
    if not files:
        raise UserError(f"{path} holds no pictures; expected folders 0 to 9 with some")
    shown = tqdm(files, "reading", unit=" pictures", delay=1, leave=False, disable=None)
    return np.stack([*map(_read_picture, shown)]), [int(file.parent.name) for file in files]


def _read_picture(file: Path) -> np.ndarray:
    """A picture framed as an upload is, or as it is where it has MNIST's form already."""
    try:
        picture = open_picture(file)
        pixels = np.asarray(picture.convert("L"))
        border = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
        plain = picture.mode in ("L", "RGB") and picture.size == (SIDE, SIDE)
        if not plain or np.median(border):
            pixels = frame_picture(picture)
    except UserError as error:
        raise UserError(f"{file}: {error}") from error
    if not pixels.any():
        raise UserError(f"{file}: the picture holds no ink")
    return pixels


def _read_csv(path: Path) -> tuple[np.ndarray, list[int]]:
    images, labels = [], []
    with reading(path, "rt") as file:
        rows = csv.reader(file)
        header = next(rows, [""])
        if header[0] != "label" or len(header) != 1 + PIXELS:
            raise UserError(f"{path}, line 1: expected label,pixel0,...,pixel{PIXELS - 1}")
        for row in filter(None, rows):
            try:
                label, *pixels = map(int, row)
                labels.append(check_label(label))
                images.append(np.frombuffer(bytes(pixels), np.uint8).reshape(SIDE, SIDE))
            except ValueError as error:
                reason = f"expected a label and {PIXELS} pixels, 0 to 255"
                why = error if isinstance(error, UserError) else reason
                raise UserError(f"{path}, line {rows.line_num}: {why}") from error
    if not images:
        raise UserError(f"{path} holds no images")
    return np.stack(images), labels


def _read_idx(path: Path) -> tuple[np.ndarray, np.ndarray]:
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    images, labels = _read_array(path, 3), _read_array(beside, 1)
    if images.shape != (len(labels), SIDE, SIDE) or not len(labels):
        shape = " x ".join(map(str, images.shape))
        raise UserError(f"{path} holds {shape} pixels for {len(labels)} labels; expected 28 x 28")
    for number in np.flatnonzero(labels > 9)[:1]:
        raise UserError(f"{beside}, label {number + 1} is {labels[number]}; expected 0 to 9")
    # EMNIST's images are transposed (Cohen et al., "EMNIST", 2017).
    return images.swapaxes(1, 2).copy() if path.name.startswith("emnist") else images, labels


def _read_array(path: Path, dimensions: int) -> np.ndarray:
    with reading(path, "rb") as file:
        length = 4 + 4 * dimensions
        header = np.frombuffer(file.read(length).ljust(length), ">u4").tolist()
        content = np.frombuffer(file.read(), np.uint8)
        if header[:1] == [IDX_BYTES + dimensions] and math.prod(header[1:]) == len(content):
            return content.reshape(header[1:])
    raise UserError(f"{path} is cut short, or not an idx file of {dimensions} dimensions of bytes")
