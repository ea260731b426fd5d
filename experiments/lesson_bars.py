"""The lesson's pictures with ten bars: one picture's way to its loss, and two traps of softmax.

`python -m experiments.lesson_pictures` writes them.
"""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch.nn import functional as F

from mnist_core.drawing.framing import to_input
from mnist_core.network import DIGITS

TOP, LEFT, HEIGHT, WIDTH = 10, 8, 8, 12  # the part of the picture whose numbers are written out
WORDS = {  # in English and in Chinese
    "pixels": ("28 × 28 pixels", "28 × 28 像素"),
    "frame": ("the numbers in the red frame: ink, 0 to 255", "红框中的数：墨的深浅，0 到 255"),
    "flat": ("784 numbers: row after row, ÷ 255", "784 个数：逐行排列，÷ 255"),
    "scores": ("ten scores z", "十个得分 z"),
    "probabilities": ("ten probabilities p = softmax(z)", "十个概率 p = softmax(z)"),
    "gradient": ("gradient p − y, for a {digit}", "梯度 p − y，正确答案是 {digit}"),
    "digit": ("digit", "数字"),
    "sure": ("scores: sure of a 4, and it is a 9", "得分：认定是 4，其实是 9"),
    "once": ("softmax once", "做一次 softmax"),
    "twice": ("softmax twice: never above 0.23", "做两次 softmax：最高 0.23"),
    "gradient_a": ("(a) what is learned: p − y", "(a) 学到的：p − y"),
    "gradient_c": ("(c) what is learned: nothing", "(c) 学到的：什么也没有"),
    "behind": ("how far the right score lies behind", "正确数字的得分落后多少"),
    "loss": ("loss, −log p", "损失，−log p"),
    "lost": ("(d) log(softmax): infinite from here on", "(d) log(softmax)：从这里起是无穷大"),
}
Words = dict[str, str]


def draw_path(
    image: torch.Tensor, scores: torch.Tensor, label: torch.Tensor, words: Words
) -> Figure:
    """The picture, some of its numbers, all in a row; its scores, probabilities and p - y."""
    figure = Figure(figsize=(13, 7), layout="tight")
    (whole, part, flat), (below, middle, last) = figure.subplots(2, 3)
    whole.imshow(image.numpy(), cmap="gray_r")
    corner = (LEFT - 0.5, TOP - 0.5)
    whole.add_patch(Rectangle(corner, WIDTH, HEIGHT, fill=False, color="tab:red"))
    whole.set_title(words["pixels"])
    shown = image[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH].numpy()
    part.imshow(shown, cmap="gray_r", vmin=0, vmax=255)
    for (row, column), value in np.ndenumerate(shown):
        color = "white" if value > 127 else "black"
        part.text(column, row, value, ha="center", va="center", fontsize=7, color=color)
    part.set(title=words["frame"], xticks=[], yticks=[])
    flat.plot(to_input(image[None])[0].tolist(), color="black", linewidth=0.8)
    flat.set(title=words["flat"], xlim=(0, image.numel()), ylim=(0, 1.05))
    probabilities = scores.softmax(0)
    gradient = probabilities - F.one_hot(label, DIGITS)
    draw_bars(below, scores, words["scores"], words)
    draw_bars(middle, probabilities, words["probabilities"], words)
    draw_bars(last, gradient, words["gradient"].format(digit=label), words)
    return figure


def draw_traps(label: torch.Tensor, words: Words) -> Figure:
    """Softmax once and twice, what is learned from a sure mistake, and a logarithm of 0."""
    figure = Figure(figsize=(13, 7), layout="tight")
    (start, once, twice), (learned, nothing, far) = figure.subplots(2, 3)
    scores, target = 10.0 * F.one_hot(torch.tensor(4), DIGITS), F.one_hot(label, DIGITS)
    first, second = scores.softmax(0), scores.softmax(0).softmax(0)
    # Through both softmaxes, the chain rule multiplies by the derivative of the first.
    derivative = first.diag() - first[:, None] * first
    draw_bars(start, scores, words["sure"], words)
    draw_bars(once, first, words["once"], words)
    draw_bars(twice, second, words["twice"], words)
    draw_bars(learned, first - target, words["gradient_a"], words)
    draw_bars(nothing, derivative @ (second - target), words["gradient_c"], words)
    once.set_ylim(0, 1.15)
    twice.set_ylim(0, 1.15)
    nothing.set_ylim(learned.get_ylim())
    gap = torch.arange(0, 130.0)
    pairs = torch.stack([torch.zeros_like(gap), -gap], 1)
    apart = -pairs.softmax(1).log()[:, 1]
    end = int(apart.isfinite().sum())
    far.plot(gap, -pairs.log_softmax(1)[:, 1], linewidth=5, alpha=0.4, label="(a) log_softmax")
    far.plot(gap[:end], apart[:end], color="tab:red")
    far.axvline(end, color="tab:red", linestyle=":", label=words["lost"])
    far.set(xlabel=words["behind"], ylabel=words["loss"], ylim=(0, 140))
    far.legend(loc="upper left")
    return figure


def draw_bars(axis: Axes, values: torch.Tensor, title: str, words: Words) -> None:
    """Ten bars, each with its value above or below it."""
    drawn = axis.bar(range(DIGITS), values.tolist(), color="tab:blue")
    labels = [f"{value:.2f}".replace("-0.00", "0.00") for value in values.tolist()]
    axis.bar_label(drawn, labels, fontsize=8, padding=2)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(title=title, xticks=range(DIGITS), xlabel=words["digit"])
    axis.margins(y=0.15)
