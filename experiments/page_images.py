"""Choose the images of MNIST that the page compares drawings with, and write them for it.

    python -m experiments.page_images

All 5,000 are of MNIST's training part (nine tenths of its training images). The page rehearses the
first 500 while it learns: 250 that the network in weights/ is least sure of, which keep it from
changing its mind where that is easiest, and 250 at random. The others are chosen at random too.

Writes ui/files/images.gz, gzipped: two pixels a byte in 16 levels, the left one in the higher bits,
392 bytes an image; then a byte for each image's label.
"""

import argparse
import gzip

import torch

from experiments.common import ROOT
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training.data import load_mnist, select, split
from mnist_core.training.trainer import predict

FILE = ROOT / "ui" / "files" / "images.gz"
COUNT = 5000
LEAST_SURE = 250
LEVEL = 17  # grey values 0, 17, ... 255: smaller by a third, and read alike


def main() -> None:
    argparse.ArgumentParser(description=f"Write {FILE}.").parse_args()  # --help writes nothing
    model, _ = weights.load(ROOT / "weights")
    mnist = load_mnist(ROOT / "data", train=True)
    images, labels = select(mnist, split(len(mnist[0]))[0])
    chosen = choose(model, images)
    content = gzip.compress(pack(images[chosen], labels[chosen]), mtime=0)
    FILE.write_bytes(content)
    print(f"{FILE.name}: {COUNT:,} images, {len(content) / 1000:.0f} kB")


def choose(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """Return COUNT indices of (N, 28, 28) uint8 images: the least sure ones, then random ones."""
    leading = predict(model, images).exp().topk(2, dim=1).values  # (N, 2)
    order = (leading[:, 0] - leading[:, 1]).argsort(stable=True)
    others = order[LEAST_SURE:]
    others = others[torch.randperm(len(others), generator=torch.Generator().manual_seed(0))]
    return torch.cat([order[:LEAST_SURE], others])[:COUNT]


def pack(images: torch.Tensor, labels: torch.Tensor) -> bytes:
    """Return the bytes of (N, 28, 28) uint8 images in 16 levels, then those of (N,) labels."""
    levels = (images / LEVEL).round().to(torch.uint8).reshape(-1, 2)
    pairs = levels[:, 0] * 16 + levels[:, 1]
    return pairs.numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()


if __name__ == "__main__":
    main()
