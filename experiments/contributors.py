"""Hold out other contributors each time, and count how strangers' digits and letters are read.

    python experiments/contributors.py --drawings data/pendigits-train.jsonl.gz \\
        data/unipen-digits.jsonl.gz --not-digits data/unipen-characters.jsonl.gz

Trains the recipe `best` for a few epochs, each time with another seed, which chooses the
contributors held out as well. About ten minutes on one idle core. Writes contributors.md to
runs/experiments; `--output docs` renews that of docs/.
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network.calibration import verdicts
from mnist_core.network.model import MLP
from mnist_core.tables import least_to_most, table
from mnist_core.training.data import contributor_of, split_drawings, training_data
from mnist_core.training.finish import calibrate
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import Trainer, predict

HEADER = (
    *("MNIST validation", "held out", "digits", "read right", "sure", "of the sure, wrong"),
    *("called no digit", "in other hands, read right", "letters", "called a sure digit"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold out other contributors each time.")
    add = parser.add_argument
    files = {"type": Path, "nargs": "+", "metavar": "FILE", "required": True}
    add("--drawings", **files, help="digits, with the names of their writers")
    add("--not-digits", **files, help="letters and signs, likewise")
    add("--times", type=int, default=3, help="how often (%(default)s)")
    add("--epochs", type=int, default=15, help="passes over the images (%(default)s)")
    usual = RECIPES["best"].hidden
    add("--hidden", type=int, nargs="+", default=usual, help="widths (the recipe's)")
    add("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    add("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        shape = {"hidden": tuple(args.hidden), "epochs": args.epochs}
        recipe = dataclasses.replace(RECIPES["best"], **shape)
        drawings = [one for path in args.drawings for one in read_drawings(path)]
        letters = [one for path in args.not_digits for one in read_drawings(path, False)]
        make_directory(args.output)
        minutes = 3.5 * args.times * args.epochs / 15
        print(f"about {minutes:.0f} minutes on one idle core", file=sys.stderr)
        rows = [row(args.data, drawings, letters, recipe, seed) for seed in range(args.times)]
    except UserError as error:
        parser.exit(2, f"contributors.py: {error}\n")
    page = report(rows, recipe)
    (args.output / "contributors.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'contributors.md'}")


def row(
    root: Path, drawings: Sequence[Drawing], letters: Sequence[Drawing], recipe: Recipe, seed: int
) -> list:
    """What a network that is trained without some contributors makes of their drawings."""
    generator = torch.Generator().manual_seed(seed)
    data = training_data(root, drawings, recipe.negatives, generator, letters, seed)
    torch.manual_seed(seed)
    model = MLP(recipe.hidden, recipe.batch_norm)
    trainer = Trainer(model, data.train_set, recipe, generator, data.negatives)
    for epoch in trainer.fit(data.validation["validation"]):
        print(f"seed {seed}, epoch {epoch.epoch}: {epoch.validation_accuracy:.2%}", flush=True)
    model, thresholds, scores = calibrate(trainer.ema_model, data.validation)
    images, labels = data.validation["drawings"]
    probabilities = predict(model, images).exp()
    verdict = verdicts(probabilities, thresholds)
    wrong = probabilities.argmax(1) != labels
    _, unseen = split_drawings(drawings, seed)
    names = ", ".join(sorted({str(contributor_of(drawing)) for drawing in unseen}))
    shares = [~wrong, verdict == 2, wrong[verdict == 2], verdict == 0]
    means = [share.float().mean().item() for share in shares]
    mnist, styles = scores["validation_accuracy"], scores["styles_accuracy"]
    cells = [mnist, names, len(labels), *means, styles]
    if data.held_out_negatives is None:  # none of these contributors wrote any
        return [*cells, 0, ""]
    sure = verdicts(predict(model, data.held_out_negatives).exp(), thresholds) == 2
    return [*cells, len(data.held_out_negatives), sure.float().mean().item()]


def report(rows: list[list], recipe: Recipe) -> str:
    """docs/contributors.md."""
    shown = [[f"{v:.2%}" if isinstance(v, float) else v for v in row] for row in rows]
    command = " ".join(["python experiments/contributors.py", *sys.argv[1:]])
    sizes = "-".join(map(str, recipe.hidden))
    accuracies = [100 * row[3] for row in rows]
    return "\n".join(
        [
            "# Other contributors held out\n",
            f"Made by `{command}`: the recipe `best`, hidden layers {sizes}, {recipe.epochs}"
            f" epochs, rounded; a seed and other contributors a row; {os.cpu_count()} cores, no GPU"
            ", one thread.\n",
            table(HEADER, shown),
            f"Strangers' digits read right: {least_to_most(accuracies, '.2f')} %. The thresholds of"
            " the verdicts are chosen on the same drawings, also in other hands. Letters are those"
            " that resemble no digit.\n",
        ]
    )


if __name__ == "__main__":
    main()
