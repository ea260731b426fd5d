"""Show what flattening loses: train on pictures whose pixels are shuffled, and shift the pictures.

    python -m experiments.shuffle_pixels
    python -m experiments.shuffle_pixels --seeds 1 --epochs 1

Trains the recipe `tutorial` on the pictures as they are and, with the same seeds, with the pixels
of all pictures in one other, random order. Then shifts the test pictures after framing, which
neither network expects. About two minutes on one idle core. Writes shuffled.md and shuffled.png to
runs/experiments; `--output docs --figures docs/figures.json` renews those of docs/.
"""

import argparse
import dataclasses
from pathlib import Path
from statistics import mean

import torch
from PIL import Image

from experiments import common
from experiments.recipes import train
from experiments.tables import mean_and_deviation
from mnist_core.drawing.framing import PIXELS, SIDE
from mnist_core.network import weights
from mnist_core.tables import table
from mnist_core.training.data import Dataset, load_mnist
from mnist_core.training.recipes import RECIPES
from mnist_core.training.trainer import evaluate

SHIFTS = (0, 1, 2, 4)  # pixels


def main() -> None:
    parser = common.argument_parser("Show what flattening loses.")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each (%(default)s)")
    epochs = RECIPES["tutorial"].epochs
    parser.add_argument("--epochs", type=int, default=epochs, help="of each run (%(default)s)")
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    common.write_page(parser, "shuffle_pixels", "shuffled.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/shuffled.md, and its picture."""
    recipe = dataclasses.replace(RECIPES["tutorial"], epochs=args.epochs)
    mnist, test = (load_mnist(common.DATA, train=train) for train in (True, False))
    used, order = common.first(mnist, args.limit), pixel_order()
    models, rows = {}, []
    for name, dataset, unseen in (
        ("as they are", used, test),
        ("shuffled", shuffled(used, order), shuffled(test, order)),
    ):
        models[name] = [train(dataset, recipe, seed)[0] for seed in range(args.seeds)]
        shares = [100 * evaluate(model, unseen)[1] for model in models[name]]
        rows.append((name, f"{mean_and_deviation(shares)} %"))
    shipped, config = weights.load(weights.SHIPPED)
    shift_rows = []
    for pixels in SHIFTS:
        pictures = shifted(test[0], pixels), test[1]
        share = mean(evaluate(model, pictures)[1] for model in models["as they are"])
        cells = f"{share:.2%}", f"{evaluate(shipped, pictures)[1]:.2%}"
        shift_rows.append((f"{pixels} pixels", *cells))
    draw(*mnist, args.output / "shuffled.png")
    page = f"""\
# What flattening loses

Made by `{common.command()}`: the recipe `tutorial`, {recipe.epochs} epochs, n = {args.seeds} \
seeds; {common.machine()}.

{table(["pixels", "test accuracy"], rows)}
![Ten digits, and the same ten with shuffled pixels](shuffled.png)

{table(["test pictures moved by", "`tutorial`", "the network in `weights/`"], shift_rows)}"""
    return page, config


def pixel_order() -> torch.Tensor:
    """(784,) the one random order."""
    return torch.randperm(PIXELS, generator=torch.Generator().manual_seed(0))


def shuffled(dataset: Dataset, order: torch.Tensor) -> Dataset:
    """The same pictures, the pixels of each in this `order`, (784,)."""
    images, labels = dataset
    return images.reshape(-1, PIXELS)[:, order].reshape(-1, SIDE, SIDE), labels


def shifted(images: torch.Tensor, pixels: int) -> torch.Tensor:
    """The same pictures, each shifted by `pixels` to one of four sides in turn; nothing wraps."""
    padded = torch.nn.functional.pad(images, (pixels,) * 4)
    corners = [(pixels, 0), (pixels, 2 * pixels), (0, pixels), (2 * pixels, pixels)]
    result = torch.empty_like(images)
    for turn, (top, left) in enumerate(corners):
        result[turn::4] = padded[turn::4, top : top + SIDE, left : left + SIDE]
    return result


def draw(images: torch.Tensor, labels: torch.Tensor, path: Path) -> None:
    """The first picture of each digit above the same with its pixels shuffled."""
    digits = torch.stack([images[labels == digit][0] for digit in range(10)])
    mixed, _ = shuffled((digits, labels), pixel_order())
    rows = torch.stack([digits, mixed])  # (2, 10, 28, 28)
    framed = torch.nn.functional.pad(rows, (1, 1, 1, 1), value=96)
    sheet = framed.permute(0, 2, 1, 3).reshape(2 * (SIDE + 2), 10 * (SIDE + 2))
    picture = Image.fromarray(255 - sheet.numpy())
    size = 3 * picture.width, 3 * picture.height
    picture.resize(size, Image.Resampling.NEAREST).save(path, optimize=True)


if __name__ == "__main__":
    main()
