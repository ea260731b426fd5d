"""Train one network with four losses that look alike: two are equal, two break.

    python -m experiments.compare_losses

All but the loss is the recipe `tutorial`. Nothing is chosen by the results, and the test images are
scored once, at the end of each run. Three to four minutes on one idle core. Writes losses.md, .png
and .zh.png to runs/experiments; `--output docs --figures docs/figures.json` renews those of docs/.
"""

import argparse
import contextlib
import dataclasses
import sys
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch.nn.utils import parameters_to_vector

from experiments import common
from experiments.recipes import seeded_trainer
from experiments.tables import mean_and_deviation
from mnist_core.network import DIGITS
from mnist_core.tables import table
from mnist_core.training import plots
from mnist_core.training.data import Dataset, load_mnist, select, split
from mnist_core.training.recipes import LOSSES, RECIPES, Recipe
from mnist_core.training.trainer import Diverged, evaluate, predict

LOOKS = {  # what each loss is called, and how its line is drawn
    "nll": ("(a) log_softmax, NLLLoss", {"color": "tab:blue", "linewidth": 5, "alpha": 0.4}),
    "cross-entropy": ("(b) scores, CrossEntropyLoss", {"color": "tab:blue"}),  # lies on (a)
    "softmax-cross-entropy": ("(c) softmax, CrossEntropyLoss", {"color": "tab:red"}),
    "log-of-softmax": ("(d) log(softmax), NLLLoss", {"color": "tab:orange", "linestyle": "--"}),
}
WORDS = {
    "epoch": ("epoch", "轮"),
    "accuracy": ("validation accuracy, %", "验证图片上的正确率，%"),
    "loss": ("training loss per image", "每张训练图片的损失"),
    "cross-entropy": ("(b) scores, CrossEntropyLoss", "(b) 得分，CrossEntropyLoss"),
}
HEADER = ("loss", "test accuracy", "last training loss")
HEADER += ("mistakes with p above 0.99", "diverged in epoch")
# The least loss that (c) can reach: every probability right leaves -log(e / (e + 9)).
LEAST_OF_C = torch.log1p(torch.tensor((DIGITS - 1) / torch.e)).item()


class Run(NamedTuple):
    """One training: a value per epoch (losses are NaN from where it diverged), and how it ended."""

    losses: list[float]  # mean training loss per image
    accuracies: list[float]  # on validation
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
    used = common.first(load_mnist(common.DATA, train=True), args.limit)
    known, held_out = (select(used, part) for part in split(len(used[0])))
    test = load_mnist(common.DATA, train=False)
    runs: dict[str, list[Run]] = {loss: [] for loss in LOSSES}
    for seed in range(args.seeds):
        for loss, group in runs.items():  # with the same first weights and batches
            recipe = dataclasses.replace(RECIPES["tutorial"], epochs=args.epochs, loss=loss)
            group.append(train(recipe, seed, known, held_out, test))
            print(f"seed {seed}  {loss}  {group[-1].accuracies[-1]:.2%}", file=sys.stderr)
    for language, words in common.in_both_languages(WORDS):
        draw(runs, words, args.output / f"losses{language}.png")
    pairs = zip(runs["nll"], runs["cross-entropy"], strict=True)
    apart = max((one.weights - other.weights).abs().max() for one, other in pairs)
    page = f"""\
# Four losses

Made by `{common.command()}`: the recipe `tutorial`, {args.epochs} epochs on nine tenths of \
{len(used[0]):,} images, n = {args.seeds} seeds; {common.machine()}. ± is the standard deviation.

{table(HEADER, [row(LOOKS[loss][0], group) for loss, group in runs.items()])}
The mistakes are those on validation. (a) to (d) are {", ".join(LOSSES)} of `python \
scripts/train.py --loss`. The weights of (a) and (b) differ by at most {apart:g} at the end. A \
training that diverges stops there, and its network answers 0 to everything.

![Validation accuracy and training loss by epoch](losses.png)
"""
    return page, None


def train(recipe: Recipe, seed: int, known: Dataset, held_out: Dataset, test: Dataset) -> Run:
    """Train, and score the test images once."""
    trainer, done = seeded_trainer(known, recipe, seed), []
    with contextlib.suppress(Diverged):
        done.extend(trainer.fit(held_out))
    model, left = trainer.model, recipe.epochs - len(done)
    losses = [epoch.training_loss for epoch in done] + [torch.nan] * left
    accuracies = [epoch.validation_accuracy for epoch in done]
    accuracies += [evaluate(model, held_out)[1]] * left
    probability, answers = predict(model, held_out[0]).exp().max(1)
    sure_and_wrong = (probability[answers != held_out[1]] > 0.99).float().mean().item()
    weights = parameters_to_vector(model.parameters()).detach()
    return Run(losses, accuracies, evaluate(model, test)[1], sure_and_wrong, weights)


def row(label: str, group: list[Run]) -> list[str]:
    finite = [sum(loss == loss for loss in run.losses) for run in group]  # epochs
    return [
        label,
        f"{mean_and_deviation([100 * run.test_accuracy for run in group])} %",
        f"{mean(run.losses[-1] for run in group):.4f}",
        f"{mean(run.sure_and_wrong for run in group):.0%}",
        " ".join(str(n + 1) if n < len(group[0].losses) else "-" for n in finite),
    ]


def draw(runs: dict[str, list[Run]], words: dict[str, str], path: Path) -> None:
    """Validation accuracy and training loss by epoch: the mean, and a band over all seeds."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for loss, group in runs.items():
        label, style = words.get(loss, LOOKS[loss][0]), LOOKS[loss][1]
        accuracies = 100 * torch.tensor([run.accuracies for run in group])  # (seeds, epochs)
        losses = torch.tensor([run.losses for run in group])
        for axes, values in ((left, accuracies), (right, losses)):
            epochs = range(1, values.shape[1] + 1)
            axes.plot(epochs, values.mean(0), label=label, **style)
            axes.fill_between(
                epochs, values.amin(0), values.amax(0), color=style["color"], alpha=0.15
            )
    right.axhline(LEAST_OF_C, color="grey", linewidth=0.8)
    right.annotate(f"log(1 + 9/e) = {LEAST_OF_C:.4f}", (1, LEAST_OF_C), va="top", color="grey")
    left.set(xlabel=words["epoch"], ylabel=words["accuracy"])
    right.set(xlabel=words["epoch"], ylabel=words["loss"], ylim=(0, None))
    left.legend()
    plots.save(figure, path)


if __name__ == "__main__":
    main()
