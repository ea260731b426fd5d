"""How many digits are read in pictures of the kinds that people have.

    python -m experiments.pictures --each 200

The pictures are made from MNIST's test images; with `--validation` from training images that the
network never saw, on which the thresholds of mnist_core/drawing/ink.py were chosen. Prints
Markdown: how many of each kind are read, and how many wrong though the network is sure. About five
minutes on one idle core. docs/pictures.md has the results.
"""

import argparse
import io

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from experiments.common import ROOT
from mnist_core.recognizer import Recognizer
from mnist_core.tables import table
from mnist_core.training.data import load_mnist, mnist_validation

WHITE, BLACK, CREAM, INK = (255, 255, 255), (0, 0, 0), (224, 220, 208), (40, 60, 150)
SIDE = 200
ROWS, COLUMNS = np.indices((SIDE, SIDE))
Random = np.random.Generator


def main() -> None:
    parser = argparse.ArgumentParser(description="Read pictures of many kinds.")
    parser.add_argument("--each", type=int, default=200, help="digits of each kind (%(default)s)")
    parser.add_argument("--validation", action="store_true", help="from held-out training images")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = ROOT / "data"
    digits = mnist_validation(data) if args.validation else load_mnist(data, train=False)
    images, labels = digits[0][: args.each].numpy(), digits[1][: args.each].numpy()
    recognizer, rows = Recognizer.load(ROOT / "weights"), []
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
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
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
    return np.asarray(cropped.resize(size, Image.Resampling.BICUBIC)) / 255


def paint(values: np.ndarray, paper=CREAM, colour=INK) -> Image.Image:
    """Ink of one colour on paper of another."""
    pixels = np.asarray(paper) * (1 - values[..., None]) + np.asarray(colour) * values[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def photo(picture: Image.Image, random: Random, light=1.0, noise: float = 4) -> Image.Image:
    """A photograph of a picture in some light, (h, w) or 1."""
    pixels = np.asarray(picture) * np.broadcast_to(light, picture.size[::-1])[..., None]
    pixels = pixels + random.normal(0, noise, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def ruled(digit: np.ndarray, random: Random, grey, across=None, down=None, width=1) -> Image.Image:
    """Lines at these distances, slightly tilted; a distance of 200 is one line under the digit."""
    picture, tilt = paint(ink(digit)), int(random.integers(-4, 5))
    draw = ImageDraw.Draw(picture)
    for step, is_level in ((across, True), (down, False)):
        first = 158 if step == SIDE else 0
        for at in range(
            first + int(random.integers(0, min(step or 1, 12))), SIDE, step or 2 * SIDE
        ):
            ends = (0, at, SIDE, at + tilt) if is_level else (at, 0, at - tilt, SIDE)
            if step:
                draw.line(ends, (grey,) * 3, width)
    return photo(picture, random)


def framed(digit: np.ndarray, inset: int, width: int) -> Image.Image:
    picture = paint(ink(digit), WHITE, BLACK)
    box = (inset, inset, SIDE - 1 - inset, SIDE - 1 - inset)
    ImageDraw.Draw(picture).rectangle(box, outline="black", width=width)
    return picture


def figure(digit: np.ndarray, paper, colour) -> Image.Image:
    """What matplotlib's imshow writes: white margins, axes, ticks and numbers."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    picture.paste(paint(ink(digit, 164, size=164), paper, colour), (22, 12))
    draw.rectangle((21, 11, 186, 176), outline="black")
    for i in range(6):
        draw.line((22 + 29 * i, 177, 22 + 29 * i, 179), "black")
        draw.text((19 + 29 * i, 181), str(5 * i), "black", font_size=8)
        draw.text((6, 7 + 29 * i), str(5 * i), "black", font_size=8)
    return picture


def note(digit: np.ndarray, random: Random, paper, table, turn: float) -> Image.Image:
    """A sheet on a table, turned by up to so many degrees."""
    sheet = paint(ink(digit, 100, size=int(random.integers(130, 160))), paper, (30, 30, 60))
    sheet = sheet.convert("RGBA").rotate(random.uniform(-turn, turn), expand=True, resample=2)
    picture = Image.new("RGBA", (SIDE, SIDE), table)
    picture.alpha_composite(sheet, ((SIDE - sheet.width) // 2, (SIDE - sheet.height) // 2))
    return photo(picture.convert("RGB"), random)


def half_in_shadow(digit: np.ndarray, random: Random) -> Image.Image:
    angle, edge = random.uniform(0, 2 * np.pi), random.uniform(0, 40)
    across = (COLUMNS - SIDE / 2) * np.cos(angle) + (ROWS - SIDE / 2) * np.sin(angle)
    return photo(paint(ink(digit)), random, np.where(across > edge, 0.45, 1))


def with_bar(digit: np.ndarray, bar, paper, colour) -> Image.Image:
    picture = paint(ink(digit), paper, colour)
    picture.paste(bar, (0, 0, SIDE, 12))
    return picture


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def filled(digit: np.ndarray, side: int) -> Image.Image:
    """A picture of side x side pixels that the digit fills as far as its shape allows."""
    small = Image.fromarray((255 * tight(digit, 8 * side)).astype(np.uint8)).reduce(8)
    picture = Image.new("L", (side, side))
    picture.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return picture


KINDS = {
    "as it is": lambda d, r: d,
    "cropped to the ink": lambda d, r: paint(tight(d), WHITE, BLACK),
    "cropped, bright on dark": lambda d, r: paint(tight(d), BLACK, WHITE),
    "cropped photograph": lambda d, r: photo(paint(tight(d, 120)), r),
    "note on a dark table": lambda d, r: note(d, r, CREAM, (92, 62, 42), 0),
    "turned note on a light table": lambda d, r: note(d, r, WHITE, (196, 170, 130), 10),
    "sticky note": lambda d, r: note(d, r, (240, 220, 90), (150, 150, 155), 6),
    "frame at the edge": lambda d, r: framed(d, 0, int(r.integers(1, 4))),
    "frame inside": lambda d, r: framed(d, int(r.integers(2, 14)), int(r.integers(1, 5))),
    "matplotlib, viridis": lambda d, r: figure(d, (68, 1, 84), (253, 231, 37)),
    "matplotlib, white on black": lambda d, r: figure(d, BLACK, WHITE),
    "matplotlib, black on white": lambda d, r: figure(d, WHITE, BLACK),
    "squared paper": lambda d, r: ruled(d, r, 160, 25, 25),
    "ruled paper": lambda d, r: ruled(d, r, 140, 50),
    "a base line": lambda d, r: ruled(d, r, 60, SIDE, width=int(r.integers(1, 4))),
    "a hand's shadow": half_in_shadow,
    "uneven light": lambda d, r: photo(paint(ink(d)), r, 0.45 + 0.55 * ROWS / SIDE),
    "light on the middle": lambda d, r: photo(
        paint(ink(d)), r, 1 - np.hypot(ROWS - 100, COLUMNS - 100) / 280
    ),
    "white bar over a dark screen": lambda d, r: with_bar(d, "white", (30,) * 3, (210,) * 3),
    "dark bar over a bright one": lambda d, r: with_bar(d, (30, 60, 120), WHITE, BLACK),
    "JPEG of quality 10": lambda d, r: jpeg(
        paint(ink(d, int(r.integers(20, 60))), WHITE, BLACK), 10
    ),
    "red on green of the same grey": lambda d, r: paint(ink(d), (32, 115, 32), (200, 32, 32)),
    "chalk": lambda d, r: photo(paint(ink(d), (40, 62, 48), (205, 210, 205)), r, noise=6),
    "yellow marker": lambda d, r: photo(paint(ink(d), WHITE, (245, 225, 60)), r),
    "faint pencil": lambda d, r: photo(paint(ink(d), (200,) * 3, (165,) * 3), r),
    "a dark photograph": lambda d, r: photo(paint(ink(d), (48, 46, 40), (14, 14, 18)), r),
    "thin pen": lambda d, r: photo(paint(ink(d, 180, pen=-3)), r),
    "thick pen": lambda d, r: photo(paint(ink(d, 140, pen=4)), r),
    "small and aside": lambda d, r: photo(paint(ink(d, 50, tuple(r.integers(5, 140, 2)))), r),
    "blurred": lambda d, r: photo(paint(ink(d)).filter(ImageFilter.GaussianBlur(5)), r),
    "one bit": lambda d, r: paint(ink(d), WHITE, BLACK).convert("1"),
    "transparent": lambda d, r: Image.merge(
        "LA", (Image.new("L", (SIDE, SIDE)), Image.fromarray((255 * ink(d)).astype(np.uint8)))
    ),
    "8 x 8, filled": lambda d, r: filled(d, 8),
    "16 x 16, filled": lambda d, r: filled(d, 16),
    "16 x 16, stretched": lambda d, r: ((tight(d, (16, 16)) > 0.4) * 255).astype(np.uint8),
}

if __name__ == "__main__":
    main()
