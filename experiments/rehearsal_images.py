"""Choose the images of MNIST that the page rehearses while it learns, and write them for it.

    python -m experiments.rehearsal_images

250 are those of MNIST's training part (nine tenths of its training images) that the network in
weights/ is least sure of, which keep it from changing its mind where that is easiest; 250 are taken
at random. Writes ui/files/rehearsal.gz: 784 grey values each, in 16 levels, gzipped.
"""

import argparse
import gzip

import torch

from experiments.common import ROOT
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training.data import load_mnist, select, split
from mnist_core.training.trainer import predict

FILE = ROOT / "ui" / "files" / "rehearsal.gz"
HALF = 250
LEVEL = 17  # grey values 0, 17, ... 255: smaller by a third, and read alike


def main() -> None:
    argparse.ArgumentParser(description=f"Write {FILE}.").parse_args()  # --help writes nothing
    model, _ = weights.load(ROOT / "weights")
    mnist = load_mnist(ROOT / "data", train=True)
    images, _ = select(mnist, split(len(mnist[0]))[0])
    content = gzip.compress(rehearsed(model, images).numpy().tobytes(), mtime=0)
    FILE.write_bytes(content)
    print(f"{FILE.name}: {2 * HALF} images, {len(content) / 1000:.0f} kB")


def rehearsed(model: MLP, images: torch.Tensor) -> torch.Tensor:
    """Of (N, 28, 28) uint8 images 500, in 16 levels: the least sure ones, then others at random."""
    leading = predict(model, images).exp().topk(2, dim=1).values  # (N, 2)
    order = (leading[:, 0] - leading[:, 1]).argsort(stable=True)
    others = order[HALF:][
        torch.randperm(len(order) - HALF, generator=torch.Generator().manual_seed(0))
    ]
    chosen = images[torch.cat([order[:HALF], others[:HALF]])]
    return ((chosen / LEVEL).round() * LEVEL).to(torch.uint8)


if __name__ == "__main__":
    main()
