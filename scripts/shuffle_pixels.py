"""Show what flattening loses: train on pictures whose pixels are shuffled, and move the pictures.

    python scripts/shuffle_pixels.py
    python scripts/shuffle_pixels.py --seeds 1 --epochs 1

Trains the recipe `tutorial` on the pictures as they are and, with the same seeds, with
the pixels of all pictures in one other, random order. Then moves the test pictures
after they were framed, which neither network expects. Writes docs/shuffled.md and
its picture, docs/shuffled.png.
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from statistics import mean

import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import weights
from mnist_core.data import Dataset, load_mnist, select, split
from mnist_core.framing import PIXELS, SIDE
from mnist_core.model import MLP
from mnist_core.training import RECIPES, Recipe, evaluate, fit

SHIFTS = (0, 1, 2, 4)  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description="Show what flattening loses.")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument("--epochs", type=int, help="passes over the images (the recipe's own)")
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="where to write")
    args = parser.parse_args()
    recipe = RECIPES["tutorial"]
    epochs = recipe.epochs if args.epochs is None else args.epochs
    try:
        recipe = dataclasses.replace(recipe, epochs=epochs)
        images, labels = load_mnist(args.data, train=True)
        test = load_mnist(args.data, train=False)
        shipped, _ = weights.load(ROOT / "weights")
        args.output.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        parser.exit(2, f"shuffle_pixels.py: {error}\n")
    seeds = range(max(1, args.seeds))
    dataset = images[: max(10, args.limit)], labels[: max(10, args.limit)]
    order = torch.randperm(PIXELS, generator=torch.Generator().manual_seed(0))
    plain = [train(dataset, recipe, seed) for seed in seeds]
    mixed = [train(shuffled(dataset, order), recipe, seed) for seed in seeds]
    page = "\n".join(
        [
            "# What flattening loses\n\nMade by `"
            + " ".join(["python scripts/shuffle_pixels.py", *sys.argv[1:]])
            + "`:"
            f" the recipe `tutorial`, {epochs} epochs, n = {len(seeds)} seeds;"
            f" {os.cpu_count()} cores, no GPU.\n",
            score_table({"as they are": (plain, test), "shuffled": (mixed, shuffled(test, order))}),
            "![Ten digits, and the same ten with shuffled pixels](shuffled.png)\n",
            shift_table({"`tutorial`": plain, "the network in `weights/`": [shipped]}, test),
        ]
    )
    draw(images, labels, order, args.output / "shuffled.png")
    (args.output / "shuffled.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'shuffled.md'} and shuffled.png")


def shuffled(dataset: Dataset, order: torch.Tensor) -> Dataset:
    """The same pictures, the pixels of each in this `order`, (784,)."""
    images, labels = dataset
    return images.reshape(-1, PIXELS)[:, order].reshape(-1, SIDE, SIDE), labels


def shifted(images: torch.Tensor, pixels: int) -> torch.Tensor:
    """The same pictures, each moved by `pixels` to one of four sides in turn; nothing wraps."""
    room = torch.nn.functional.pad(images, (pixels,) * 4)
    corners = [(pixels, 0), (pixels, 2 * pixels), (0, pixels), (2 * pixels, pixels)]
    moved = torch.empty_like(images)
    for turn, (top, left) in enumerate(corners):
        moved[turn::4] = room[turn::4, top : top + SIDE, left : left + SIDE]
    return moved


def train(dataset: Dataset, recipe: Recipe, seed: int) -> MLP:
    """A network fitted to nine tenths of `dataset`."""
    fitting, held_out = (select(dataset, part) for part in split(len(dataset[0])))
    torch.manual_seed(seed)
    model = MLP(recipe.hidden)
    for epoch in fit(model, fitting, held_out, recipe, torch.Generator().manual_seed(seed)):
        accuracy = f"{epoch.validation_accuracy:.2%}"
    print(f"seed {seed}  validation accuracy {accuracy}", file=sys.stderr)
    return model


def score_table(groups: dict[str, tuple[list[MLP], Dataset]]) -> str:
    lines = ["| pixels | test accuracy, mean | least | most |", "|---|---|---|---|"]
    for name, (models, test) in groups.items():
        scores = [evaluate(model, test)[1] for model in models]
        lines.append(f"| {name} | {mean(scores):.2%} | {min(scores):.2%} | {max(scores):.2%} |")
    return "\n".join(lines) + "\n"


def shift_table(groups: dict[str, list[MLP]], test: Dataset) -> str:
    images, labels = test
    lines = [
        f"| test pictures moved by | {' | '.join(groups)} |",
        "|---" * (len(groups) + 1) + "|",
    ]
    for pixels in SHIFTS:
        moved = shifted(images, pixels), labels
        means = [mean(evaluate(model, moved)[1] for model in models) for models in groups.values()]
        cells = " | ".join(f"{score:.2%}" for score in means)
        lines.append(f"| {pixels} pixels | {cells} |")
    return "\n".join(lines) + "\n"


def draw(images: torch.Tensor, labels: torch.Tensor, order: torch.Tensor, path: Path) -> None:
    """The first picture of each digit above the same with its pixels shuffled."""
    digits = torch.stack([images[labels == digit][0] for digit in range(10)])
    rows = torch.cat([digits, shuffled((digits, labels), order)[0]]).reshape(2, 10, SIDE, SIDE)
    framed = torch.nn.functional.pad(rows, (1, 1, 1, 1), value=96)
    sheet = framed.permute(0, 2, 1, 3).reshape(2 * (SIDE + 2), 10 * (SIDE + 2))
    picture = Image.fromarray(255 - sheet.numpy())
    picture.resize((3 * picture.width, 3 * picture.height), Image.Resampling.NEAREST).save(
        path, optimize=True
    )


if __name__ == "__main__":
    main()
