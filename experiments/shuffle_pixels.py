"""Show what flattening loses: train on pictures whose pixels are shuffled, and move the pictures.

    python experiments/shuffle_pixels.py
    python experiments/shuffle_pixels.py --seeds 1 --epochs 1

Trains the recipe `tutorial` on the pictures as they are and, with the same seeds, with the pixels
of all pictures in one other, random order. Then moves the test pictures after they were framed,
which neither network expects. About a minute on one idle core. Writes shuffled.md and its picture,
shuffled.png, to runs/experiments; `--output docs` renews those of docs/.
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

from mnist_core.drawing.framing import PIXELS, SIDE
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.tables import table
from mnist_core.training.data import Dataset, first, load_mnist, select, split
from mnist_core.training.trainer import RECIPES, Recipe, Trainer, evaluate

RECIPE = RECIPES["tutorial"]
SHIFTS = (0, 1, 2, 4)  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description="Show what flattening loses.")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=RECIPE.epochs, help="passes over the images (%(default)s)"
    )
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    args = parser.parse_args()
    try:
        recipe = dataclasses.replace(RECIPE, epochs=args.epochs)
        images, labels = load_mnist(args.data, train=True)
        test = load_mnist(args.data, train=False)
        shipped, _ = weights.load(ROOT / "weights")
        make_directory(args.output)
        used = first((images, labels), args.limit)
        seconds = 2 * max(1, args.seeds) * args.epochs * len(used[0]) / 60_000
        print(f"about {seconds:.0f} s on one idle core", file=sys.stderr)
        page = report(used, test, recipe, range(max(1, args.seeds)), shipped)
    except UserError as error:
        parser.exit(2, f"shuffle_pixels.py: {error}\n")
    draw(images, labels, args.output / "shuffled.png")
    (args.output / "shuffled.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'shuffled.md'} and shuffled.png")


def report(dataset: Dataset, test: Dataset, recipe: Recipe, seeds: range, shipped: MLP) -> str:
    """docs/shuffled.md, the networks for it being trained; `shipped` is the one in weights/."""
    order = pixel_order()
    plain = [train(dataset, recipe, seed) for seed in seeds]
    mixed = [train(shuffled(dataset, order), recipe, seed) for seed in seeds]
    command = " ".join(["python experiments/shuffle_pixels.py", *sys.argv[1:]])
    return "\n".join(
        [
            "# What flattening loses\n",
            f"Made by `{command}`: the recipe `tutorial`, {recipe.epochs} epochs,"
            f" n = {len(seeds)} seeds; {os.cpu_count()} cores, no GPU.\n",
            score_table({"as they are": (plain, test), "shuffled": (mixed, shuffled(test, order))}),
            "![Ten digits, and the same ten with shuffled pixels](shuffled.png)\n",
            shift_table({"`tutorial`": plain, "the network in `weights/`": [shipped]}, test),
        ]
    )


def pixel_order() -> torch.Tensor:
    """(784,) the one random order."""
    return torch.randperm(PIXELS, generator=torch.Generator().manual_seed(0))


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
    """A network trained on nine tenths of `dataset`."""
    training, validation = (select(dataset, part) for part in split(len(dataset[0])))
    torch.manual_seed(seed)
    model = MLP(recipe.hidden)
    trainer = Trainer(model, training, recipe, torch.Generator().manual_seed(seed))
    for epoch in trainer.fit(validation):
        accuracy = f"{epoch.validation_accuracy:.2%}"
    print(f"seed {seed}  validation accuracy {accuracy}", file=sys.stderr)
    return model


def score_table(groups: dict[str, tuple[list[MLP], Dataset]]) -> str:
    """Each group's networks on its own test pictures."""
    rows = []
    for name, (models, test) in groups.items():
        scores = [evaluate(model, test)[1] for model in models]
        rows.append([name, *(f"{score:.2%}" for score in (mean(scores), min(scores), max(scores)))])
    return table(["pixels", "test accuracy, mean", "least", "most"], rows)


def shift_table(groups: dict[str, list[MLP]], test: Dataset) -> str:
    """Each group's mean on test pictures that are moved."""
    images, labels = test
    rows = []
    for pixels in SHIFTS:
        moved = shifted(images, pixels), labels
        means = [mean(evaluate(model, moved)[1] for model in models) for models in groups.values()]
        rows.append([f"{pixels} pixels", *(f"{score:.2%}" for score in means)])
    return table(["test pictures moved by", *groups], rows)


def draw(images: torch.Tensor, labels: torch.Tensor, path: Path) -> None:
    """The first picture of each digit above the same with its pixels shuffled."""
    digits = torch.stack([images[labels == digit][0] for digit in range(10)])
    mixed, _ = shuffled((digits, labels), pixel_order())
    rows = torch.cat([digits, mixed]).reshape(2, 10, SIDE, SIDE)
    framed = torch.nn.functional.pad(rows, (1, 1, 1, 1), value=96)
    sheet = framed.permute(0, 2, 1, 3).reshape(2 * (SIDE + 2), 10 * (SIDE + 2))
    picture = Image.fromarray(255 - sheet.numpy())
    picture.resize((3 * picture.width, 3 * picture.height), Image.Resampling.NEAREST).save(
        path, optimize=True
    )


if __name__ == "__main__":
    main()
