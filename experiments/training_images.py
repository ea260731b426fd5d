"""Draw what the network is trained on: augmented digits, other hands, and images of no digit.

    python -m experiments.training_images

Writes augmented.png, a row of changed copies for each of ten digits, styles.png, a row for each
habit of styles.py and each change of any hand, and negatives.png, to runs/experiments; `--output
docs` renews those of docs/. Look at them after changing augment.py, styles.py or negatives.py: from
a digit that a person can't read nothing is learned, and from one that a person reads as another
something wrong.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from experiments import common
from mnist_core.drawing.framing import SIDE, frame_strokes
from mnist_core.training.augment import augment
from mnist_core.training.data import load_mnist
from mnist_core.training.negatives import make_negatives
from mnist_core.training.styles import CHANGES, HABITS, normalise, one_or_seven, stretch
from tests.drawings import ALL_DIGITS, DRAWINGS

ROWS, COLUMNS = 10, 20


def main() -> None:
    common.run(common.argument_parser("Draw what the network is trained on."), draw)


def draw(args: argparse.Namespace) -> None:
    images, labels = load_mnist(common.DATA, train=True)
    generator = torch.Generator().manual_seed(0)
    first_of_each = torch.stack([images[labels == digit][0] for digit in range(10)])
    copies = augment(first_of_each.repeat_interleave(COLUMNS, 0), generator)
    save(copies, args.output / "augmented.png")
    save(styles(), args.output / "styles.png")
    save(make_negatives(ROWS * COLUMNS, images, generator), args.output / "negatives.png")


def styles() -> torch.Tensor:
    """The habits of each digit, then each change, on all digits; last what might be 1 or 7."""
    chance, images = np.random.default_rng(0), []
    drawn = {digit: [np.array(stroke) for stroke in DRAWINGS[digit]] for digit in DRAWINGS}
    for digit, habit in HABITS.items():
        strokes = [np.array(stroke) for stroke in ALL_DIGITS[digit]]
        images += [habit(normalise(strokes), chance) for _ in range(COLUMNS)]
    for change in (*CHANGES, stretch):
        images += [change(normalise(drawn[d]), chance) for d in [*drawn, *drawn, *drawn][:COLUMNS]]
    images += [one_or_seven(drawn[1], chance) for _ in range(COLUMNS)]
    return torch.from_numpy(np.stack([frame_strokes(strokes) for strokes in images]))


def save(images: torch.Tensor, path: Path) -> None:
    """A sheet of rows of 20 images, (N, 28, 28), ink black on white, at twice their size."""
    sheet = images.round().byte().reshape(-1, COLUMNS, SIDE, SIDE).permute(0, 2, 1, 3)
    picture = Image.fromarray(255 - sheet.reshape(-1, COLUMNS * SIDE).numpy())
    picture.resize((2 * picture.width, 2 * picture.height)).save(path, optimize=True)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
