"""Score a network on everything at hand and write a page of tables and pictures.

    python scripts/evaluate.py
    python scripts/evaluate.py --drawings data/pendigits-test.jsonl.gz --output docs/evaluation

Needs no network; says which rows it left out. The rows after the first come
through the doors that people use: drawings as strokes, pictures as pictures.
"""

import argparse
import math
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import calibration, figures, framing, training, weights
from mnist_core.augment import augment
from mnist_core.data import Dataset, load_mnist, render_drawings
from mnist_core.model import MLP
from mnist_core.outliers import outliers
from mnist_core.recognizer import Recognizer
from mnist_core.strokes import read_drawings

WORSE_BY = 4  # pictures are changed at this many times MNIST's size, where it matters
# Letters that no digit resembles; the network was never shown this or any other type face.
LETTERS = [letter for letter in string.ascii_letters if letter not in "BbDgGIiJjlLOoqQSsTyYzZ"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Score a network and write tables and pictures.")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="the network")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument(
        "--drawings", type=Path, nargs="+", default=[], metavar="FILE", help="scored as strokes"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "evaluation")
    parser.add_argument("--limit", type=int, default=10_000, help="test images (%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        model, config = weights.load(args.weights)
        images, labels = load_mnist(args.data, train=False)
        drawings = {str(path): read_drawings(path) for path in args.drawings}
        args.output.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        parser.exit(2, f"evaluate.py: {error}\n")
    test = images[: max(1, args.limit)], labels[: max(1, args.limit)]
    sets = {"MNIST test": test}
    for name, read in drawings.items():
        sets[f"{name}, as strokes"] = render_drawings(read)
    for name, change in CHANGES.items():
        sets[f"MNIST test, {name}"] = through_the_picture_door(test, change)
    probabilities = {name: training.predict(model, data[0]).exp() for name, data in sets.items()}
    recognizer = Recognizer(model, config)
    sections = [
        f"# Evaluation\n\nMade by `python scripts/evaluate.py {' '.join(sys.argv[1:])}`.\n",
        "" if drawings else "Left out: drawings, as none were given (`--drawings FILE`).\n",
        accuracy_table(sets, probabilities),
        rejection_table(recognizer, test),
        cost_table(model, recognizer, args.weights),
    ]
    for name in list(sets)[: 1 + len(drawings)]:
        sections.append(pictures(name, sets[name], probabilities[name], args.output))
    (args.output / "README.md").write_text("\n".join(sections), encoding="utf-8")
    print("\n".join(sections[:5]))
    print(f"wrote {args.output / 'README.md'} and its pictures")


# Changed pictures ------------------------------------------------------------


def shifted(pixels: int) -> Callable[[Image.Image, np.random.Generator], Image.Image]:
    """Moved by `pixels` to one of four sides; nothing wraps around."""

    def change(picture: Image.Image, random: np.random.Generator) -> Image.Image:
        across, down = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)][random.integers(4)]
        moved = Image.new("L", picture.size)
        moved.paste(picture, (across, down))
        return moved

    return change


def scaled(factor: float) -> Callable[[Image.Image, np.random.Generator], Image.Image]:
    """The digit made larger or smaller, with room around it."""

    def change(picture: Image.Image, _: np.random.Generator) -> Image.Image:
        side = round(framing.SIDE * factor)
        around = Image.new("L", (2 * framing.SIDE, 2 * framing.SIDE))
        small = picture.resize((side, side), Image.Resampling.BICUBIC)
        around.paste(small, ((around.width - side) // 2, (around.height - side) // 2))
        return around

    return change


def rotated(degrees: float) -> Callable[[Image.Image, np.random.Generator], Image.Image]:
    """Turned by `degrees` to the left or to the right."""

    def change(picture: Image.Image, random: np.random.Generator) -> Image.Image:
        return enlarged(picture).rotate(
            degrees * random.choice([-1, 1]), Image.Resampling.BICUBIC, expand=True
        )

    return change


def filtered(by: ImageFilter.Filter) -> Callable[[Image.Image, np.random.Generator], Image.Image]:
    return lambda picture, _: enlarged(picture).filter(by)


def noisy(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """With normal noise of a tenth of the range."""
    noise = random.normal(0, 25.5, (picture.height, picture.width))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def enlarged(picture: Image.Image) -> Image.Image:
    side = framing.SIDE * WORSE_BY
    return picture.resize((side, side), Image.Resampling.BICUBIC)


CHANGES = {
    "as pictures": lambda picture, _: picture,
    "shifted by 2 pixels": shifted(2),
    "shifted by 4 pixels": shifted(4),
    "scaled to 0.6": scaled(0.6),
    "scaled to 0.8": scaled(0.8),
    "scaled to 1.3": scaled(1.3),
    "rotated by 15 degrees": rotated(15),
    "rotated by 30 degrees": rotated(30),
    "thickened by 1 pixel": filtered(ImageFilter.MaxFilter(WORSE_BY + 1)),
    "thinned by 1 pixel": filtered(ImageFilter.MinFilter(WORSE_BY + 1)),
    "with noise": noisy,
}


def through_the_picture_door(test: Dataset, change: Callable) -> Dataset:
    """Each image changed, in its own seeded way, and framed as a person's picture is."""
    random = np.random.default_rng(0)
    framed = [
        framing.frame_picture(change(Image.fromarray(image), random)) for image in test[0].numpy()
    ]
    return torch.from_numpy(np.stack(framed)), test[1]


# Tables ----------------------------------------------------------------------


def accuracy_table(sets: dict[str, Dataset], probabilities: dict[str, torch.Tensor]) -> str:
    """Accuracy, its interval and the calibration error of each set."""
    lines = [
        "| drawings or pictures | accuracy | 95 % interval | right | of | calibration error |",
        "|---|---|---|---|---|---|",
    ]
    for name, (_, labels) in sets.items():
        right, count = int((probabilities[name].argmax(1) == labels).sum()), len(labels)
        low, high = wilson_interval(right, count)
        error = calibration.expected_calibration_error(probabilities[name], labels)
        lines.append(
            f"| {name} | {right / count:.2%} | {low:.2%} to {high:.2%} | {right} | {count} |"
            f" {error:.2%} |"
        )
    return "\n".join(lines) + "\n"


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, "Probable Inference", 1927)."""
    z = 1.96
    share = right / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def rejection_table(recognizer: Recognizer, test: Dataset) -> str:
    """How often each kind of picture gets each verdict."""
    images, _ = test
    made = outliers(2000, images, torch.Generator().manual_seed(1))
    letters = torch.from_numpy(np.stack([framing.frame_picture(letter(c)) for c in LETTERS]))
    lines = [
        "| shown | sure | unsure | no digit | of | confidence above 90 % |",
        "|---|---|---|---|---|---|",
    ]
    for name, shown in (
        ("MNIST test", images),
        ("scribbles, signs, several digits, noise", made),
        ("letters in type", letters),
    ):
        answers = [recognizer.predict_pixels(image) for image in shown.numpy()]
        verdicts = [answer.verdict for answer in answers]
        shares = " | ".join(
            f"{verdicts.count(verdict) / len(verdicts):.1%}"
            for verdict in ("sure", "unsure", "no digit")
        )
        confident = np.mean([answer.confidence > 0.9 for answer in answers])
        lines.append(f"| {name} | {shares} | {len(verdicts)} | {confident:.1%} |")
    return "\n".join(lines) + "\n"


def letter(character: str) -> Image.Image:
    """A black letter on white, in the type face that comes with Pillow."""
    picture = Image.new("L", (160, 160), 255)
    ImageDraw.Draw(picture).text((40, 20), character, 0, ImageFont.load_default(100))
    return picture


def cost_table(model: MLP, recognizer: Recognizer, directory: Path) -> str:
    """Size, and times on one core: from strokes to probabilities, and for an augmented image."""
    stroke = np.linspace([0, 0], [100, 300], 60) + 30 * np.sin(np.linspace(0, 9, 60))[:, None]
    drawing = [stroke.tolist()]
    times = []
    for _ in range(1000):
        started = time.perf_counter()
        recognizer.predict_strokes(drawing)
        times.append(1000 * (time.perf_counter() - started))
    images = torch.randint(256, (256, framing.SIDE, framing.SIDE))
    changes = []
    for _ in range(100):
        started = time.perf_counter()
        augment(images, torch.Generator().manual_seed(0))
        changes.append(1e6 * (time.perf_counter() - started) / len(images))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    size = (directory / weights.MODEL_FILE).stat().st_size / 1e6
    return (
        "| what | figure |\n|---|---|\n"
        f"| parameters | {parameters:,} |\n| file | {size:.1f} MB |\n"
        f"| strokes to probabilities, one core, median of 1000 | {median(times):.2f} ms |\n"
        f"| the same, 95th percentile | {np.quantile(times, 0.95):.2f} ms |\n"
        f"| augmenting an image in training, one core, median of 100 batches of 256 |"
        f" {median(changes):.0f} µs |\n"
    )


# Pictures --------------------------------------------------------------------


def pictures(name: str, dataset: Dataset, probabilities: torch.Tensor, output: Path) -> str:
    """Confusion matrix, calibration and hardest digits of one set: files, and Markdown for them."""
    images, labels = dataset
    stem = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    confidence, answers = probabilities.max(1)
    most_wrong = figures.hardest_mistakes(probabilities, labels)[:40]
    least_sure = confidence.argsort()[:40]
    drawn = {
        "confusion": figures.confusion_matrix(training.confusion_matrix(answers, labels)),
        "calibration": figures.reliability_diagram(confidence, answers == labels),
        "most wrong": figures.gallery(images, labels, answers, confidence, most_wrong),
        "least sure": figures.gallery(images, labels, answers, confidence, least_sure),
    }
    section = f"\n## {name}\n"
    for what, figure in drawn.items():
        file = f"{stem}-{what.replace(' ', '-')}.png"
        figures.save(figure, output / file)
        section += f"\n![{what}]({file})\n"
    return section


if __name__ == "__main__":
    main()
