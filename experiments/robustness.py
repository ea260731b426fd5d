"""Read pictures that were made harder, and what is no digit; and measure what reading costs.

    python -m experiments.robustness

Changed pictures are framed as a person's are. The network in weights/ was shown none of the
letters. About five minutes on one idle core. Writes robustness.md and calibration.png to
runs/experiments; `--output docs --figures docs/figures.json` renews those of docs/.
"""

import argparse
import string
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from tqdm import tqdm

from experiments import common
from mnist_core.drawing import framing
from mnist_core.drawing.ink import frame_picture
from mnist_core.network import weights
from mnist_core.network.calibration import accuracy_table
from mnist_core.recognizer import Recognizer
from mnist_core.tables import table
from mnist_core.training import plots, trainer
from mnist_core.training.augment import augment
from mnist_core.training.data import load_mnist
from mnist_core.training.negatives import make_negatives

NEGATIVES = 2000  # images of no digit
LARGER = 4 * framing.SIDE  # pictures are changed at four times MNIST's size, where that matters
# Letters that no digit resembles; the network was never shown this or any other type face.
LETTERS = [letter for letter in string.ascii_letters if letter not in "BbDgGIiJjlLOoqQSsTyYzZ"]

Picture, Random = Image.Image, np.random.Generator


def main() -> None:
    parser = common.argument_parser("Read what is harder than MNIST's test images.")
    parser.add_argument("--weights", type=Path, default=common.ROOT / "weights", help="the network")
    parser.add_argument("--limit", type=int, default=10_000, help="test images (%(default)s)")
    common.write_page(parser, "robustness", "robustness.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/robustness.md, and its picture."""
    recognizer = Recognizer.load(args.weights)
    images, labels = common.first(load_mnist(args.data, train=False), args.limit)
    answers = {}
    for name, change in tqdm(CHANGES.items(), "changed pictures", unit=" sets"):
        framed = torch.from_numpy(frame_changed(images, change))
        answers[f"MNIST test, {name}"] = trainer.predict(recognizer.model, framed).exp(), labels
    confidence, digits = trainer.predict(recognizer.model, images).exp().max(1)
    plots.save(reliability_diagram(confidence, digits == labels), args.output / "calibration.png")
    page = f"""\
# Robustness

Made by `{common.command()}`; {common.machine()}.

{accuracy_table(answers)}
## Confidence

![How often answers are right, by confidence](calibration.png)

## What is no digit

{rejection_table(recognizer, images)}
## Cost

{cost_table(recognizer, args.weights)}"""
    return page, recognizer.config


# Changed pictures ------------------------------------------------------------


def shift(picture: Picture, random: Random, pixels: int) -> Picture:
    """To one of four sides; nothing wraps around."""
    sides = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
    return picture.rotate(0, translate=sides[random.integers(4)])


def scale(picture: Picture, _: Random, factor: float) -> Picture:
    """The digit larger or smaller, with room around it."""
    side = round(framing.SIDE * factor)
    room = (2 * framing.SIDE - side) // 2
    box = (-room, -room, 2 * framing.SIDE - room, 2 * framing.SIDE - room)
    return picture.resize((side, side), Image.Resampling.BICUBIC).crop(box)


def rotate(picture: Picture, random: Random, degrees: float) -> Picture:
    """To the left or to the right."""
    turn = degrees * random.choice([-1, 1])
    return enlarged(picture).rotate(turn, Image.Resampling.BICUBIC, expand=True)


def noise(picture: Picture, random: Random) -> Picture:
    """Normal noise of a tenth of the range."""
    pixels = np.asarray(picture) + random.normal(0, 25.5, (picture.height, picture.width))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def enlarged(picture: Picture) -> Picture:
    return picture.resize((LARGER, LARGER), Image.Resampling.BICUBIC)


CHANGES: dict[str, Callable[[Picture, Random], Picture]] = {
    "as pictures": lambda picture, _: picture,
    "shifted by 2 pixels": lambda picture, random: shift(picture, random, 2),
    "shifted by 4 pixels": lambda picture, random: shift(picture, random, 4),
    "scaled to 0.6": lambda picture, random: scale(picture, random, 0.6),
    "scaled to 0.8": lambda picture, random: scale(picture, random, 0.8),
    "scaled to 1.3": lambda picture, random: scale(picture, random, 1.3),
    "rotated by 15 degrees": lambda picture, random: rotate(picture, random, 15),
    "rotated by 30 degrees": lambda picture, random: rotate(picture, random, 30),
    "thickened by 1 pixel": lambda picture, _: enlarged(picture).filter(ImageFilter.MaxFilter(5)),
    "thinned by 1 pixel": lambda picture, _: enlarged(picture).filter(ImageFilter.MinFilter(5)),
    "with noise": noise,
}


def frame_changed(images: torch.Tensor, change: Callable) -> np.ndarray:
    """(N, 28, 28) images, each changed in its own seeded way and framed as a person's picture."""
    random = np.random.default_rng(0)
    pictures = (change(Image.fromarray(image), random) for image in images.numpy())
    return np.stack([frame_picture(picture) for picture in pictures])


# Tables and the picture ------------------------------------------------------


def rejection_table(recognizer: Recognizer, digits: torch.Tensor) -> str:
    """How often each kind of picture gets each verdict."""
    generator = torch.Generator().manual_seed(1)
    shown = {
        "MNIST test": digits.numpy(),
        "scribbles, signs, several digits, noise": make_negatives(
            NEGATIVES, digits, generator
        ).numpy(),
        "letters in type": np.stack([frame_picture(letter(name)) for name in LETTERS]),
    }
    kinds, rows = ("sure", "unsure", "no digit"), []
    for name, images in shown.items():
        answers = [recognizer.predict_pixels(image) for image in images]
        verdicts = [answer.verdict for answer in answers]
        shares = (f"{verdicts.count(kind) / len(verdicts):.1%}" for kind in kinds)
        confident = np.mean([answer.confidence > 0.9 for answer in answers])
        rows.append((name, *shares, len(verdicts), f"{confident:.1%}"))
    return table(("shown", *kinds, "of", "confidence above 90 %"), rows)


def letter(character: str) -> Picture:
    """A black letter on white, in the type face that comes with Pillow."""
    picture = Image.new("L", (160, 160), 255)
    ImageDraw.Draw(picture).text((40, 20), character, 0, ImageFont.load_default(100))
    return picture


def cost_table(recognizer: Recognizer, directory: Path) -> str:
    stroke = np.linspace([0, 0], [100, 300], 60) + 30 * np.sin(np.linspace(0, 9, 60))[:, None]
    drawing, generator = [stroke.tolist()], torch.Generator().manual_seed(0)
    images = torch.randint(256, (256, framing.SIDE, framing.SIDE), generator=generator)
    answers = milliseconds(lambda: recognizer.predict_strokes(drawing), 1000)
    batches = milliseconds(lambda: augment(images, generator), 100)
    parameters = sum(parameter.numel() for parameter in recognizer.model.parameters())
    size = (directory / weights.MODEL_FILE).stat().st_size / 1e6
    rows = [
        ("parameters", f"{parameters:,}"),
        ("file", f"{size:.1f} MB"),
        ("strokes to probabilities, one core, median of 1000", f"{median(answers):.2f} ms"),
        ("the same, 95th percentile", f"{np.quantile(answers, 0.95):.2f} ms"),
        ("augmenting 256 images in training, median of 100", f"{median(batches):.1f} ms"),
    ]
    return table(("what", "figure"), rows)


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def reliability_diagram(confidence: torch.Tensor, right: torch.Tensor) -> Figure:
    """How often answers are right, (N,) bool, by how sure they are, (N,) in [0, 1]."""
    figure = Figure(figsize=(5, 5))
    axes = figure.subplots()
    bins = (confidence * 10).long().clamp(max=9)
    for index in bins.unique():
        inside = bins == index
        point = confidence[inside].mean(), right[inside].float().mean()
        axes.plot(*point, "o", color="tab:blue")
        axes.annotate(int(inside.sum()), point)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1.05), ylim=(0, 1.05))
    axes.set_title("Confidence and accuracy, with counts")
    return figure


if __name__ == "__main__":
    main()
