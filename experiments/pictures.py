"""How many digits are read in pictures of the kinds that people have.

    python -m experiments.pictures --each 200

The pictures are made from MNIST's test images. Prints the table of docs/pictures.md: how many of
each kind are read, and how many wrong though the network is sure. Three minutes on one idle core.
"""

import argparse
import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter
from PIL.Image import Resampling
from PIL.ImageOps import expand, pad

from experiments import common
from mnist_core.network import weights
from mnist_core.recognizer import Recognizer
from mnist_core.tables import table
from mnist_core.training.data import load_mnist

WHITE, BLACK, CREAM, INK = (255, 255, 255), (0, 0, 0), (224, 220, 208), (40, 60, 150)
SIDE = 200
Random = np.random.Generator


def main() -> None:
    parser = argparse.ArgumentParser(description="Read pictures of many kinds.")
    parser.add_argument("--each", type=int, default=200, help="digits of each kind (%(default)s)")
    common.run(parser, measure)


def measure(args: argparse.Namespace) -> None:
    """Print the table of docs/pictures.md."""
    images, labels = (part[: args.each].numpy() for part in load_mnist(common.DATA, train=False))
    recognizer, rows = Recognizer.load(weights.SHIPPED), []
    for number, (name, kind) in enumerate(KINDS.items()):
        random = np.random.default_rng(number)
        read = recognizer.predict_images(kind(image, random) for image in images)
        right = np.array([one.digit for one in read]) == labels
        sure = np.array([one.verdict == "sure" for one in read])
        wrong = f"{100 * (sure & ~right).mean():.1f} %"
        rows.append((name, f"{100 * right.mean():.1f} %", wrong))
    print(table(("kind", "read", "sure and wrong"), rows))


def ink(digit: np.ndarray, side: int = 120, at=None, pen: int = 0, size: int = SIDE) -> np.ndarray:
    """A (28, 28) digit, `side` pixels large, as ink from 0 to 1 in a picture of `size`."""
    large = Image.fromarray(digit).resize((side, side), Resampling.BICUBIC)
    if pen:
        thicken = ImageFilter.MaxFilter if pen > 0 else ImageFilter.MinFilter
        large = large.filter(thicken(2 * abs(pen) + 1))
    x, y = at or ((size - side) // 2,) * 2
    values = np.zeros((size, size))
    values[y : y + side, x : x + side] = np.asarray(large) / 255
    return values


def tight(digit: np.ndarray, size: tuple[int, int] | int = 82) -> np.ndarray:
    """A digit cropped to its ink, `size` wide and high or its longer side, as ink from 0 to 1."""
    cropped = Image.fromarray(digit).crop(Image.fromarray(digit).getbbox())
    if isinstance(size, int):
        size = tuple(max(1, round(n * size / max(cropped.size))) for n in cropped.size)
    return np.asarray(cropped.resize(size, Resampling.BICUBIC)) / 255


def paint(values: np.ndarray, paper=CREAM, colour=INK) -> Image.Image:
    """Ink of one colour on paper of another."""
    pixels = np.asarray(paper) * (1 - values[..., None]) + np.asarray(colour) * values[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def photo(picture: Image.Image, random: Random, light=1.0, noise: float = 4) -> Image.Image:
    """A photograph of a picture in some light, (w,) or 1."""
    pixels = np.asarray(picture) * np.broadcast_to(light, picture.size[::-1])[..., None]
    pixels = pixels + random.normal(0, noise, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def lined(digit: np.ndarray, random: Random, ends: list[tuple]) -> Image.Image:
    """Paper with grey lines that go beyond its edges, printed a little askew."""
    picture, shift, tilt = paint(ink(digit)), random.integers(12), random.integers(-4, 5)
    draw = ImageDraw.Draw(picture)
    for x, y, to_x, to_y in ends:
        draw.line((x + shift, y + shift, to_x + shift - tilt, to_y + shift + tilt), (110,) * 3)
    return photo(picture, random)


def figure(digit: np.ndarray) -> Image.Image:
    """What matplotlib's imshow draws."""
    shown = Figure(figsize=(2, 2), dpi=100)
    shown.subplots().imshow(digit)
    canvas = FigureCanvasAgg(shown)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def note(digit: np.ndarray, random: Random, paper, table) -> Image.Image:
    """A sheet on a table, turned by up to ten degrees."""
    sheet = paint(ink(digit, 100, size=int(random.integers(130, 160))), paper, (30, 30, 60))
    turned = sheet.rotate(random.uniform(-10, 10), Resampling.BILINEAR, True, fillcolor=table)
    return photo(expand(turned, 25, table), random)


def jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=10)
    return Image.open(file)


def filled(digit: np.ndarray, side: int) -> Image.Image:
    """A picture of side x side pixels that the digit fills as far as its shape allows."""
    large = Image.fromarray((255 * tight(digit, 8 * side)).astype(np.uint8))
    return pad(large.reduce(8), (side, side))


EACH = range(0, SIDE, 25)
SQUARES = [*((-20, at, 220, at) for at in EACH), *((at, -20, at, 220) for at in EACH)]
KINDS = {
    "as it is": lambda d, r: d,
    "cropped to the ink": lambda d, r: paint(tight(d), WHITE, BLACK),
    "note on a dark table": lambda d, r: note(d, r, CREAM, (92, 62, 42)),
    "note on a light table": lambda d, r: note(d, r, WHITE, (196, 170, 130)),
    "frame inside": lambda d, r: expand(expand(paint(ink(d), WHITE, BLACK), 3, BLACK), 8, WHITE),
    "matplotlib": lambda d, r: figure(d),
    "squared paper": lambda d, r: lined(d, r, SQUARES),
    "a base line": lambda d, r: lined(d, r, [(-20, 158, 220, 158)]),
    "a hand's shadow": lambda d, r: photo(
        paint(ink(d)), r, np.where(np.arange(SIDE) > r.integers(60, 140), 0.45, 1)
    ),
    "white bars on a dark screen": lambda d, r: expand(paint(ink(d), BLACK, WHITE), (0, 12), WHITE),
    "JPEG of quality 10": lambda d, r: jpeg(paint(ink(d, int(r.integers(20, 60))), WHITE, BLACK)),
    "red on green of the same grey": lambda d, r: paint(ink(d), (32, 115, 32), (200, 32, 32)),
    "chalk": lambda d, r: photo(paint(ink(d), (40, 62, 48), (205, 210, 205)), r, noise=6),
    "faint pencil": lambda d, r: photo(paint(ink(d), (200,) * 3, (165,) * 3), r),
    "a dark photograph": lambda d, r: photo(paint(ink(d), (48, 46, 40), (14, 14, 18)), r),
    "thin pen": lambda d, r: photo(paint(ink(d, 180, pen=-3)), r),
    "thick pen": lambda d, r: photo(paint(ink(d, 140, pen=4)), r),
    "small and aside": lambda d, r: photo(paint(ink(d, 50, tuple(r.integers(5, 140, 2)))), r),
    "blurred": lambda d, r: photo(paint(ink(d)).filter(ImageFilter.GaussianBlur(5)), r),
    "8 x 8, filled": lambda d, r: filled(d, 8),
    "16 x 16, stretched": lambda d, r: ((tight(d, (16, 16)) > 0.4) * 255).astype(np.uint8),
}

if __name__ == "__main__":
    main()
