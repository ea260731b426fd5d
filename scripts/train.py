"""Train the network on MNIST and save it where the page looks for it.

    python scripts/train.py
    python scripts/train.py --recipe tutorial --epochs 3 --output /tmp/mine

Needs no network: the data is in the repository. Exit code 2 when data or
settings are wrong, or the result can't be saved.
"""

import argparse
import dataclasses
import datetime
import platform
import sys
import tempfile
from pathlib import Path

import torch
import torchvision

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import training, weights
from mnist_core.data import load_mnist, split
from mnist_core.model import MLP


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    overrides = {
        field.name: getattr(args, field.name)
        for field in dataclasses.fields(training.Recipe)
        if getattr(args, field.name) is not None
    }
    try:
        recipe = dataclasses.replace(training.RECIPES[args.recipe], **overrides)
        train(args.recipe, recipe, args.seed, args.data, args.output)
    except (ValueError, OSError) as error:
        parser.exit(2, f"train.py: {error}\n")


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train the network on MNIST and save it.")
    parser.add_argument(
        "--recipe", choices=training.RECIPES, default="tutorial", help="settings (%(default)s)"
    )
    own = "(the recipe's own)"
    parser.add_argument("--hidden", type=int, nargs="*", help=f"widths of the hidden layers {own}")
    parser.add_argument("--epochs", type=int, help=f"passes over the training images {own}")
    parser.add_argument("--batch-size", type=int, help=f"images a step {own}")
    parser.add_argument("--learning-rate", type=float, help=f"Adam's step size {own}")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first weights and of the order (%(default)s)"
    )
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--output", type=Path, default=ROOT / "weights", help="where to save")
    return parser


def train(name: str, recipe: training.Recipe, seed: int, data: Path, output: Path) -> None:
    """Fit on nine tenths of MNIST's training images, print each epoch, score the test set, save."""
    output.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=output).close()  # can't write there? Say so now, not at the end
    images, labels = load_mnist(data, train=True)
    fitting, held_out = split(len(images))
    torch.manual_seed(seed)
    model = MLP(recipe.hidden)
    generator = torch.Generator().manual_seed(seed)
    print(f"recipe {name}: {recipe}, seed {seed}")
    for epoch in training.fit(
        model,
        (images[fitting], labels[fitting]),
        (images[held_out], labels[held_out]),
        recipe,
        generator,
    ):
        print(
            f"epoch {epoch.number:2}  training loss {epoch.training_loss:.4f}"
            f"  validation loss {epoch.validation_loss:.4f}"
            f"  validation accuracy {epoch.validation_accuracy:.2%}  {epoch.seconds:.1f} s"
        )
    loss, accuracy = training.evaluate(model, load_mnist(data, train=False))
    print(f"test loss {loss:.4f}  test accuracy {accuracy:.2%}")
    provenance = {
        "data": f"MNIST: {len(fitting)} training, {len(held_out)} validation, 10000 test images",
        "recipe": {"name": name, **dataclasses.asdict(recipe)},
        "seed": seed,
        "scores": {
            "validation_accuracy": round(epoch.validation_accuracy, 4),
            "test_accuracy": round(accuracy, 4),
        },
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
        },
    }
    weights.save(model, output, provenance)
    print(f"saved to {output}")


if __name__ == "__main__":
    main()
