"""Choose the images of MNIST that the page has, and write them for it.

    python -m experiments.page_images

images.gz: 5,000 of MNIST's training part (nine tenths of its training images), with which the page
compares drawings and trains networks. It rehearses the first 500 while it learns: 250 that the
network in weights/ is least sure of, which keep it from changing its mind where that is easiest,
and 250 at random. The others are chosen at random too.

test_images.gz: 1,000 of MNIST's test images, which show what a network in training makes of images
that it never saw. The first 40, four of each digit, are shown.

Both are written to ui/files, gzipped: two pixels a byte in 16 levels, the left one in the higher
bits, 392 bytes an image; then a byte for each image's label.
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
SHOWN = 40
LEVEL = 17  # grey values 0, 17, ... 255: smaller by a third, and read alike


def main() -> None:
    argparse.ArgumentParser(description=f"Write {FILE} and {TEST_FILE}.").parse_args()
    model, _ = weights.load(ROOT / "weights")
    mnist = load_mnist(ROOT / "data", train=True)
    images, labels = select(mnist, split(len(mnist[0]))[0])
    write(FILE, images, labels, choose(model, images))
    images, labels = load_mnist(ROOT / "data", train=False)
    write(TEST_FILE, images, labels, choose_tests(labels))


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


def pack(images: torch.Tensor, labels: torch.Tensor) -> bytes:
    """Return the bytes of (N, 28, 28) uint8 images in 16 levels, then those of (N,) labels."""
    levels = (images / LEVEL).round().to(torch.uint8).reshape(-1, 2)
    pairs = levels[:, 0] * 16 + levels[:, 1]
    return pairs.numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()


def write(path: Path, images: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor) -> None:
    content = gzip.compress(pack(images[chosen], labels[chosen]), mtime=0)
    path.write_bytes(content)
    print(f"{path.name}: {len(chosen):,} images, {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
