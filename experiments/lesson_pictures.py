"""Draw the lesson's pictures in both languages, from the network in weights/.

    python -m experiments.lesson_pictures

Writes lesson-path.png, one picture's way to its loss, lesson-curves.png, sigmoid, softmax and the
loss, lesson-traps.png, softmax taken twice and a logarithm of 0, and lesson-calibration.png, which
trains a small network for it, to runs/experiments, and the same with Chinese words as *.zh.png;
`--output docs` renews those of docs/. The numbers in docs/lesson.md are made by the examples there,
which a test runs.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # before pyplot: there may be no screen

import torch
from matplotlib import pyplot
from torch.nn import functional as F

from experiments.common import ROOT, in_both_languages
from mnist_core.drawing.framing import to_input
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import DIGITS, calibration, weights
from mnist_core.network.model import MLP
from mnist_core.training.data import load_mnist, select, split

EXAMPLE = 26223  # of MNIST's training images, held out by `split`: a 9 that is nearly a 4
ROWS, COLUMNS = slice(10, 18), slice(8, 20)  # the part whose numbers are written out
ENGLISH = {
    "pixels": "28 × 28 pixels",
    "frame": "the numbers in the red frame: ink, 0 to 255",
    "flat": "784 numbers: row after row, ÷ 255",
    "scores": "ten scores z",
    "probabilities": "ten probabilities p = softmax(z)",
    "gradient": "gradient p − y, for a {digit}",
    "digit": "digit",
    "probability": "probability",
    "first": "softmax([z, 0]), first entry",
    "right": "p, the probability of the right digit",
    "loss": "loss, −log p",
    "sure": "scores: sure of a 4, and it is a 9",
    "once": "softmax once",
    "twice": "softmax twice: never above 0.23",
    "gradient_a": "(a) what is learned: p − y",
    "gradient_c": "(c) what is learned: nothing",
    "behind": "how far the right score lies behind",
    "kept": "(a) log_softmax",
    "lost": "(d) log(softmax): infinite from here on",
    "says": "what it says: probability of its answer",
    "is": "how often it is right",
    "before": "as trained",
    "after": "calibrated: scores ÷ {temperature:.2f}",
}
CHINESE = {
    "pixels": "28 × 28 像素",
    "frame": "红框中的数：墨的深浅，0 到 255",
    "flat": "784 个数：逐行排列，÷ 255",
    "scores": "十个得分 z",
    "probabilities": "十个概率 p = softmax(z)",
    "gradient": "梯度 p − y，正确答案是 {digit}",
    "digit": "数字",
    "probability": "概率",
    "first": "softmax([z, 0]) 的第一项",
    "right": "p，正确数字的概率",
    "loss": "损失，−log p",
    "sure": "得分：认定是 4，其实是 9",
    "once": "做一次 softmax",
    "twice": "做两次 softmax：最高 0.23",
    "gradient_a": "(a) 学到的：p − y",
    "gradient_c": "(c) 学到的：什么也没有",
    "behind": "正确数字的得分落后多少",
    "kept": "(a) log_softmax",
    "lost": "(d) log(softmax)：从这里起是无穷大",
    "says": "它说的：答案的概率",
    "is": "实际答对的比例",
    "before": "训练后",
    "after": "校准后：得分 ÷ {temperature:.2f}",
}


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
    trained = train_small(images, labels)
    for language, words in in_both_languages(ENGLISH, CHINESE):
        save(draw_path(image, scores, label, words), output / f"lesson-path{language}.png")
        save(draw_curves(scores, label, words), output / f"lesson-curves{language}.png")
        save(draw_traps(label, words), output / f"lesson-traps{language}.png")
        save(draw_calibration(*trained, words), output / f"lesson-calibration{language}.png")


def train_small(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Train 784-128-64-10 on 18,000 images until it is too sure.

    Returns the scores and labels of the 10,000 test images, and the temperature that held-out
    images ask for.
    """
    known, held_out = (select((images, labels), part) for part in split(20_000))
    torch.manual_seed(0)
    model = MLP((128, 64))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    inputs = to_input(known[0])
    for _ in range(12):
        for chosen in torch.randperm(len(inputs)).split(256):
            loss = F.nll_loss(model(inputs[chosen]), known[1][chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    unseen, truth = load_mnist(ROOT / "data", train=False)
    with torch.inference_mode():
        temperature = calibration.fit_temperature(model(to_input(held_out[0])), held_out[1])
        return model.layers(to_input(unseen)), truth, torch.tensor(temperature)


def draw_path(
    image: torch.Tensor, scores: torch.Tensor, label: int, words: dict[str, str]
) -> pyplot.Figure:
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
    whole.set_title(words["pixels"])
    draw_numbers(part, image[ROWS, COLUMNS], words["frame"])
    flat.plot(to_input(image[None])[0].tolist(), color="black", linewidth=0.8)
    flat.set(title=words["flat"], xlim=(0, image.numel()), ylim=(0, 1.05))
    probabilities = scores.softmax(0)
    target = F.one_hot(torch.tensor(label), DIGITS)
    for axis, values, title in zip(
        bars,
        (scores, probabilities, probabilities - target),
        (words["scores"], words["probabilities"], words["gradient"].format(digit=label)),
        strict=True,
    ):
        draw_bars(axis, values, title, words["digit"])
    figure.tight_layout()
    return figure


def draw_numbers(axis: pyplot.Axes, part: torch.Tensor, title: str) -> None:
    """A part of a picture, the value of each pixel written on it."""
    axis.imshow(part.numpy(), cmap="gray_r", vmin=0, vmax=255)
    for row in range(part.shape[0]):
        for column in range(part.shape[1]):
            value = part[row, column].item()
            color = "white" if value > 127 else "black"
            axis.text(column, row, value, ha="center", va="center", fontsize=7, color=color)
    axis.set(title=title, xticks=[], yticks=[])


def draw_bars(axis: pyplot.Axes, values: torch.Tensor, title: str, below: str) -> None:
    """Ten bars, each with its value above or below it."""
    drawn = axis.bar(range(DIGITS), values.tolist(), color="tab:blue")
    labels = [f"{value:.2f}".replace("-0.00", "0.00") for value in values.tolist()]
    axis.bar_label(drawn, labels, fontsize=8, padding=2)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(title=title, xticks=range(DIGITS), xlabel=below)
    axis.margins(y=0.15)


def draw_curves(scores: torch.Tensor, label: int, words: dict[str, str]) -> pyplot.Figure:
    """Softmax of two scores is the sigmoid of their difference; the loss is -log p."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.8))
    first, second = scores.topk(2).values
    gap = torch.linspace(-6, 6, 121)
    two = torch.stack([gap, torch.zeros_like(gap)], 1).softmax(1)[:, 0]
    left.plot(gap, torch.sigmoid(gap), color="tab:blue", linewidth=5, alpha=0.4, label="sigmoid(z)")
    left.plot(gap, two, color="tab:blue", label=words["first"])
    mark(left, (first - second).item(), torch.sigmoid(first - second).item(), (10, -8))
    left.set(xlabel="z", ylabel=words["probability"])
    left.legend()
    probability = scores.softmax(0)[label].item()
    p = torch.linspace(0.005, 1, 200)
    right.plot(p, -p.log(), color="tab:blue")
    mark(right, probability, -torch.tensor(probability).log().item(), (-30, 14))
    right.set(xlabel=words["right"], ylabel=words["loss"], ylim=(0, None))
    figure.tight_layout()
    return figure


def draw_traps(label: int, words: dict[str, str]) -> pyplot.Figure:
    """Softmax once and twice, what is learned from a sure mistake, and a logarithm of 0."""
    figure, axes = pyplot.subplots(2, 3, figsize=(13, 7))
    (start, once, twice), (learned, nothing, far) = axes
    scores = torch.zeros(DIGITS)
    scores[4] = 10
    target = F.one_hot(torch.tensor(label), DIGITS)
    first, second = scores.softmax(0), scores.softmax(0).softmax(0)
    # Through both softmaxes, the chain rule multiplies by the derivative of the first.
    derivative = first.diag() - first[:, None] * first
    values = (scores, first, second, first - target, derivative @ (second - target))
    panels = (start, once, twice, learned, nothing)
    for axis, each, key in zip(
        panels, values, ("sure", "once", "twice", "gradient_a", "gradient_c"), strict=True
    ):
        draw_bars(axis, each, words[key], words["digit"])
    for axis, limits in ((once, (0, 1.15)), (twice, (0, 1.15)), (nothing, learned.get_ylim())):
        axis.set_ylim(limits)
    gap = torch.arange(0, 130.0)
    pairs = torch.stack([torch.zeros_like(gap), -gap], 1)
    apart = -pairs.softmax(1).log()[:, 1]
    end = int(apart.isfinite().sum())
    far.plot(gap, -pairs.log_softmax(1)[:, 1], linewidth=5, alpha=0.4, label=words["kept"])
    far.plot(gap[:end], apart[:end], color="tab:red")
    far.axvline(end, color="tab:red", linestyle=":", label=words["lost"])
    far.set(xlabel=words["behind"], ylabel=words["loss"], ylim=(0, 140))
    far.legend(loc="upper left")
    figure.tight_layout()
    return figure


def draw_calibration(
    scores: torch.Tensor, labels: torch.Tensor, temperature: torch.Tensor, words: dict[str, str]
) -> pyplot.Figure:
    """How often answers are right by what the network says, before and after calibration."""
    figure, axis = pyplot.subplots(figsize=(6, 4.5))
    axis.plot([0, 1], [0, 1], ":", color="grey")
    for divisor, color, key in ((1.0, "tab:red", "before"), (temperature, "tab:blue", "after")):
        said, answers = (scores / divisor).softmax(1).max(1)
        right = (answers == labels).float()
        tenths = (said * 10).long().clamp(5, 9)
        points = [(said[tenths == t].mean(), right[tenths == t].mean()) for t in range(5, 10)]
        label = words[key].format(temperature=temperature)
        axis.plot(*zip(*points, strict=True), "o-", color=color, label=label)
    axis.set(xlabel=words["says"], ylabel=words["is"], xlim=(0.45, 1.02), ylim=(0.3, 1.02))
    axis.legend()
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
