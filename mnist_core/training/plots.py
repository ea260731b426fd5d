"""Pictures of a training and of what a network reads: matplotlib figures, shown nowhere.

`save` writes one as a PNG. No screen is needed: they know nothing of pyplot.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mnist_core.drawing.framing import SIDE
from mnist_core.files import atomic_write
from mnist_core.network.model import MLP

GALLERY = 40  # images in one
COLUMNS = 10  # images in a row
CONTACTS = 1000  # images in a grid, at most: 100 rows, a picture that programs still open


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as a PNG. Raises UserError where that can't be done."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=80, bbox_inches="tight")


def confusion_matrix(counts: torch.Tensor) -> Figure:
    """(10, 10) counts as `trainer.confusion_matrix` gives them; mistakes in colour."""
    figure = Figure(figsize=(6, 6))
    axes = figure.subplots()
    shown = counts.clone().fill_diagonal_(0)
    axes.imshow(shown.numpy(), cmap="Oranges")
    for row, column in counts.nonzero().tolist():
        colour = "white" if shown[row, column] > 0.6 * shown.max() else "black"
        count = int(counts[row, column])
        axes.text(column, row, count, ha="center", va="center", color=colour)
    digits = range(len(counts))
    axes.set(title="Answers by digit", xticks=digits, yticks=digits, xlabel="answer")
    axes.set_ylabel("digit")
    return figure


def surest_mistakes(images: torch.Tensor, truth: Sequence, probabilities: torch.Tensor) -> Figure:
    """The 40 wrong answers among (N, 10) `probabilities` that were surest, and what it was."""
    confidence, answers = probabilities.max(1)
    wrong = [str(answer) != str(true) for answer, true in zip(answers.tolist(), truth, strict=True)]
    surest = torch.where(torch.tensor(wrong), confidence, -1).argsort(descending=True)
    chosen = surest[: min(GALLERY, sum(wrong))]
    titles = [f"{truth[i]} read as {answers[i]}\n{confidence[i]:.0%}" for i in chosen.tolist()]
    return image_grid(images[chosen], titles)


def image_grid(
    images: torch.Tensor, titles: Sequence[str], colours: str = "gray_r", low: float = 0
) -> Figure:
    """Up to `CONTACTS` images, (N, 28, 28) from `low` to 255, ten a row, each under its title.

    They are one picture: axes for each would take a minute for a thousand.
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
    axes.imshow(page.numpy(), cmap=colours, vmin=low, vmax=255)
    return figure


def first_layer(model: MLP) -> Figure:
    """What the 40 strongest units of the first layer look at: ink adds (red) or takes (blue)."""
    weight = model.layers[0].weight.detach()  # (units, 784)
    strongest = weight.norm(dim=1).argsort(descending=True)[:GALLERY]
    images = weight[strongest].reshape(-1, SIDE, SIDE)
    images = 255 * images / images.abs().quantile(0.99)
    return image_grid(images, [f"unit {unit}" for unit in strongest.tolist()], "RdBu_r", -255)


def curves(history: Sequence[dict], chosen: int) -> Figure:
    """Loss and accuracy after each epoch, as rows of metrics.csv; `chosen` is the epoch kept."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for axes, what, scale in ((losses, "loss", 1), (accuracies, "accuracy", 100)):
        for number, data in enumerate(("training", "validation", "drawings")):
            if f"{data}_{what}" in history[0]:
                values = [scale * row[f"{data}_{what}"] for row in history]
                axes.plot(epochs, values, ".-", label=data, color=f"C{number}")
        axes.axvline(chosen, color="grey", linestyle=":", label=f"kept: epoch {chosen}")
        axes.legend()
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(title=f"{what.title()}{', %' if scale == 100 else ''}", xlabel="epoch")
    losses.set_ylim(0)
    return figure
