"""Images and labels as files that other tools read: Kaggle's CSV, and MNIST's own idx."""

from pathlib import Path
from typing import IO

import numpy as np

from mnist_core.drawing.framing import PIXELS
from mnist_core.files import atomic_write
from mnist_core.training.data import Dataset
from mnist_core.training.own_data import IDX_BYTES

IMAGES = "-images-idx3-ubyte"
LABELS = "-labels-idx1-ubyte"


def write_csv(path: Path, dataset: Dataset) -> None:
    """A row for each image, under label,pixel0,...,pixel783. Raises UserError."""
    images, labels = dataset
    rows = np.column_stack([labels.numpy().astype(np.uint8), images.reshape(-1, PIXELS).numpy()])
    header = ",".join(["label", *(f"pixel{number}" for number in range(PIXELS))])
    with atomic_write(path) as file:
        np.savetxt(file, rows, fmt="%d", delimiter=",", header=header, comments="")


def write_idx(path: Path, dataset: Dataset) -> Path:
    """Write the images to `path` and the labels beside it, as MNIST's files are; give back where.

    `path` ends in IMAGES, or in that and .gz. Killed at any moment it leaves the old pair, the new
    one, or images without labels; never images beside another export's labels. Raises UserError
    where a file can't be written, and leaves the old pair.
    """
    images, labels = dataset
    beside = path.with_name(path.name.replace(IMAGES, LABELS))
    with atomic_write(beside) as labels_file, atomic_write(path) as images_file:
        _write_array(images_file, images.numpy())
        _write_array(labels_file, labels.numpy().astype(np.uint8))
        beside.unlink(missing_ok=True)  # both new ones are written: now the images, then these
    return beside


def _write_array(file: IO[bytes], array: np.ndarray) -> None:
    file.write(np.array([IDX_BYTES + array.ndim, *array.shape], ">u4").tobytes())
    file.write(array.tobytes())
    file.flush()  # a full disk is noticed here
