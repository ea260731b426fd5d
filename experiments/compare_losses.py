"""Train one network with four losses that look alike: two are equal, two break.

    python -m experiments.compare_losses
    python -m experiments.compare_losses --seeds 1 --epochs 2

All but the loss is the recipe `tutorial`. Nothing is chosen by the results, and the test images are
scored once, at the end of each run. Three to four minutes on one idle core. Writes losses.md and
losses.png (and losses.zh.png) to runs/experiments; `--output docs --figures docs/figures.json`
renews those of docs/.
"""

import argparse
import dataclasses
import sys
from pathlib import Path
from statistics import mean

import torch
from matplotlib.figure import Figure
from torch import nn

from experiments import common
from experiments.tables import least_to_most, mean_and_deviation
from mnist_core.drawing.framing import PIXELS
from mnist_core.network import DIGITS
from mnist_core.network.model import MLP
from mnist_core.tables import table
from mnist_core.training import plots
from mnist_core.training.data import Dataset, load_mnist, select, split
from mnist_core.training.recipes import LOSSES, RECIPES
from mnist_core.training.trainer import LOSS_FUNCTIONS, Diverged, Trainer, evaluate, predict

LABELS = {
    "nll": "(a) log_softmax, NLLLoss",
    "cross-entropy": "(b) scores, CrossEntropyLoss",
    "softmax-cross-entropy": "(c) softmax, CrossEntropyLoss",
    "log-of-softmax": "(d) log(softmax), NLLLoss",
}
ENGLISH = {
    "epoch": "epoch",
    "accuracy": "validation accuracy, %",
    "loss": "training loss per image",
}
CHINESE = {
    "epoch": "轮",
    "accuracy": "验证图片上的正确率，%",
    "loss": "每张训练图片的损失",
    "cross-entropy": "(b) 得分，CrossEntropyLoss",
}
STYLES = {
    "nll": {"color": "tab:blue", "linewidth": 5, "alpha": 0.4},  # wide, as (b) lies on it
    "cross-entropy": {"color": "tab:blue"},
    "softmax-cross-entropy": {"color": "tab:red"},
    "log-of-softmax": {"color": "tab:orange", "linestyle": "--"},
}
# The least loss that (c) can reach: every probability right leaves -log(e / (e + 9)).
LEAST_OF_C = torch.log1p(torch.tensor((DIGITS - 1) / torch.e)).item()


@dataclasses.dataclass(frozen=True)
class Run:
    """One training: a value per epoch (losses are NaN from where it diverged), and how it ended."""

    losses: list[float]  # mean training loss per image
    accuracies: list[float]  # on validation
    diverged: int | None  # the epoch whose loss is not finite
    test_accuracy: float
    sure_and_wrong: float  # share of the misread validation images read with p above 0.99
    weights: torch.Tensor  # (P,) all of the network's


def main() -> None:
    parser = common.argument_parser("Train one network with four losses.")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each loss (%(default)s)")
    epochs = RECIPES["tutorial"].epochs
    parser.add_argument("--epochs", type=int, default=epochs, help="of each run (%(default)s)")
    parser.add_argument("--limit", type=int, default=60_000, help="images to use (%(default)s)")
    common.write_page(parser, "compare_losses", "losses.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/losses.md, and its picture."""
    used = common.first(load_mnist(args.data, train=True), args.limit)
    sets = [select(used, part) for part in split(len(used[0]))]
    sets.append(load_mnist(args.data, train=False))
    runs: dict[str, list[Run]] = {loss: [] for loss in LOSSES}
    for seed in range(args.seeds):
        for loss, group in runs.items():  # with the same first weights and batches
            group.append(train(loss, args.epochs, seed, *sets))
            print(f"seed {seed}  {loss}  {group[-1].accuracies[-1]:.2%}", file=sys.stderr)
    for language, words in common.in_both_languages(ENGLISH, CHINESE):
        draw(runs, words, args.output / f"losses{language}.png")
    return report(runs, args.epochs, len(used[0])), None


def train(
    loss: str, epochs: int, seed: int, training: Dataset, validation: Dataset, test: Dataset
) -> Run:
    """Train the recipe `tutorial` with one of LOSSES, and score the test images once."""
    recipe = dataclasses.replace(RECIPES["tutorial"], epochs=epochs, loss=loss)
    torch.manual_seed(seed)
    model, generator = MLP(recipe.hidden), torch.Generator().manual_seed(seed)
    losses, accuracies = [torch.nan] * epochs, [torch.nan] * epochs
    diverged = None
    try:
        for epoch in Trainer(model, training, recipe, generator).fit(validation):
            losses[epoch.epoch - 1] = epoch.training_loss
            accuracies[epoch.epoch - 1] = epoch.validation_accuracy
    except Diverged:
        diverged = 1 + sum(loss == loss for loss in losses)
        accuracies[diverged - 1 :] = [evaluate(model, validation)[1]] * (epochs - diverged + 1)
    probability, answers = predict(model, validation[0]).exp().max(1)
    sure_and_wrong = (probability[answers != validation[1]] > 0.99).float().mean().item()
    weights = nn.utils.parameters_to_vector(model.parameters()).detach()
    return Run(losses, accuracies, diverged, evaluate(model, test)[1], sure_and_wrong, weights)


def report(runs: dict[str, list[Run]], epochs: int, count: int) -> str:
    recipe, seeds = RECIPES["tutorial"], len(runs["nll"])
    sizes = "-".join(map(str, (PIXELS, *recipe.hidden, DIGITS)))
    pairs = zip(runs["nll"], runs["cross-entropy"], strict=True)
    apart = max((one.weights - other.weights).abs().max() for one, other in pairs)
    header = ("loss", "validation accuracy", "test accuracy", "test, least to most")
    header += ("last training loss", "mistakes with p above 0.99", "diverged in epoch")
    return f"""\
# Four losses

Made by `{common.command()}`: {sizes}, Adam at {recipe.learning_rate}, batches of \
{recipe.batch_size}, {epochs} epochs on nine tenths of {count:,} images, n = {seeds} seeds; \
{common.machine()}. ± is the standard deviation.

{table(header, [row(LABELS[loss], group) for loss, group in runs.items()])}
The mistakes are those on validation. (a) to (d) are the choices of `python scripts/train.py \
--loss`: {", ".join(LOSSES)}. A training that diverges stops there, and its network answers 0 to \
everything.

The weights of (a) and (b) differ by at most {apart:g} at the end.

![Validation accuracy and training loss by epoch](losses.png)

## The gradient of a mistake

One of ten scores is raised, and it is a wrong one: the length of the gradient.

{gradient_table()}"""


def row(label: str, group: list[Run]) -> list[str]:
    test = [run.test_accuracy for run in group]
    last = [run.losses[-1] for run in group]
    return [
        label,
        f"{mean_and_deviation([100 * run.accuracies[-1] for run in group])} %",
        f"{mean_and_deviation([100 * accuracy for accuracy in test])} %",
        least_to_most(test, ".2%"),
        f"{mean(last):.4f}",
        f"{mean(run.sure_and_wrong for run in group):.0%}",
        " ".join(str(run.diverged or "-") for run in group),
    ]


def gradient_table() -> str:
    """How much is learned from a mistake that is made with more and more confidence."""
    rows = []
    for score in (0.0, 2.0, 5.0, 10.0, 20.0):
        scores, lengths = torch.zeros(1, DIGITS), []
        scores[0, 1] = score
        for name in ("nll", "softmax-cross-entropy"):
            varied = scores.clone().requires_grad_()
            LOSS_FUNCTIONS[name](varied, torch.tensor([0])).backward()
            lengths.append(varied.grad.norm())
        probability = scores.softmax(1)[0, 1]
        rows.append([f"{score:g}", f"{probability:.4f}", f"{lengths[0]:.4f}", f"{lengths[1]:.2g}"])
    return table(["score of the wrong digit", "its probability", "(a)", "(c)"], rows)


def draw(runs: dict[str, list[Run]], words: dict[str, str], path: Path) -> None:
    """Validation accuracy and training loss by epoch: the mean, and a band over all seeds."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for loss, group in runs.items():
        accuracies = 100 * torch.tensor([run.accuracies for run in group])  # (seeds, epochs)
        losses = torch.tensor([run.losses for run in group])
        for axes, values in ((left, accuracies), (right, losses)):
            epochs = range(1, values.shape[1] + 1)
            axes.plot(epochs, values.mean(0), label=words.get(loss, LABELS[loss]), **STYLES[loss])
            band = {"color": STYLES[loss]["color"], "alpha": 0.15}
            axes.fill_between(epochs, values.amin(0), values.amax(0), **band)
    right.axhline(LEAST_OF_C, color="grey", linewidth=0.8)
    right.annotate(f"log(1 + 9/e) = {LEAST_OF_C:.4f}", (1, LEAST_OF_C), va="top", color="grey")
    left.set(xlabel=words["epoch"], ylabel=words["accuracy"])
    right.set(xlabel=words["epoch"], ylabel=words["loss"], ylim=(0, None))
    left.legend()
    plots.save(figure, path)


if __name__ == "__main__":
    main()
