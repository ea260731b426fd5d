"""Train the network and save it where the page looks for it.

    python scripts/train.py
    python scripts/train.py --drawings data/pendigits-train.jsonl.gz
    python scripts/train.py --recipe tutorial --output /tmp/mine

Needs no network: MNIST is in the repository. Exit code 2 when data or settings
are wrong, or the result can't be saved.
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

from mnist_core import calibration, training, weights
from mnist_core.data import (
    Dataset,
    load_mnist,
    render_drawings,
    render_variants,
    split,
    split_drawings,
)
from mnist_core.model import MLP
from mnist_core.outliers import outliers
from mnist_core.strokes import Drawing, read_drawings

COPIES = 4  # of each drawing to train on, in random pen widths


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    overrides = {
        name: getattr(args, name)
        for name in ("hidden", "epochs", "batch_size", "learning_rate")
        if getattr(args, name) is not None
    }
    try:
        recipe = dataclasses.replace(training.RECIPES[args.recipe], **overrides)
        drawings = [drawing for path in args.drawings for drawing in read_drawings(path)]
        train(args.recipe, recipe, args.seed, args.data, drawings, args.output)
    except (ValueError, OSError) as error:
        parser.exit(2, f"train.py: {error}\n")


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train the network and save it.")
    parser.add_argument(
        "--recipe", choices=training.RECIPES, default="best", help="settings (%(default)s)"
    )
    parser.add_argument(
        "--drawings", type=Path, nargs="+", default=[], metavar="FILE", help="to train on as well"
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


def train(
    name: str,
    recipe: training.Recipe,
    seed: int,
    data: Path,
    drawings: list[Drawing],
    output: Path,
) -> None:
    """Fit, printing each epoch; calibrate on held-out data; score the test set once; save."""
    output.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=output).close()  # can't write there? Say so now, not at the end
    mnist = load_mnist(data, train=True)
    fitting, held_out = (select(mnist, indices) for indices in split(len(mnist[0])))
    validation = {"validation": held_out}
    generator = torch.Generator().manual_seed(seed)
    if drawings:
        seen, unseen = split_drawings(drawings)
        fitting = join(fitting, render_variants(seen, COPIES, generator))
        validation["drawings"] = render_drawings(unseen)
    print(f"recipe {name}: {recipe}, seed {seed}")
    print(", ".join(f"{len(labels)} {what}" for what, (_, labels) in
                    {"training images": fitting, **validation}.items()))  # fmt: skip
    torch.manual_seed(seed)
    model = MLP(recipe.hidden, recipe.batch_norm)
    fit(model, fitting, validation, recipe, generator)
    model, thresholds, scores = calibrate(model, validation)
    images, labels = load_mnist(data, train=False)
    confusion = training.confusion_matrix(training.predict(model, images).argmax(1), labels)
    test_accuracy = (confusion.trace() / confusion.sum()).item()
    scores = {**scores, "test_accuracy": round(test_accuracy, 4)}
    for what, score in scores.items():
        print(f"{what.replace('_', ' ')} {score:.2%}")
    provenance = {
        "data": describe(fitting, drawings),
        "recipe": {"name": name, **dataclasses.asdict(recipe)},
        "seed": seed,
        "scores": scores,
        "confusion": confusion.tolist(),
        "date": datetime.date.today().isoformat(),
        "versions": versions(),
    }
    weights.save(model, output, provenance, thresholds)
    print(f"saved to {output}")


def fit(
    model: MLP,
    fitting: Dataset,
    validation: dict[str, Dataset],
    recipe: training.Recipe,
    generator: torch.Generator,
) -> None:
    """Train `model`, printing a line an epoch."""
    no_digits = outliers(recipe.outliers, fitting[0], generator) if recipe.outliers else None
    for epoch in training.fit(
        model, fitting, validation["validation"], recipe, generator, no_digits
    ):
        line = (
            f"epoch {epoch.number:2}  training loss {epoch.training_loss:.4f}"
            f"  validation loss {epoch.validation_loss:.4f}"
            f"  validation accuracy {epoch.validation_accuracy:.2%}"
        )
        if "drawings" in validation:
            line += f"  drawings {training.evaluate(model, validation['drawings'])[1]:.2%}"
        print(f"{line}  {epoch.seconds:.1f} s", flush=True)


def calibrate(
    model: MLP, validation: dict[str, Dataset]
) -> tuple[MLP, dict[str, float], dict[str, float]]:
    """The network for use, its thresholds and its scores, all from held-out data.

    Its calibration error is measured on the data that its one temperature was fitted to.
    """
    held_out = list(validation.values())
    images, labels = join(*held_out) if len(held_out) > 1 else held_out[0]
    log_probabilities = training.predict(model, images)
    if not log_probabilities.isfinite().all():
        raise ValueError("the training diverged: lower --learning-rate")
    temperature = calibration.fit_temperature(log_probabilities, labels)
    model = model.folded(temperature)
    thresholds = calibration.choose_thresholds(training.predict(model, images).exp(), labels)
    scores = {}
    for name, (images, labels) in validation.items():
        probabilities = training.predict(model, images).exp()
        accuracy = (probabilities.argmax(1) == labels).float().mean().item()
        error = calibration.expected_calibration_error(probabilities, labels)
        scores[f"{name}_accuracy"] = round(accuracy, 4)
        scores[f"{name}_calibration_error"] = round(error, 4)
    return model, thresholds, scores


def select(dataset: Dataset, indices: torch.Tensor) -> Dataset:
    return dataset[0][indices], dataset[1][indices]


def join(first: Dataset, second: Dataset) -> Dataset:
    return torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])


def describe(fitting: Dataset, drawings: list[Drawing]) -> str:
    """Where the training images came from, for the model card."""
    text = "nine tenths of MNIST's 60,000 training images"
    if drawings:
        text += f" and of {len(drawings):,} drawings, each in {COPIES} pen widths"
    return f"{text}: {len(fitting[0]):,} images"


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }


if __name__ == "__main__":
    main()
