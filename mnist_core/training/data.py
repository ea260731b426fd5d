"""MNIST and drawings as uint8 tensors, split into training and validation."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import MNIST
from tqdm import tqdm

from mnist_core.drawing.framing import SIDE, frame_strokes
from mnist_core.drawing.strokes import Drawing
from mnist_core.errors import UserError
from mnist_core.training.negatives import is_negative, make_negatives
from mnist_core.training.styles import one_or_seven, restyle

PEN_WIDTHS = (1.5, 4.5)  # of training drawings, in pixels of the frame; MNIST's are 1 to 5 wide
# A writer of n drawings gives this many times the fourth root of n training images, for digits and
# for negatives: rare hands count almost as much as common ones.
DIGITS_PER_WRITER, NEGATIVES_PER_WRITER = 150, 100
MAX_COPIES = 16  # of one drawing
MIN_CONTRIBUTORS = 10  # to hold some of them out whole

Dataset = tuple[torch.Tensor, torch.Tensor]  # (N, 28, 28) uint8 images, (N,) int64 labels
Drawings = Sequence[Drawing]


def load_mnist(root: str | Path, train: bool) -> Dataset:
    """Load MNIST's 60,000 training or 10,000 test images and their labels.

    torchvision unpacks the four .gz files in `root`/MNIST/raw, after downloading those that are
    missing or damaged. Raises UserError if that fails.
    """
    raw = Path(root) / "MNIST" / "raw"
    if not Path(root).is_dir():
        raise UserError(f"there is no folder {root}; expected the one that holds MNIST/raw")
    try:
        dataset = MNIST(root, train=train, download=True)
    except (RuntimeError, ValueError, AssertionError, EOFError, OSError) as error:
        raise UserError(
            f"MNIST in {raw} is missing or damaged and could not be downloaded. "
            f"Restore it with: rm -f {raw}/*-ubyte; git checkout -- {raw}"
        ) from error
    return dataset.data, dataset.targets


def split(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return indices of a random nine tenths for training and of the other tenth for validation.

    The seed is not the training's, so that runs with different seeds share validation images.
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[count // 10 :], order[: count // 10]


def mnist_validation(root: str | Path) -> Dataset:
    """Load the 6,000 of MNIST's training images that every training holds out."""
    images, labels = load_mnist(root, train=True)
    return select((images, labels), split(len(labels))[1])


def split_drawings(drawings: Drawings, seed: int = 0) -> tuple[list[Drawing], list[Drawing]]:
    """Split drawings into training and, about a tenth of them, validation.

    With MIN_CONTRIBUTORS or more, whole contributors are held out, to measure how well the network
    reads people it has never seen. Otherwise, and for drawings without a writer, single drawings
    are held out. Raises UserError for fewer than two.
    """
    if len(drawings) < 2:
        raise UserError(f"{len(drawings)} drawing to train on; at least 2 are needed")
    contributors = [contributor_of(drawing) for drawing in drawings]
    counts = Counter(contributors)
    names = sorted(counts.keys() - {None}, key=str)
    if len(names) < MIN_CONTRIBUTORS:
        names, contributors = [], [None] * len(drawings)
    unnamed = [i for i, contributor in enumerate(contributors) if contributor is None]
    rng = random.Random(seed)
    rng.shuffle(names)
    totals = list(accumulate(counts[name] for name in names))
    within_a_tenth = sum(10 * total <= totals[-1] for total in totals)
    held_out_names = set(names[: max(1, within_a_tenth)])
    held_out_indices = set(rng.sample(unnamed, max(len(unnamed) // 10, 0 if names else 1)))
    seen, unseen = [], []
    for i, drawing in enumerate(drawings):
        is_held_out = contributors[i] in held_out_names or i in held_out_indices
        (unseen if is_held_out else seen).append(drawing)
    return seen, unseen


def writer_of(drawing: Drawing) -> str | int | None:
    """Return the drawing's extra key "writer" if it is a str or an int, else None."""
    writer = drawing.extra.get("writer")
    return writer if type(writer) in (str, int) else None


def contributor_of(drawing: Drawing) -> str | int | None:
    """Return "apb" for a writer named as in UNIPEN, apb-017; else the writer or None."""
    writer = writer_of(drawing)
    return writer.partition("-")[0] if isinstance(writer, str) else writer


def render_drawings(drawings: Drawings) -> Dataset:
    """Draw each drawing once, with the pen width of recognition."""
    return _dataset((frame_strokes(one.strokes) for one in _progress(drawings)), drawings)


def render_variants(drawings: Drawings, copies: int, generator: torch.Generator) -> Dataset:
    """Draw each drawing `copies` times, each time with another random pen width."""
    widths = torch.empty(len(drawings), copies).uniform_(*PEN_WIDTHS, generator=generator)
    images = (
        frame_strokes(drawing.strokes, width)
        for drawing, row in zip(drawings, widths.tolist(), strict=True)
        for width in row
    )
    return _dataset(images, drawings, copies)


def render_restyled(drawings: Drawings, per_writer: float, generator: torch.Generator) -> Dataset:
    """Draw each drawing several times, in random styles and pen widths.

    A writer of n drawings gives about `per_writer` x n**0.25 images, at most MAX_COPIES of each
    drawing, so that people with many drawings don't outweigh the others.
    """
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    counts = Counter(map(writer_of, drawings))
    sizes = [counts[writer_of(drawing)] for drawing in drawings]
    copies = [min(max(1, round(per_writer / n**0.75)), MAX_COPIES) for n in sizes]
    images = (
        frame_strokes(restyle(drawing.strokes, drawing.label, rng), rng.uniform(*PEN_WIDTHS))
        for drawing, count in zip(_progress(drawings), copies, strict=True)
        for _ in range(count)
    )
    return _dataset(images, drawings, torch.tensor(copies))


def render_ambiguous(drawings: Drawings, generator: torch.Generator) -> Dataset:
    """Ones that might be sevens, made of the plain ones, each image twice as a 1 and once as a 7.

    So the network learns to answer "1 or 7" and to be unsure of it.
    """
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    made = (one_or_seven(drawing.strokes, rng) for drawing in drawings if drawing.label == 1)
    images = [frame_strokes(strokes, rng.uniform(*PEN_WIDTHS)) for strokes in made if strokes]
    stacked = torch.from_numpy(np.array(images, np.uint8).reshape(-1, SIDE, SIDE))
    return stacked.repeat(3, 1, 1), torch.tensor([1, 1, 7]).repeat_interleave(len(images))


def _progress(drawings: Drawings) -> Iterable[Drawing]:
    """Iterate over `drawings`, on a terminal with a progress bar after one second."""
    return tqdm(drawings, "drawing", unit=" drawings", delay=1, leave=False, disable=None)


def _dataset(
    images: Iterable[np.ndarray], drawings: Drawings, copies: int | torch.Tensor = 1
) -> Dataset:
    """Stack `images`, `copies` of each drawing, and their drawings' labels, -1 for None."""
    labels = torch.tensor([-1 if drawing.label is None else drawing.label for drawing in drawings])
    return torch.from_numpy(np.stack(list(images))), labels.repeat_interleave(copies)


def select(dataset: Dataset, indices: torch.Tensor) -> Dataset:
    return dataset[0][indices], dataset[1][indices]


def join(first: Dataset, second: Dataset) -> Dataset:
    return torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])


@dataclass
class TrainingData:
    """The data of a training. Negatives are images that show no digit.

    `validation` by name: "validation" is MNIST's; "drawings" are held-out drawings, "styles" the
    same in random styles; "own" are the user's own digits.
    """

    train_set: Dataset
    validation: dict[str, Dataset]
    negatives: torch.Tensor | None  # (M, 28, 28) uint8, to train on
    held_out_negatives: torch.Tensor | None  # (K, 28, 28) uint8, by held-out contributors
    description: str  # where the images came from, for the model card

    def fingerprint(self) -> str:
        """Return a checksum of all images and labels."""
        checksum = hashlib.sha256()
        negatives = (self.negatives, self.held_out_negatives)
        for tensor in (*self.train_set, *chain(*self.validation.values()), *negatives):
            if tensor is not None:
                checksum.update(tensor.numpy())
        return checksum.hexdigest()


def training_data(
    root: str | Path,
    drawings: Drawings,
    synthetic_negatives: int,
    generator: torch.Generator,
    drawn_negatives: Drawings = (),
    seed: int = 0,
) -> TrainingData:
    """Load MNIST from `root`, render `drawings` and negatives, and split all of them.

    `generator` makes the synthetic negatives and chooses styles and pen widths. Drawn negatives
    that look like digits are left out; those by contributors whose digits are held out, chosen by
    `seed`, are held out too.
    """
    mnist = load_mnist(root, train=True)
    train_set, held_out = (select(mnist, indices) for indices in split(len(mnist[0])))
    validation = {"validation": held_out}
    description = "nine tenths of MNIST's 60,000 training images"
    held_out_contributors: set[str | int | None] = set()
    if drawings:
        seen, unseen = split_drawings(drawings, seed)
        held_out_contributors = {*map(contributor_of, unseen)} - {None, *map(contributor_of, seen)}
        train_set = join(train_set, render_restyled(seen, DIGITS_PER_WRITER, generator))
        train_set = join(train_set, render_ambiguous(seen, generator))
        validation["drawings"] = render_drawings(unseen)
        validation["styles"] = render_restyled(unseen, 1, generator)
        description += f" and of {len(drawings):,} drawings in many hands"
    description += f": {len(train_set[0]):,} images"
    made, seen, unseen = [], [], []
    if synthetic_negatives:
        made.append(make_negatives(synthetic_negatives, train_set[0], generator))
    for drawing in filter(is_negative, drawn_negatives):
        (unseen if contributor_of(drawing) in held_out_contributors else seen).append(drawing)
    if seen:
        made.append(render_restyled(seen, NEGATIVES_PER_WRITER, generator)[0])
        description += f"; and {len(seen):,} letters and signs as images of no digit"
    negatives = torch.cat(made) if made else None
    held_out_negatives = render_drawings(unseen)[0] if unseen else None
    return TrainingData(train_set, validation, negatives, held_out_negatives, description)
