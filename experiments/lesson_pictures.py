"""Draw the lesson's pictures from the network in weights/.

    python -m experiments.lesson_pictures

Writes lesson-path.png, one picture's way to its loss, and lesson-curves.png, sigmoid, softmax and
the loss, to runs/experiments; `--output docs` renews those of docs/. The
numbers in docs/lesson.md are made by the examples there, which a test runs.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # before pyplot: there may be no screen

import torch
from matplotlib import pyplot

from experiments.common import ROOT
from mnist_core.drawing.framing import to_input
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import DIGITS, weights
from mnist_core.training.data import load_mnist

EXAMPLE = 26223  # of MNIST's training images, held out by `split`: a 9 that is nearly a 4
ROWS, COLUMNS = slice(10, 18), slice(8, 20)  # the part whose numbers are written out


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the lesson's pictures.")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    output = parser.parse_args().output
    try:
        images, labels = load_mnist(ROOT / "data", train=True)
        model, _ = weights.load(ROOT / "weights")
        make_directory(output)
    except UserError as error:
        parser.exit(2, f"lesson_pictures.py: {error}\n")
    image, label = images[EXAMPLE], labels[EXAMPLE].item()
    with torch.inference_mode():
        scores = model.layers(to_input(image[None]))[0]  # (10,)
    save(draw_path(image, scores, label), output / "lesson-path.png")
    save(draw_curves(scores, label), output / "lesson-curves.png")


def draw_path(image: torch.Tensor, scores: torch.Tensor, label: int) -> pyplot.Figure:
    """The picture, some of its numbers, all in a row; its scores, probabilities and p - y."""
    figure, axes = pyplot.subplots(2, 3, figsize=(13, 7))
    (whole, part, flat), bars = axes
    whole.imshow(image.numpy(), cmap="gray_r")
    whole.add_patch(
        pyplot.Rectangle(
            (COLUMNS.start - 0.5, ROWS.start - 0.5),
            COLUMNS.stop - COLUMNS.start,
            ROWS.stop - ROWS.start,
            fill=False,
            color="tab:red",
        )
    )
    whole.set_title("28 × 28 pixels")
    draw_numbers(part, image[ROWS, COLUMNS])
    flat.plot(to_input(image[None])[0].tolist(), color="black", linewidth=0.8)
    flat.set(title="784 numbers: row after row, ÷ 255", xlim=(0, image.numel()), ylim=(0, 1.05))
    probabilities = scores.softmax(0)
    target = torch.nn.functional.one_hot(torch.tensor(label), DIGITS)
    for axis, values, title in zip(
        bars,
        (scores, probabilities, probabilities - target),
        ("ten scores z", "ten probabilities p = softmax(z)", f"gradient p − y, for a {label}"),
        strict=True,
    ):
        draw_bars(axis, values, title)
    figure.tight_layout()
    return figure


def draw_numbers(axis: pyplot.Axes, part: torch.Tensor) -> None:
    """A part of a picture, the value of each pixel written on it."""
    axis.imshow(part.numpy(), cmap="gray_r", vmin=0, vmax=255)
    for row in range(part.shape[0]):
        for column in range(part.shape[1]):
            value = part[row, column].item()
            color = "white" if value > 127 else "black"
            axis.text(column, row, value, ha="center", va="center", fontsize=7, color=color)
    axis.set(title="the numbers in the red frame: ink, 0 to 255", xticks=[], yticks=[])


def draw_bars(axis: pyplot.Axes, values: torch.Tensor, title: str) -> None:
    """Ten bars, each with its value above or below it."""
    drawn = axis.bar(range(DIGITS), values.tolist(), color="tab:blue")
    axis.bar_label(drawn, [f"{value:.2f}" for value in values.tolist()], fontsize=8, padding=2)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(title=title, xticks=range(DIGITS), xlabel="digit")
    axis.margins(y=0.15)


def draw_curves(scores: torch.Tensor, label: int) -> pyplot.Figure:
    """Softmax of two scores is the sigmoid of their difference; the loss is -log p."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.8))
    first, second = scores.topk(2).values
    gap = torch.linspace(-6, 6, 121)
    two = torch.stack([gap, torch.zeros_like(gap)], 1).softmax(1)[:, 0]
    left.plot(gap, torch.sigmoid(gap), color="tab:blue", linewidth=5, alpha=0.4, label="sigmoid(z)")
    left.plot(gap, two, color="tab:blue", label="softmax([z, 0]), first entry")
    mark(left, (first - second).item(), torch.sigmoid(first - second).item(), (10, -8))
    left.set(xlabel="z", ylabel="probability")
    left.legend()
    probability = scores.softmax(0)[label].item()
    p = torch.linspace(0.005, 1, 200)
    right.plot(p, -p.log(), color="tab:blue")
    mark(right, probability, -torch.tensor(probability).log().item(), (-30, 14))
    right.set(xlabel="p, the probability of the right digit", ylabel="loss, −log p", ylim=(0, None))
    figure.tight_layout()
    return figure


def mark(axis: pyplot.Axes, x: float, y: float, offset: tuple[int, int]) -> None:
    """A dot for the lesson's picture, its numbers beside it by so many points."""
    axis.plot(x, y, "o", color="tab:red")
    axis.annotate(f"{x:.4f} → {y:.4f}", (x, y), offset, textcoords="offset points")


def save(figure: pyplot.Figure, path: Path) -> None:
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
