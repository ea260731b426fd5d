"""Read pictures that were made harder, and what is no digit; and measure what reading costs.

    python -m experiments.robustness

Changed pictures are framed as a person's are. About three minutes on one idle core. Writes
robustness.md to runs/experiments; `--output docs --figures docs/figures.json` renews that of docs/.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image, ImageFilter
from tqdm import tqdm

from experiments import common
from mnist_core.drawing import framing
from mnist_core.drawing.ink import frame_picture
from mnist_core.network import weights
from mnist_core.network.calibration import accuracy_table
from mnist_core.recognizer import Recognizer
from mnist_core.tables import table
from mnist_core.training import trainer
from mnist_core.training.data import load_mnist
from mnist_core.training.negatives import make_negatives

NEGATIVES, READINGS = 2000, 1000  # images of no digit; readings that are timed
LARGER = 4 * framing.SIDE  # pictures are changed at four times MNIST's size, where that matters

Picture, Random = Image.Image, np.random.Generator


def main() -> None:
    parser = common.argument_parser("Read what is harder than MNIST's test images.")
    parser.add_argument("--weights", type=Path, default=weights.SHIPPED, help="the network")
    parser.add_argument("--limit", type=int, default=10_000, help="test images (%(default)s)")
    common.write_page(parser, "robustness", "robustness.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/robustness.md."""
    recognizer = Recognizer.load(args.weights)
    images, labels = common.first(load_mnist(common.DATA, train=False), args.limit)
    answers = {}
    for name, change in tqdm(CHANGES.items(), "changed pictures", unit=" sets"):
        framed = torch.from_numpy(frame_changed(images, change))
        answers[f"MNIST test, {name}"] = trainer.predict(recognizer.model, framed).exp(), labels
    page = f"""\
# Robustness

Made by `{common.command()}`; {common.machine()}.

{accuracy_table(answers)}
## What is no digit

{rejection_table(recognizer, images)}
## Cost

{cost_table(recognizer, args.weights)}"""
    return page, recognizer.config


def shift(picture: Picture, random: Random) -> Picture:
    """By 4 pixels to one of four sides; nothing wraps around."""
    sides = [(4, 0), (-4, 0), (0, 4), (0, -4)]
    return picture.rotate(0, translate=sides[random.integers(4)])


def scale(picture: Picture, factor: float) -> Picture:
    """The digit larger or smaller, with room around it."""
    side = round(framing.SIDE * factor)
    room = (2 * framing.SIDE - side) // 2
    box = (-room, -room, 2 * framing.SIDE - room, 2 * framing.SIDE - room)
    return picture.resize((side, side), Image.Resampling.BICUBIC).crop(box)


def rotate(picture: Picture, random: Random) -> Picture:
    """To the left or to the right."""
    turn = 30.0 * random.choice([-1, 1])
    return enlarged(picture).rotate(turn, Image.Resampling.BICUBIC, expand=True)


def noise(picture: Picture, random: Random) -> Picture:
    """Normal noise of a tenth of the range."""
    pixels = np.asarray(picture) + random.normal(0, 25.5, (picture.height, picture.width))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def enlarged(picture: Picture) -> Picture:
    return picture.resize((LARGER, LARGER), Image.Resampling.BICUBIC)


CHANGES: dict[str, Callable[[Picture, Random], Picture]] = {
    "as pictures": lambda picture, _: picture,
    "shifted by 4 pixels": shift,
    "scaled to 0.6": lambda picture, _: scale(picture, 0.6),
    "scaled to 1.3": lambda picture, _: scale(picture, 1.3),
    "rotated by 30 degrees": rotate,
    "thickened by 1 pixel": lambda picture, _: enlarged(picture).filter(ImageFilter.MaxFilter(5)),
    "thinned by 1 pixel": lambda picture, _: enlarged(picture).filter(ImageFilter.MinFilter(5)),
    "with noise": noise,
}


def frame_changed(images: torch.Tensor, change: Callable) -> np.ndarray:
    """(N, 28, 28) images, each changed in its own seeded way and framed as a person's picture."""
    random = np.random.default_rng(0)
    pictures = (change(Image.fromarray(image), random) for image in images.numpy())
    return np.stack([frame_picture(picture) for picture in pictures])


def rejection_table(recognizer: Recognizer, digits: torch.Tensor) -> str:
    """How often images of no digit get each verdict."""
    images = make_negatives(NEGATIVES, digits, torch.Generator().manual_seed(1)).numpy()
    verdicts = [recognizer.predict_pixels(image).verdict for image in images]
    kinds = ("sure", "unsure", "no digit")
    shares = (f"{verdicts.count(kind) / len(verdicts):.1%}" for kind in kinds)
    row = ("scribbles, signs, several digits, noise", *shares, len(verdicts))
    return table(("shown", *kinds, "of"), [row])


def cost_table(recognizer: Recognizer, directory: Path) -> str:
    stroke = np.linspace([0, 0], [100, 300], 60) + 30 * np.sin(np.linspace(0, 9, 60))[:, None]
    taken = []
    for _ in range(READINGS):
        started = time.perf_counter()
        recognizer.predict_strokes([stroke.tolist()])
        taken.append(1000 * (time.perf_counter() - started))
    parameters = sum(parameter.numel() for parameter in recognizer.model.parameters())
    rows = [
        ("parameters", f"{parameters:,}"),
        ("file", f"{(directory / weights.MODEL_FILE).stat().st_size / 1e6:.1f} MB"),
        (f"strokes to probabilities, one core, median of {READINGS}", f"{median(taken):.2f} ms"),
    ]
    return table(("what", "figure"), rows)


if __name__ == "__main__":
    main()
