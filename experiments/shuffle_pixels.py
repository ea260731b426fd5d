"""Show what flattening loses: train on pictures whose pixels are shuffled, and move the pictures.

    python experiments/shuffle_pixels.py
    python experiments/shuffle_pixels.py --seeds 1 --epochs 1

Trains the recipe `tutorial` on the pictures as they are and, with the same seeds, with the pixels
of all pictures in one other, random order. Then moves the test pictures after they were framed,
which neither network expects. About two minutes on one idle core. Writes shuffled.md and its
picture, shuffled.png, to runs/experiments. To renew those of docs/ and what other texts quote:

    python experiments/shuffle_pixels.py --output docs --figures docs/figures.json
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

from experiments.recipes import train
from mnist_core.drawing.framing import PIXELS, SIDE
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.tables import mean_and_deviation, table, write_figures
from mnist_core.training.data import Dataset, first, load_mnist
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import evaluate

RECIPE = RECIPES["tutorial"]
SHIFTS = (0, 1, 2, 4)  # pixels
Scores = dict[str, list[float]]
Moved = dict[int, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Show what flattening loses.")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each (%(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=RECIPE.epochs, help="passes over the images (%(default)s)"
    )
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="JSON to keep figures in")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        recipe = dataclasses.replace(RECIPE, epochs=args.epochs)
        images, labels = load_mnist(args.data, train=True)
        test = load_mnist(args.data, train=False)
        shipped, config = weights.load(ROOT / "weights")
        make_directory(args.output)
        used = first((images, labels), args.limit)
        seconds = 2 * max(1, args.seeds) * args.epochs * len(used[0]) / 60_000
        print(f"about {seconds:.0f} s on one idle core", file=sys.stderr)
        page = report(*measure(used, test, recipe, range(max(1, args.seeds)), shipped), recipe)
        if args.figures:
            write_figures(args.figures, "shuffle_pixels", page, config)
    except UserError as error:
        parser.exit(2, f"shuffle_pixels.py: {error}\n")
    draw(images, labels, args.output / "shuffled.png")
    (args.output / "shuffled.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'shuffled.md'} and shuffled.png")


def measure(
    dataset: Dataset, test: Dataset, recipe: Recipe, seeds: range, shipped: MLP
) -> tuple[Scores, Moved]:
    """Train with each seed on plain and on shuffled pixels, then score on the test pictures.

    Returns the accuracies with each seed, by kind of pixels; and the mean accuracies on test
    pictures that are moved, by number of pixels and network, `shipped` being the one in weights/.
    """
    order = pixel_order()
    plain = [train(dataset, recipe, seed)[0] for seed in seeds]
    mixed = [train(shuffled(dataset, order), recipe, seed)[0] for seed in seeds]
    sets = {"as they are": (plain, test), "shuffled": (mixed, shuffled(test, order))}
    scores = {
        name: [evaluate(model, pictures)[1] for model in models]
        for name, (models, pictures) in sets.items()
    }
    moved = {}
    for pixels in SHIFTS:
        pictures = shifted(test[0], pixels), test[1]
        moved[pixels] = {
            name: mean(evaluate(model, pictures)[1] for model in models)
            for name, models in {
                "`tutorial`": plain,
                "the network in `weights/`": [shipped],
            }.items()
        }
    return scores, moved


def report(scores: Scores, moved: Moved, recipe: Recipe) -> str:
    """docs/shuffled.md."""
    command = " ".join(["python experiments/shuffle_pixels.py", *sys.argv[1:]])
    score_rows = [
        [name, spread(shares), *(f"{share:.2%}" for share in (min(shares), max(shares)))]
        for name, shares in scores.items()
    ]
    moved_rows = [
        [f"{pixels} pixels", *(f"{share:.2%}" for share in row.values())]
        for pixels, row in moved.items()
    ]
    return "\n".join(
        [
            "# What flattening loses\n",
            f"Made by `{command}`: the recipe `tutorial`, {recipe.epochs} epochs,"
            f" n = {len(scores['shuffled'])} seeds; {os.cpu_count()} cores, no GPU.\n",
            table(["pixels", "test accuracy", "least", "most"], score_rows),
            "![Ten digits, and the same ten with shuffled pixels](shuffled.png)\n",
            table(["test pictures moved by", *moved[0]], moved_rows),
        ]
    )


def spread(shares: list[float]) -> str:
    """E.g. 96.61 ± 0.12 %."""
    return f"{mean_and_deviation([100 * share for share in shares])} %"


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
