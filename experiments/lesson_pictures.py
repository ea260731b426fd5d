"""Draw the lesson's pictures in both languages, from the network in weights/.

    python -m experiments.lesson_pictures

Writes lesson-path.png, -curves.png, -traps.png and -calibration.png, and the same with Chinese
words as *.zh.png, to runs/experiments; `--output docs` renews those of docs/.
"""

import argparse

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import common, lesson_bars
from experiments.recipes import seeded_trainer
from mnist_core.drawing.framing import to_input
from mnist_core.network import weights
from mnist_core.network.calibration import fit_temperature
from mnist_core.training.data import Dataset, load_mnist, select, split
from mnist_core.training.recipes import Recipe
from mnist_core.training.trainer import predict

EXAMPLE = 26223  # of MNIST's training images, held out by `split`: a 9 that is nearly a 4
SMALL = Recipe((128, 64), 12, 256, 0.003)  # for few images it is too long: too sure in the end
WORDS = lesson_bars.WORDS | {  # in English and in Chinese
    "probability": ("probability", "概率"),
    "first": ("softmax([z, 0]), first entry", "softmax([z, 0]) 的第一项"),
    "right": ("p, the probability of the right digit", "p，正确数字的概率"),
    "says": ("what it says: probability of its answer", "它说的：答案的概率"),
    "is": ("how often it is right", "实际答对的比例"),
    "before": ("as trained", "训练后"),
    "after": ("calibrated: scores ÷ {temperature:.2f}", "校准后：得分 ÷ {temperature:.2f}"),
}


def main() -> None:
    common.run(common.argument_parser("Draw the lesson's pictures."), draw_all)


def draw_all(args: argparse.Namespace) -> None:
    mnist = load_mnist(common.DATA, train=True)
    image, label = (part[EXAMPLE] for part in mnist)
    model, _ = weights.load(weights.SHIPPED)
    with torch.inference_mode():
        scores = model.layers(to_input(image[None]))[0]  # (10,)
    trained = train_small(mnist)
    for language, words in common.in_both_languages(WORDS):
        figures = {
            "path": lesson_bars.draw_path(image, scores, label, words),
            "curves": draw_curves(scores, label, words),
            "traps": lesson_bars.draw_traps(label, words),
            "calibration": draw_calibration(*trained, words),
        }
        for name, figure in figures.items():
            path = args.output / f"lesson-{name}{language}.png"
            figure.savefig(path, dpi=80)
            print(f"wrote {path}")


def draw_curves(scores: torch.Tensor, label: torch.Tensor, words: lesson_bars.Words) -> Figure:
    """Softmax of two scores is the sigmoid of their difference; the loss is -log p."""
    figure = Figure(figsize=(10, 3.8), layout="tight")
    left, right = figure.subplots(1, 2)
    gap = torch.linspace(-6, 6, 121)
    two = torch.stack([gap, torch.zeros_like(gap)], 1).softmax(1)[:, 0]
    left.plot(gap, torch.sigmoid(gap), color="tab:blue", linewidth=5, alpha=0.4, label="sigmoid(z)")
    left.plot(gap, two, color="tab:blue", label=words["first"])
    first, second = scores.topk(2).values
    mark(left, first - second, torch.sigmoid(first - second), (10, -8))
    left.set(xlabel="z", ylabel=words["probability"])
    left.legend()
    p, probability = torch.linspace(0.005, 1, 200), scores.softmax(0)[label]
    right.plot(p, -p.log(), color="tab:blue")
    mark(right, probability, -probability.log(), (-30, 14))
    right.set(xlabel=words["right"], ylabel=words["loss"], ylim=(0, None))
    return figure


def mark(axis: Axes, x: torch.Tensor, y: torch.Tensor, offset: tuple[int, int]) -> None:
    """A dot for the lesson's picture, its numbers beside it by so many points."""
    axis.plot(x, y, "o", color="tab:red")
    axis.annotate(f"{x:.4f} → {y:.4f}", (x, y), offset, textcoords="offset points")


def train_small(mnist: Dataset) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Train on 18,000 images. Returns what the network answers to the 10,000 test images, their
    labels, and the temperature that held-out images ask for.
    """
    known, held_out = (select(mnist, part) for part in split(20_000))
    trainer = seeded_trainer(known, SMALL, 0)
    for _ in trainer.fit(held_out):
        pass
    temperature = fit_temperature(predict(trainer.model, held_out[0]), held_out[1])
    images, labels = load_mnist(common.DATA, train=False)
    return predict(trainer.model, images), labels, temperature


def draw_calibration(
    answers: torch.Tensor, labels: torch.Tensor, temperature: float, words: lesson_bars.Words
) -> Figure:
    """How often (N, 10) answers are right by what they say, before and after calibration."""
    figure = Figure(figsize=(6, 4.5), layout="tight")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], ":", color="grey")
    for divisor, color, key in ((1.0, "tab:red", "before"), (temperature, "tab:blue", "after")):
        said, digits = (answers / divisor).softmax(1).max(1)
        right = (digits == labels).float()
        tenths = (said * 10).long().clamp(5, 9)
        points = [(said[tenths == t].mean(), right[tenths == t].mean()) for t in range(5, 10)]
        label = words[key].format(temperature=temperature)
        axis.plot(*zip(*points, strict=True), "o-", color=color, label=label)
    axis.set(xlabel=words["says"], ylabel=words["is"], xlim=(0.45, 1.02), ylim=(0.3, 1.02))
    axis.legend()
    return figure


if __name__ == "__main__":
    main()
