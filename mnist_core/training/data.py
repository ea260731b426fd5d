"""MNIST and drawings as uint8 tensors; seeded splits; all that a training needs of them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import MNIST
from torchvision.datasets.utils import check_integrity

from mnist_core.drawing.framing import frame_strokes
from mnist_core.drawing.strokes import Drawing
from mnist_core.errors import UserError
from mnist_core.training.outliers import make_outliers

# The pens of drawings to train on, in pixels of the frame: MNIST's own are 1 to 5 wide.
PEN_WIDTHS = (1.5, 4.5)
COPIES = 4  # of each drawing to train on, in random pen widths

Dataset = tuple[torch.Tensor, torch.Tensor]  # (N, 28, 28) uint8 images, (N,) int64 labels


def load_mnist(root: str | Path, train: bool) -> Dataset:
    """MNIST's 60,000 training or 10,000 test images and their labels.

    The four original .gz files are expected in `root`/MNIST/raw; torchvision unpacks them there,
    and fetches any that is missing. Raises UserError when a file is not MNIST's, or can't be read,
    fetched or unpacked.
    """
    raw = Path(root) / "MNIST" / "raw"
    try:
        for name, md5 in MNIST.resources:
            if (raw / name).exists() and not check_integrity(raw / name, md5):
                raise UserError(
                    f"{raw / name} is not MNIST's file (its md5 is not {md5}). "
                    f"Restore it with: git checkout -- {raw}   or delete it, to have it downloaded"
                )
        dataset = MNIST(root, train=train, download=True)
    except UserError:
        raise
    except (RuntimeError, ValueError, AssertionError, EOFError, OSError) as error:
        raise UserError(
            f"MNIST in {raw} is missing or damaged and could not be fetched. "
            f"Restore it with: rm -f {raw}/*-ubyte; git checkout -- {raw}"
        ) from error
    return dataset.data, dataset.targets


def split(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices of a random nine tenths for training and of the other tenth for validation.

    The seed is not that of the training: runs with different training seeds must share their
    validation images to be compared.
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[count // 10 :], order[: count // 10]


def split_drawings(
    drawings: Sequence[Drawing], seed: int = 0
) -> tuple[list[Drawing], list[Drawing]]:
    """Some drawings for training and, chosen by the seed, about a tenth for validation.

    Where ten or more writers are named, a tenth of the writers is held out with all their
    drawings: what counts is how people are read who were never seen. Of the drawings without
    a name, and of all where fewer are named, a tenth is held out one by one. Raises UserError
    for fewer than two drawings.
    """
    if len(drawings) < 2:
        raise UserError(f"{len(drawings)} drawing to train on; at least 2 are needed")
    writers = [writer_of(drawing) for drawing in drawings]
    names = sorted(set(writers) - {None}, key=str)
    if len(names) < 10:
        names, writers = [], [None] * len(writers)
    unnamed = sorted((i for i, writer in enumerate(writers) if writer is None), key=str)
    chance = random.Random(seed)
    held_out = set(chance.sample(names, len(names) // 10))
    one_by_one = set(chance.sample(unnamed, max(len(unnamed) // 10, 0 if names else 1)))
    seen, unseen = [], []
    for i, drawing in enumerate(drawings):
        (unseen if writers[i] in held_out or i in one_by_one else seen).append(drawing)
    return seen, unseen


def writer_of(drawing: Drawing) -> str | int | None:
    """Who made `drawing`, as its extra key "writer" says: a str or an int; else no name."""
    writer = drawing.extra.get("writer")
    return writer if type(writer) in (str, int) else None


def render_drawings(drawings: Sequence[Drawing]) -> Dataset:
    """Draw each drawing once, with the pen that the page uses."""
    images = np.stack([frame_strokes(drawing.strokes) for drawing in drawings])
    return torch.from_numpy(images), _labels(drawings)


def render_variants(
    drawings: Sequence[Drawing], copies: int, generator: torch.Generator
) -> Dataset:
    """Draw each drawing `copies` times, each time with a pen of another, random width."""
    widths = torch.empty(len(drawings), copies).uniform_(*PEN_WIDTHS, generator=generator)
    images = [
        frame_strokes(drawing.strokes, width)
        for drawing, row in zip(drawings, widths.tolist(), strict=True)
        for width in row
    ]
    return torch.from_numpy(np.stack(images)), _labels(drawings).repeat_interleave(copies)


def _labels(drawings: Sequence[Drawing]) -> torch.Tensor:
    return torch.tensor([drawing.label for drawing in drawings], dtype=torch.int64)


def select(dataset: Dataset, indices: torch.Tensor) -> Dataset:
    return dataset[0][indices], dataset[1][indices]


def join(first: Dataset, second: Dataset) -> Dataset:
    return torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])


@dataclass
class TrainingData:
    """What a training sees: `validation` by name, "validation" (MNIST's) and maybe "drawings"."""

    train_set: Dataset
    validation: dict[str, Dataset]
    outliers: torch.Tensor | None  # (M, 28, 28) uint8, images of no digit
    description: str  # where the images came from, for the model card


def training_data(
    root: str | Path, drawings: Sequence[Drawing], outliers: int, generator: torch.Generator
) -> TrainingData:
    """MNIST from `root` and `drawings`, each split for training and validation.

    `generator` chooses the drawings' pen widths and makes `outliers` images of no digit.
    """
    mnist = load_mnist(root, train=True)
    train_set, held_out = (select(mnist, indices) for indices in split(len(mnist[0])))
    validation = {"validation": held_out}
    description = "nine tenths of MNIST's 60,000 training images"
    if drawings:
        seen, unseen = split_drawings(drawings)
        train_set = join(train_set, render_variants(seen, COPIES, generator))
        validation["drawings"] = render_drawings(unseen)
        description += f" and of {len(drawings):,} drawings, each in {COPIES} pen widths"
    made = make_outliers(outliers, train_set[0], generator) if outliers else None
    description += f": {len(train_set[0]):,} images"
    return TrainingData(train_set, validation, made, description)
