"""Pictures of a training and of what a network reads: matplotlib figures, shown nowhere.

`save` writes one as a PNG. No screen is needed: they know nothing of pyplot.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mnist_core.framing import SIDE
from mnist_core.model import MLP

ROWS, COLUMNS = 4, 10
SHEET = ROWS * COLUMNS  # images on one
CONTACTS = 1000  # images on a contact sheet: 100 rows, a picture that programs still open
INK = "gray_r"  # ink bright in the data, black on white here


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=80, bbox_inches="tight")


def confusion_matrix(counts: torch.Tensor) -> Figure:
    """(10, 10) counts as `training.confusion_matrix` gives them; mistakes in colour."""
    figure = Figure(figsize=(6, 6))
    axes = figure.subplots()
    shown = counts.clone().fill_diagonal_(0)
    axes.imshow(shown, cmap="Oranges")
    for row in range(10):
        for column in range(10):
            if counts[row, column]:
                colour = "white" if shown[row, column] > 0.6 * shown.max() else "black"
                axes.text(
                    column, row, int(counts[row, column]), ha="center", va="center", color=colour
                )
    axes.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="digit")
    axes.set_title("Answers by digit")
    return figure


def reliability_diagram(confidence: torch.Tensor, right: torch.Tensor) -> Figure:
    """How often answers are right, (N,) bool, by how sure they are, (N,) in [0, 1]."""
    figure = Figure(figsize=(5, 5))
    axes = figure.subplots()
    bins = (confidence * 10).long().clamp(max=9)
    for index in bins.unique():
        inside = bins == index
        axes.plot(confidence[inside].mean(), right[inside].float().mean(), "o", color="tab:blue")
        axes.annotate(int(inside.sum()), (confidence[inside].mean(), right[inside].float().mean()))
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1.05), ylim=(0, 1.05))
    axes.set_title("Confidence and accuracy, with counts")
    return figure


def gallery(
    images: torch.Tensor,
    labels: torch.Tensor,
    answers: torch.Tensor,
    confidence: torch.Tensor,
    chosen: torch.Tensor,
) -> Figure:
    """Up to 40 chosen images, each with its label, the answer and how sure it was."""
    titles = [f"{labels[i]} read as {answers[i]}\n{confidence[i]:.0%}" for i in chosen.tolist()]
    return sheet(images[chosen], titles)


def hardest_mistakes(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Where the wrong answers of (N, 10) probabilities are, the surest first."""
    confidence, answers = probabilities.max(1)
    wrong = answers != labels
    return torch.where(wrong, confidence, -1).argsort(descending=True)[: int(wrong.sum())]


def sheet(images: torch.Tensor, titles: Sequence[str]) -> Figure:
    """Up to 40 images, (N, 28, 28) in 0..255, each under its title."""
    figure = Figure(figsize=(12, 6))
    axes = figure.subplots(ROWS, COLUMNS)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image, cmap=INK, vmin=0, vmax=255)
        axis.set_title(title, fontsize=9)
    figure.tight_layout()
    return figure


def contact_sheet(images: torch.Tensor, titles: Sequence[str]) -> Figure:
    """Up to `CONTACTS` images, (N, 28, 28) in 0..255, ten a row, each under its title.

    They are one picture: a set of axes for each, as in `sheet`, takes a minute for a thousand.
    """
    images = images[:CONTACTS]
    rows = max(1, math.ceil(len(images) / COLUMNS))
    height, width = SIDE + 14, SIDE + 8  # of a cell: room for two lines of title, and between
    page = torch.zeros(rows * height, COLUMNS * width)
    figure = Figure(figsize=(12, 12 * rows * height / (COLUMNS * width)), layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    for number, (image, title) in enumerate(zip(images, titles, strict=False)):
        row, column = divmod(number, COLUMNS)
        top, left = (row + 1) * height - SIDE, column * width + (width - SIDE) // 2
        page[top : top + SIDE, left : left + SIDE] = image
        middle = left + SIDE / 2
        axes.text(middle, top - 1, title, fontsize=9, ha="center", va="bottom", parse_math=False)
    axes.imshow(page.numpy(), cmap=INK, vmin=0, vmax=255)
    return figure


def curves(history: Sequence[dict], chosen: int) -> Figure:
    """Loss and accuracy after each epoch, as rows of metrics.csv; `chosen` is the epoch kept."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    _lines(losses, history, "loss", 1)
    losses.set(title="Loss", ylim=(0, None))
    _lines(accuracies, history, "accuracy", 100)
    accuracies.set(title="Accuracy, %")
    for axes in (losses, accuracies):
        axes.axvline(chosen, color="grey", linestyle=":", label=f"kept: epoch {chosen}")
        axes.legend()
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
    return figure


def _lines(axes: Axes, history: Sequence[dict], what: str, scale: float) -> None:
    """A line for each column whose name ends in `what`, each data set in its own colour."""
    epochs = [row["epoch"] for row in history]
    for number, data in enumerate(("training", "validation", "drawings")):
        if f"{data}_{what}" in history[0]:
            values = [scale * row[f"{data}_{what}"] for row in history]
            axes.plot(epochs, values, ".-", label=data, color=f"C{number}")


def first_layer(model: MLP) -> Figure:
    """What the 40 strongest units of the first layer look at: ink adds (red) or takes (blue)."""
    weight = model.layers[0].weight.detach()  # (units, 784)
    strongest = weight.norm(dim=1).argsort(descending=True)[:SHEET]
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    axes = figure.subplots(ROWS, COLUMNS)
    for axis in axes.flat:
        axis.axis("off")
    limit = float(weight[strongest].abs().quantile(0.99))
    for axis, unit in zip(axes.flat, strongest.tolist(), strict=False):
        picture = axis.imshow(
            weight[unit].reshape(SIDE, SIDE), cmap="RdBu_r", vmin=-limit, vmax=limit
        )
        axis.set_title(f"unit {unit}", fontsize=9)
    figure.colorbar(picture, ax=axes, shrink=0.6, label="weight")
    return figure
