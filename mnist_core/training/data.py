"""MNIST and drawings as uint8 tensors; seeded splits; all that a training needs of them."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import MNIST
from torchvision.datasets.utils import check_integrity
from tqdm import tqdm

from mnist_core.drawing.framing import frame_strokes
from mnist_core.drawing.strokes import Drawing
from mnist_core.errors import UserError
from mnist_core.training.outliers import make_outliers, resembles_no_digit
from mnist_core.training.styles import restyle

# The pens of drawings to train on, in pixels of the frame: MNIST's own are 1 to 5 wide.
PEN_WIDTHS = (1.5, 4.5)
# Images of each writer to train on: so many times the root of how many drawings there are.
DIGITS_EACH = 60
LETTERS_EACH = 40
MOST_COPIES = 16  # of one drawing

Dataset = tuple[torch.Tensor, torch.Tensor]  # (N, 28, 28) uint8 images, (N,) int64 labels
Drawings = Sequence[Drawing]


def load_mnist(root: str | Path, train: bool) -> Dataset:
    """MNIST's 60,000 training or 10,000 test images and their labels.

    The four original .gz files are expected in `root`/MNIST/raw; torchvision unpacks them there,
    and fetches any that is missing. Raises UserError when a file is not MNIST's, or can't be read,
    fetched or unpacked.
    """
    raw = Path(root) / "MNIST" / "raw"
    if not Path(root).is_dir():
        raise UserError(f"there is no folder {root}; expected the one that holds MNIST/raw")
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


def mnist_validation(root: str | Path) -> Dataset:
    """Those of MNIST's training images, from `root`, that are held out of every training."""
    images, labels = load_mnist(root, train=True)
    return select((images, labels), split(len(labels))[1])


def split_drawings(drawings: Drawings, seed: int = 0) -> tuple[list[Drawing], list[Drawing]]:
    """Some drawings for training and, chosen by the seed, about a tenth for validation.

    Where ten or more contributors are named, some are held out with all their drawings: what
    counts is how people are read who were never seen. Of the drawings without a name, and of all
    where fewer are named, a tenth is held out one by one. Raises UserError for fewer than two.
    """
    if len(drawings) < 2:
        raise UserError(f"{len(drawings)} drawing to train on; at least 2 are needed")
    contributors = [contributor_of(drawing) for drawing in drawings]
    counts = Counter(contributors)
    names = sorted(counts.keys() - {None}, key=str)
    if len(names) < 10:
        names, contributors = [], [None] * len(drawings)
    unnamed = [i for i, contributor in enumerate(contributors) if contributor is None]
    chance = random.Random(seed)
    chance.shuffle(names)
    totals = list(accumulate(counts[name] for name in names))
    few = sum(10 * total <= totals[-1] for total in totals)
    held_out = set(names[: max(1, few)])
    one_by_one = set(chance.sample(unnamed, max(len(unnamed) // 10, 0 if names else 1)))
    seen, unseen = [], []
    for i, drawing in enumerate(drawings):
        (unseen if contributors[i] in held_out or i in one_by_one else seen).append(drawing)
    return seen, unseen


def writer_of(drawing: Drawing) -> str | int | None:
    """Who made `drawing`, as its extra key "writer" says: a str or an int; else no name."""
    writer = drawing.extra.get("writer")
    return writer if type(writer) in (str, int) else None


def contributor_of(drawing: Drawing) -> str | int | None:
    """Who collected `drawing`: UNIPEN names its writers apb-017; else the writer."""
    writer = writer_of(drawing)
    return writer.partition("-")[0] if isinstance(writer, str) else writer


def render_drawings(drawings: Drawings) -> Dataset:
    """Draw each drawing once, with the pen that the page uses."""
    images = [frame_strokes(drawing.strokes) for drawing in _shown(drawings)]
    return torch.from_numpy(np.stack(images)), _labels(drawings)


def render_variants(drawings: Drawings, copies: int, generator: torch.Generator) -> Dataset:
    """Draw each drawing `copies` times, each time with a pen of another, random width."""
    widths = torch.empty(len(drawings), copies).uniform_(*PEN_WIDTHS, generator=generator)
    images = [
        frame_strokes(drawing.strokes, width)
        for drawing, row in zip(drawings, widths.tolist(), strict=True)
        for width in row
    ]
    return torch.from_numpy(np.stack(images)), _labels(drawings).repeat_interleave(copies)


def render_restyled(drawings: Drawings, each: float, generator: torch.Generator) -> Dataset:
    """Draw each drawing several times, in other hands and other pen widths; a letter's label is -1.

    A writer of n drawings gets about `each` x sqrt(n) images, up to `MOST_COPIES` of each, so
    that those who drew much don't crowd out the others.
    """
    chance = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    counts = Counter(map(writer_of, drawings))
    drawn = [counts[writer_of(drawing)] for drawing in drawings]  # n, for each
    copies = [min(max(1, round(each / n**0.5)), MOST_COPIES) for n in drawn]
    images = [
        frame_strokes(restyle(drawing.strokes, drawing.label, chance), chance.uniform(*PEN_WIDTHS))
        for drawing, count in zip(_shown(drawings), copies, strict=True)
        for _ in range(count)
    ]
    labels = _labels(drawings).repeat_interleave(torch.tensor(copies))
    return torch.from_numpy(np.stack(images)), labels


def _shown(drawings: Drawings) -> Iterable[Drawing]:
    """`drawings`, with a bar where it takes a while and there is a terminal."""
    return tqdm(drawings, "drawing", unit=" drawings", delay=1, leave=False, disable=None)


def _labels(drawings: Drawings) -> torch.Tensor:
    """Their digits; -1 for what is none."""
    return torch.tensor([-1 if drawing.label is None else drawing.label for drawing in drawings])


def select(dataset: Dataset, indices: torch.Tensor) -> Dataset:
    return dataset[0][indices], dataset[1][indices]


def first(dataset: Dataset, limit: int) -> Dataset:
    """The first `limit` images, for a quick look. Raises UserError for fewer than ten."""
    if limit < 10:
        raise UserError(f"--limit is {limit}; expected at least 10 images")
    return dataset[0][:limit], dataset[1][:limit]


def join(first: Dataset, second: Dataset) -> Dataset:
    return torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])


@dataclass
class TrainingData:
    """What a training sees.

    `validation` by name: "validation" is MNIST's; where there are drawings, "drawings" are those
    held out and "styles" the same in other hands; "own" are a person's own digits.
    """

    train_set: Dataset
    validation: dict[str, Dataset]
    outliers: torch.Tensor | None  # (M, 28, 28) uint8, images of no digit
    letters: torch.Tensor | None  # (K, 28, 28) uint8, of contributors held out
    description: str  # where the images came from, for the model card

    def fingerprint(self) -> str:
        """A checksum of all images and labels: a resumed run must find the same."""
        checksum = hashlib.sha256()
        for images, labels in (self.train_set, *self.validation.values()):
            checksum.update(images.numpy())
            checksum.update(labels.numpy())
        return checksum.hexdigest()


def training_data(
    root: str | Path,
    drawings: Drawings,
    outliers: int,
    generator: torch.Generator,
    letters: Drawings = (),
    seed: int = 0,
) -> TrainingData:
    """MNIST from `root`, `drawings` and `letters`, each split for training and validation.

    `generator` makes `outliers` images of no digit and chooses hands and pens. Letters that look
    like digits are left out; those by contributors whose drawings are held out are held out too.
    `seed` chooses whose drawings these are.
    """
    mnist = load_mnist(root, train=True)
    train_set, held_out = (select(mnist, indices) for indices in split(len(mnist[0])))
    validation = {"validation": held_out}
    description = "nine tenths of MNIST's 60,000 training images"
    strangers: set[str | int | None] = set()
    if drawings:
        seen, unseen = split_drawings(drawings, seed)
        strangers = {*map(contributor_of, unseen)} - {*map(contributor_of, seen)} - {None}
        train_set = join(train_set, render_restyled(seen, DIGITS_EACH, generator))
        validation["drawings"] = render_drawings(unseen)
        validation["styles"] = render_restyled(unseen, 1, generator)
        description += f" and of {len(drawings):,} drawings in many hands"
    description += f": {len(train_set[0]):,} images"
    pool = [make_outliers(outliers, train_set[0], generator)] if outliers else []
    letters = [letter for letter in letters if resembles_no_digit(letter)]
    known = [letter for letter in letters if contributor_of(letter) not in strangers]
    unknown = [letter for letter in letters if contributor_of(letter) in strangers]
    if known:
        pool.append(render_restyled(known, LETTERS_EACH, generator)[0])
        description += f"; and {len(known):,} letters and signs as images of no digit"
    no_digits = torch.cat(pool) if pool else None
    held_letters = render_drawings(unknown)[0] if unknown else None
    return TrainingData(train_set, validation, no_digits, held_letters, description)
