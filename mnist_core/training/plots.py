"""Pictures of a training and of a network, as matplotlib figures. Needs no screen, as no pyplot."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mnist_core.drawing.framing import SIDE
from mnist_core.files import atomic_write
from mnist_core.network.model import MLP

GALLERY = 40  # images in a picture
COLUMNS = 10  # images in a row
MAX_IMAGES = 1000  # in a grid, which then has 100 rows
BLUE, ORANGE = "#0082dc", "#e69f00"  # of negative and positive weights


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as a PNG. Raises UserError if that fails."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=80, bbox_inches="tight")


def confusion_matrix(counts: torch.Tensor, data: str) -> Figure:
    """Show `counts`, (10, 10), of `trainer.confusion_matrix`; `data` names the images."""
    figure = Figure(figsize=(6, 6))
    axes = figure.subplots()
    mistakes = counts.clone().fill_diagonal_(0)
    axes.imshow(mistakes.numpy(), cmap="Oranges")
    for row, column in counts.nonzero().tolist():
        colour = "white" if mistakes[row, column] > 0.6 * mistakes.max() else "black"
        count = int(counts[row, column])
        axes.text(column, row, count, ha="center", va="center", color=colour)
    digits = range(len(counts))
    title = f"Answers to {data}, {int(counts.sum()):,} images. Mistakes are coloured"
    axes.set(title=title, xticks=digits, yticks=digits, xlabel="answer", ylabel="digit")
    return figure


def surest_mistakes(images: torch.Tensor, truth: Sequence, probabilities: torch.Tensor) -> Figure:
    """Show the 40 wrong answers with the highest confidence.

    `images` are (N, 28, 28), `truth` N digits or characters, `probabilities` (N, 10).
    """
    confidence, answers = probabilities.max(1)
    wrong = [str(answer) != str(true) for answer, true in zip(answers.tolist(), truth, strict=True)]
    surest = torch.where(torch.tensor(wrong), confidence, -1).argsort(descending=True)
    chosen = surest[: min(GALLERY, sum(wrong))]
    titles = [f"{truth[i]} read as {answers[i]}\n{confidence[i]:.0%}" for i in chosen.tolist()]
    return image_grid(images[chosen], titles)


def image_grid(
    images: torch.Tensor,
    titles: Sequence[str],
    colours: str | Colormap = "gray_r",
    low: float = 0,
) -> Figure:
    """Show up to MAX_IMAGES images, (N, 28, 28) from `low` to 255, ten a row, each with a title.

    Draws them as one picture, as a thousand axes would take a minute.
    """
    images = images[:MAX_IMAGES]
    rows = max(1, math.ceil(len(images) / COLUMNS))
    height, width = SIDE + 14, SIDE + 8  # of a cell, with room for a title of two lines
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
    """Show the weights of the first layer's 40 units with the largest norms."""
    weight = model.layers[0].weight.detach()  # (units, 784)
    strongest = weight.norm(dim=1).argsort(descending=True)[:GALLERY]
    images = weight[strongest].reshape(-1, SIDE, SIDE)
    images = 255 * images / images.abs().quantile(0.99)
    colours = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
    figure = image_grid(images, [f"unit {unit}" for unit in strongest.tolist()], colours, -255)
    figure.axes[0].set_title("Ink on orange adds to a unit, ink on blue takes from it", pad=12)
    return figure


def curves(history: Sequence[dict], chosen: int) -> Figure:
    """Show the losses and accuracies of `history`, the rows of metrics.csv.

    `chosen` is the epoch with the highest mean accuracy on held-out data.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = [row["epoch"] for row in history]
    losses, accuracies = figure.subplots(1, 2)
    for axes, what, scale in ((losses, "loss", 1), (accuracies, "accuracy", 100)):
        for number, data in enumerate(("training", "validation", "drawings", "styles")):
            if f"{data}_{what}" in history[0]:
                values = [scale * row[f"{data}_{what}"] for row in history]
                axes.plot(epochs, values, ".-", label=data, color=f"C{number}")
        kept = f"kept: epoch {chosen}, highest mean accuracy"
        axes.axvline(chosen, color="grey", linestyle=":", label=kept)
        axes.legend()
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(title=f"{what.title()}{', %' if scale == 100 else ''}", xlabel="epoch")
    losses.set_ylim(0)
    return figure
