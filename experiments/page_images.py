"""Choose the images of MNIST that the page has, and write them for it.

    python -m experiments.page_images

images.gz: 5,000 of MNIST's training part (nine tenths of its training images), with which the page
compares drawings and trains networks. It rehearses the first 500 while it learns: 250 that the
network in weights/ is least sure of, which keep it from changing its mind where that is easiest,
and 250 at random. The others are chosen at random too.

test_images.gz: 1,000 of MNIST's test images, which show what a network in training makes of images
that it never saw. The first 40, four of each digit, are shown.

Both are written to ui/files, gzipped: two pixels a byte in 16 levels, the left one in the higher
bits, 392 bytes an image; then a byte for each image's label. All but the rehearsed images have only
8 of the levels, which makes the files smaller by a fifth.
"""

import argparse
import gzip
from pathlib import Path

import torch

from experiments.common import ROOT
from mnist_core.network import DIGITS, weights
from mnist_core.network.model import MLP
from mnist_core.training.data import load_mnist, select, split
from mnist_core.training.trainer import predict

FOLDER = ROOT / "ui" / "files"
FILE, TEST_FILE = FOLDER / "images.gz", FOLDER / "test_images.gz"
COUNT, TEST_COUNT = 5000, 1000
LEAST_SURE = 250
REHEARSED, SHOWN = 500, 40
LEVEL = 17  # grey values 0, 17, ... 255


def main() -> None:
    argparse.ArgumentParser(description=f"Write {FILE} and {TEST_FILE}.").parse_args()
    model, _ = weights.load(ROOT / "weights")
    mnist = load_mnist(ROOT / "data", train=True)
    images, labels = select(mnist, split(len(mnist[0]))[0])
    write(FILE, images, labels, choose(model, images), REHEARSED)
    images, labels = load_mnist(ROOT / "data", train=False)
    write(TEST_FILE, images, labels, choose_tests(labels), 0)


def choose(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """Return COUNT indices of (N, 28, 28) uint8 images: the least sure ones, then random ones."""
    leading = predict(model, images).exp().topk(2, dim=1).values  # (N, 2)
    order = (leading[:, 0] - leading[:, 1]).argsort(stable=True)
    others = order[LEAST_SURE:]
    others = others[torch.randperm(len(others), generator=torch.Generator().manual_seed(0))]
    return torch.cat([order[:LEAST_SURE], others])[:COUNT]


def choose_tests(labels: torch.Tensor) -> torch.Tensor:
    """Return TEST_COUNT random indices of (N,) labels, each digit as often in the first SHOWN."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    drawn = labels[order]
    of_each = [(drawn == digit).nonzero()[: SHOWN // DIGITS, 0] for digit in range(DIGITS)]
    shown = torch.cat(of_each).sort().values
    rest = torch.ones(len(order), dtype=torch.bool)
    rest[shown] = False
    return torch.cat([order[shown], order[rest]])[:TEST_COUNT]


def pack(images: torch.Tensor, labels: torch.Tensor, fine: int) -> bytes:
    """Return the bytes of (N, 28, 28) uint8 images, then those of (N,) labels.

    The first `fine` images have 16 levels, the others 8 of them.
    """
    levels = (images / LEVEL).round()
    levels[fine:] = ((levels[fine:] * 7 / 15).round() * 15 / 7).round()
    left, right = levels.to(torch.uint8).reshape(-1, 2).unbind(1)
    return (left * 16 + right).numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()


def write(
    path: Path, images: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor, fine: int
) -> None:
    content = gzip.compress(pack(images[chosen], labels[chosen], fine), mtime=0)
    path.write_bytes(content)
    print(f"{path.name}: {len(chosen):,} images, {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
