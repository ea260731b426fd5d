"""Read pictures that were made harder, and what is no digit; and measure what reading costs.

    python experiments/robustness.py

Changed pictures are framed as a person's are. The network in weights/ was shown none of the
letters. About five minutes on one idle core. Writes robustness.md and its picture,
calibration.png, to runs/experiments; `--output docs` renews those of docs/.
"""

import argparse
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing import framing
from mnist_core.drawing.ink import frame_picture
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.network.calibration import accuracy_table
from mnist_core.recognizer import Recognizer
from mnist_core.tables import table, write_figures
from mnist_core.training import plots, trainer
from mnist_core.training.augment import augment
from mnist_core.training.data import Dataset, first, load_mnist
from mnist_core.training.outliers import make_outliers

OUTLIERS = 2000  # images of no digit
WORSE_BY = 4  # pictures are changed at this many times MNIST's size, where it matters
# Letters that no digit resembles; the network was never shown this or any other type face.
LETTERS = [letter for letter in string.ascii_letters if letter not in "BbDgGIiJjlLOoqQSsTyYzZ"]

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def main() -> None:
    parser = argparse.ArgumentParser(description="Read what is harder than MNIST's test images.")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="the network")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    parser.add_argument("--limit", type=int, default=10_000, help="test images (%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "experiments", help="folder")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="JSON to keep figures in")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        recognizer = Recognizer.load(args.weights)
        test = first(load_mnist(args.data, train=False), args.limit)
        make_directory(args.output)
        page = report(recognizer, test, args.weights)
        if args.figures:
            write_figures(args.figures, "robustness", page, recognizer.config)
    except UserError as error:
        parser.exit(2, f"robustness.py: {error}\n")
    confidence, digits = trainer.predict(recognizer.model, test[0]).exp().max(1)
    plots.save(reliability_diagram(confidence, digits == test[1]), args.output / "calibration.png")
    (args.output / "robustness.md").write_text(page, encoding="utf-8")
    print(f"{page}\nwrote {args.output / 'robustness.md'} and calibration.png")


def report(recognizer: Recognizer, test: Dataset, directory: Path) -> str:
    """docs/robustness.md; `directory` is where the network is."""
    shown = tqdm(CHANGES.items(), "changed pictures", unit=" sets")  # in logs too: it takes long
    sets = {f"MNIST test, {name}": as_pictures(test, change) for name, change in shown}
    answers = {name: trainer.predict(recognizer.model, sets[name][0]).exp() for name in sets}
    command = " ".join(["python experiments/robustness.py", *sys.argv[1:]])
    return "\n".join(
        [
            f"# Robustness\n\nMade by `{command}`.\n",
            accuracy_table({name: (answers[name], sets[name][1]) for name in sets}),
            "## Confidence\n\n![How often answers are right, by confidence](calibration.png)\n",
            "## What is no digit\n",
            rejection_table(recognizer, test[0]),
            "## Cost\n",
            cost_table(recognizer, directory),
        ]
    )


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


# Changed pictures ------------------------------------------------------------


def shifted(pixels: int) -> Change:
    """Moved by `pixels` to one of four sides; nothing wraps around."""
    sides = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
    return lambda picture, random: picture.rotate(0, translate=sides[random.integers(4)])


def scaled(factor: float) -> Change:
    """The digit made larger or smaller, with room around it."""
    side = round(framing.SIDE * factor)
    room = (2 * framing.SIDE - side) // 2
    box = (-room, -room, 2 * framing.SIDE - room, 2 * framing.SIDE - room)
    return lambda picture, _: picture.resize((side, side), Image.Resampling.BICUBIC).crop(box)


def rotated(degrees: float) -> Change:
    """Turned by `degrees` to the left or to the right."""
    return lambda picture, random: enlarged(picture).rotate(
        degrees * random.choice([-1, 1]), Image.Resampling.BICUBIC, expand=True
    )


def filtered(by: ImageFilter.Filter) -> Change:
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


def as_pictures(test: Dataset, change: Change) -> Dataset:
    """Each image changed, in its own seeded way, and framed as a person's picture is."""
    random = np.random.default_rng(0)
    framed = [frame_picture(change(Image.fromarray(image), random)) for image in test[0].numpy()]
    return torch.from_numpy(np.stack(framed)), test[1]


# Tables ----------------------------------------------------------------------


def rejection_table(recognizer: Recognizer, test: torch.Tensor) -> str:
    """How often each kind of picture gets each verdict; `test` (N, 28, 28) are of digits."""
    letters = np.stack([frame_picture(letter(character)) for character in LETTERS])
    shown = {
        "MNIST test": test,
        "scribbles, signs, several digits, noise": make_outliers(
            OUTLIERS, test, torch.Generator().manual_seed(1)
        ),
        "letters in type": torch.from_numpy(letters),
    }
    kinds, rows = ("sure", "unsure", "no digit"), []
    for name, images in shown.items():
        answers = [recognizer.predict_pixels(image) for image in images.numpy()]
        verdicts = [answer.verdict for answer in answers]
        shares = (f"{verdicts.count(kind) / len(verdicts):.1%}" for kind in kinds)
        confident = np.mean([answer.confidence > 0.9 for answer in answers])
        rows.append((name, *shares, len(verdicts), f"{confident:.1%}"))
    return table(("shown", *kinds, "of", "confidence above 90 %"), rows)


def letter(character: str) -> Image.Image:
    """A black letter on white, in the type face that comes with Pillow."""
    picture = Image.new("L", (160, 160), 255)
    ImageDraw.Draw(picture).text((40, 20), character, 0, ImageFont.load_default(100))
    return picture


def cost_table(recognizer: Recognizer, directory: Path) -> str:
    """Size, and times on one core: from strokes to probabilities, and for an augmented image."""
    stroke = np.linspace([0, 0], [100, 300], 60) + 30 * np.sin(np.linspace(0, 9, 60))[:, None]
    drawing, generator = [stroke.tolist()], torch.Generator().manual_seed(0)
    images = torch.randint(256, (256, framing.SIDE, framing.SIDE), generator=generator)
    answers = milliseconds(lambda: recognizer.predict_strokes(drawing), 1000)
    batches = milliseconds(lambda: augment(images, generator), 100)
    parameters = sum(parameter.numel() for parameter in recognizer.model.parameters())
    size = (directory / weights.MODEL_FILE).stat().st_size / 1e6
    each = 1000 * median(batches) / len(images)
    rows = [
        ("parameters", f"{parameters:,}"),
        ("file", f"{size:.1f} MB"),
        ("strokes to probabilities, one core, median of 1000", f"{median(answers):.2f} ms"),
        ("the same, 95th percentile", f"{np.quantile(answers, 0.95):.2f} ms"),
        (
            "augmenting an image in training, one core, median of 100 batches of 256",
            f"{each:.0f} µs",
        ),
    ]
    return table(("what", "figure"), rows)


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """How long each of so many calls of `work` takes."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


if __name__ == "__main__":
    main()
