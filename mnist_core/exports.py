"""Images and labels as files that other tools read: Kaggle's CSV, and MNIST's own idx."""

import csv
from pathlib import Path

import numpy as np

from mnist_core.data import Dataset
from mnist_core.framing import PIXELS
from mnist_core.strokes import replacing

# idx, from Yann LeCun's MNIST page: two zeros, 8 for unsigned bytes, the number of dimensions;
# then each dimension as a big-endian uint32; then the bytes.
IDX_BYTES = 0x0800
IMAGES = "-images-idx3-ubyte"
LABELS = "-labels-idx1-ubyte"


def write_csv(path: Path, dataset: Dataset) -> None:
    """A row for each image: its label and 784 grey values; gzipped if the name ends in .gz.

    The header is label,pixel0,...,pixel783, as in Kaggle's digit recognizer.
    """
    images, labels = dataset
    rows = np.column_stack([labels.numpy(), images.reshape(-1, PIXELS).numpy()])
    with replacing(path, "wt") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["label", *(f"pixel{number}" for number in range(PIXELS))])
        lines.writerows(rows.tolist())


def write_idx(path: Path, dataset: Dataset) -> Path:
    """Write the images to `path` and the labels beside it, as MNIST's files are; give back where.

    `path` ends in -images-idx3-ubyte, or in that and .gz.
    """
    images, labels = dataset
    beside = path.with_name(path.name.replace(IMAGES, LABELS))
    for place, array in ((path, images.numpy()), (beside, labels.numpy().astype(np.uint8))):
        with replacing(place, "wb") as file:
            file.write(np.array([IDX_BYTES + array.ndim, *array.shape], ">u4").tobytes())
            file.write(array.tobytes())
    return beside
