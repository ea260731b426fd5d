"""Train one network with four losses that look alike, and show what is equal and what breaks.

    python experiments/compare_losses.py
    python experiments/compare_losses.py --seeds 1 --epochs 2

The network, optimiser, batches and epochs are the recipe `tutorial`'s; only the loss
differs. Nothing is chosen by the results, and the test images are scored once, at
the end of each run. Three to four minutes on one idle core. Writes losses.md and its picture,
losses.png, to runs/experiments. To renew those of docs/ and what other texts quote of them:

    python experiments/compare_losses.py --output docs --figures docs/figures.json
"""

import argparse
import dataclasses
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import matplotlib

matplotlib.use("Agg")  # before pyplot: there may be no screen

import torch
from matplotlib import pyplot
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.framing import PIXELS, to_input
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network.model import DIGITS, MLP
from mnist_core.tables import least_to_most, mean_and_deviation, table, write_figures
from mnist_core.training import trainer
from mnist_core.training.data import Dataset, first, load_mnist, select, split
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.training.trainer import evaluate, predict

RECIPE = RECIPES["tutorial"]

LABELS = (
    "(a) log_softmax, NLLLoss",
    "(b) scores, CrossEntropyLoss",
    "(c) softmax, CrossEntropyLoss",
    "(d) log(softmax), NLLLoss",
)
LOSSES = dict(zip(LABELS, trainer.LOSS_FUNCTIONS.values(), strict=True))
STYLES = (
    {"color": "tab:blue", "linewidth": 5, "alpha": 0.4},  # wide: (b) lies on it
    {"color": "tab:blue"},
    {"color": "tab:red"},
    {"color": "tab:orange", "linestyle": "--"},
)
# The least that (c) can reach: every probability right leaves -log(e / (e + 9)).
LEAST_OF_C = torch.log1p(torch.tensor((DIGITS - 1) / torch.e)).item()


@dataclass(frozen=True)
class Run:
    """One training: a figure an epoch, and what it came to."""

    losses: list[float]  # mean training loss an image
    accuracies: list[float]  # on validation
    test_accuracy: float
    seconds: float
    not_finite: int  # steps whose loss or gradient held an infinity or NaN
    sure_and_wrong: float  # share of the misread validation images read with p above 0.99
    weights: torch.Tensor  # (P,) all of the network's


def main() -> None:
    parser = argparse.ArgumentParser(description="Train one network with four losses.")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each loss (%(default)s)")
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
        used = first(load_mnist(args.data, train=True), args.limit)
        test = load_mnist(args.data, train=False)
        make_directory(args.output)
        seconds = len(LOSSES) * max(1, args.seeds) * args.epochs * len(used[0]) / 60_000
        print(f"about {seconds:.0f} s on one idle core", file=sys.stderr)
        runs = compare(used, test, recipe, max(1, args.seeds))
        page = report(runs, recipe, len(used[0]))
        if args.figures:
            write_figures(args.figures, "compare_losses", page)
    except UserError as error:
        parser.exit(2, f"compare_losses.py: {error}\n")
    draw(runs, args.output / "losses.png")
    (args.output / "losses.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'losses.md'} and losses.png")


# Training --------------------------------------------------------------------


def compare(dataset: Dataset, test: Dataset, recipe: Recipe, seeds: int) -> dict[str, list[Run]]:
    """Every loss with every seed; a seed gives all four the same first weights and batches."""
    training, validation = (select(dataset, part) for part in split(len(dataset[0])))
    runs: dict[str, list[Run]] = {name: [] for name in LOSSES}
    for seed in range(seeds):
        for name in LOSSES:  # in turn, so that a busy minute of the machine slows all four
            run = train(name, training, validation, test, recipe, seed)
            runs[name].append(run)
            print(f"seed {seed}  {name}  validation {run.accuracies[-1]:.2%}", file=sys.stderr)
    return runs


def train(
    name: str, training: Dataset, validation: Dataset, test: Dataset, recipe: Recipe, seed: int
) -> Run:
    """Train with the loss `name`, score the test images once."""
    torch.manual_seed(seed)
    model = MLP(recipe.hidden)
    generator = torch.Generator().manual_seed(seed)
    # As in Trainer, so that (a) is the recipe's own training, to the bit.
    rates = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    optimizer = torch.optim.AdamW(model.parameters(), **rates, fused=True)
    losses, accuracies, seconds, not_finite = [], [], 0.0, 0
    for _ in range(recipe.epochs):
        started = time.perf_counter()
        loss, met = train_epoch(model, name, training, recipe, optimizer, generator)
        seconds += time.perf_counter() - started
        not_finite += met
        losses.append(loss)
        accuracies.append(evaluate(model, validation)[1])
    return Run(
        losses=losses,
        accuracies=accuracies,
        test_accuracy=evaluate(model, test)[1],
        seconds=seconds,
        not_finite=not_finite,
        sure_and_wrong=sure_and_wrong(model, validation),
        weights=nn.utils.parameters_to_vector(model.parameters()).detach(),
    )


def train_epoch(
    model: MLP,
    name: str,
    training: Dataset,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> tuple[float, int]:
    """Mean loss an image, and the number of steps that met an infinity or NaN."""
    images, labels = training
    model.train()
    total, not_finite = 0.0, 0
    for batch in torch.randperm(len(images), generator=generator).split(recipe.batch_size):
        loss = LOSSES[name](model.layers(to_input(images[batch])), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
        gradients = torch.stack([parameter.grad.sum() for parameter in model.parameters()])
        not_finite += not (loss.isfinite() and gradients.isfinite().all())
    return total / len(images), not_finite


def sure_and_wrong(model: MLP, dataset: Dataset) -> float:
    """Of the images of `dataset` that are misread, the share that is read with p above 0.99."""
    images, labels = dataset
    probability, answers = predict(model, images).exp().max(1)
    return (probability[answers != labels] > 0.99).float().mean().item()


# The page --------------------------------------------------------------------


def report(runs: dict[str, list[Run]], recipe: Recipe, count: int) -> str:
    """docs/losses.md."""
    a, b = (runs[name] for name in list(LOSSES)[:2])
    command = " ".join(["python experiments/compare_losses.py", *sys.argv[1:]])
    sizes = "-".join(map(str, (PIXELS, *recipe.hidden, DIGITS)))
    *names, last = trainer.LOSS_FUNCTIONS
    apart = max((one.weights - other.weights).abs().max() for one, other in zip(a, b, strict=True))
    return "\n".join(
        [
            "# Four losses\n",
            f"Made by `{command}`:"
            f" {sizes}, Adam at {recipe.learning_rate}, batches of {recipe.batch_size},"
            f" {recipe.epochs} epochs on nine tenths of {count:,} images, n = {len(a)} seeds;"
            f" {os.cpu_count()} cores of which {torch.get_num_threads()} used,"
            f" no GPU, PyTorch {torch.__version__}. ± is the standard deviation.\n",
            score_table(runs),
            "The mistakes are those on validation; the steps are counted for each seed. The four"
            f" are what `python scripts/train.py --loss` chooses among: {', '.join(names)} and"
            f" {last}.\n",
            f"The weights that (a) and (b) end with differ by at most {apart:g}.\n",
            "![Validation accuracy and training loss by epoch](losses.png)\n",
            "## Scores far apart\n",
            overflow_table(),
            "## The gradient of a mistake\n",
            "One of ten scores is raised, and it is a wrong one: the length of the gradient.\n",
            gradient_table(),
        ]
    )


def score_table(runs: dict[str, list[Run]]) -> str:
    """What each loss came to; ± is in percentage points."""
    header = (
        "loss", "validation accuracy", "test accuracy", "test, least to most",
        "last training loss", "mistakes made with p above 0.99", "steps with an infinity or NaN",
        "seconds a run",
    )  # fmt: skip
    return table(header, [score_row(name, group) for name, group in runs.items()])


def score_row(name: str, group: list[Run]) -> list[str]:
    test = [run.test_accuracy for run in group]
    return [
        name,
        f"{mean_and_deviation([100 * run.accuracies[-1] for run in group])} %",
        f"{mean_and_deviation([100 * accuracy for accuracy in test])} %",
        least_to_most(test, ".2%"),
        f"{mean(run.losses[-1] for run in group):.4f}",
        f"{mean(run.sure_and_wrong for run in group):.0%}",
        " ".join(str(run.not_finite) for run in group),
        f"{mean(run.seconds for run in group):.1f}",
    ]


def overflow_table() -> str:
    """Both forms, by definition and by library, on scores that float32 can't exponentiate."""
    header = (
        "scores, label 0", "exp(s) / sum", "softmax", "log(softmax)", "its gradient",
        "log_softmax", "its gradient",
    )  # fmt: skip
    rows = []
    for values in ([1000.0, 0.0], [-1000.0, 0.0], [2.0, 0.0]):
        scores = torch.tensor([values])
        cells = [
            scores,
            scores.exp() / scores.exp().sum(),
            scores.softmax(1),
            scores.softmax(1).log(),
            gradient("(d) log(softmax), NLLLoss", scores, 0),
            scores.log_softmax(1),
            gradient("(a) log_softmax, NLLLoss", scores, 0),
        ]
        rows.append([numbers(cell) for cell in cells])
    return table(header, rows)


def gradient_table() -> str:
    """How much is learned from a mistake that is made with more and more confidence."""
    rows = []
    for score in (0.0, 2.0, 5.0, 10.0, 20.0):
        scores = torch.zeros(1, DIGITS)
        scores[0, 1] = score
        proper = gradient("(a) log_softmax, NLLLoss", scores, 0).norm()
        mistaken = gradient("(c) softmax, CrossEntropyLoss", scores, 0).norm()
        probability = scores.softmax(1)[0, 1]
        rows.append([f"{score:g}", f"{probability:.4f}", f"{proper:.4f}", f"{mistaken:.2g}"])
    return table(["score of the wrong digit", "its probability", "(a)", "(c)"], rows)


def gradient(name: str, scores: torch.Tensor, label: int) -> torch.Tensor:
    """Of the named loss by (1, C) scores."""
    scores = scores.clone().requires_grad_()
    LOSSES[name](scores, torch.tensor([label])).backward()
    return scores.grad


def numbers(tensor: torch.Tensor) -> str:
    """All of a tensor's, in a row."""
    return "[" + ", ".join(f"{value:.4g}" for value in tensor.flatten().tolist()) + "]"


def draw(runs: dict[str, list[Run]], path: Path) -> None:
    """Validation accuracy and training loss by epoch: the mean, and a band of all seeds."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2))
    for (name, group), style in zip(runs.items(), STYLES, strict=True):
        accuracies = torch.tensor([run.accuracies for run in group])  # (seeds, epochs)
        losses = torch.tensor([run.losses for run in group])
        for axes, values in ((left, 100 * accuracies), (right, losses)):
            epochs = range(1, values.shape[1] + 1)
            axes.plot(epochs, values.mean(0), label=name, **style)
            axes.fill_between(
                epochs, values.amin(0), values.amax(0), color=style["color"], alpha=0.15
            )
    right.axhline(LEAST_OF_C, color="grey", linewidth=0.8)
    right.annotate(f"log(1 + 9/e) = {LEAST_OF_C:.4f}", (1, LEAST_OF_C), va="top", color="grey")
    left.set(xlabel="epoch", ylabel="validation accuracy, %")
    right.set(xlabel="epoch", ylabel="training loss an image", ylim=(0, None))
    left.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
