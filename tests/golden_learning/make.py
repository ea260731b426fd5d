"""What the code that learning rests on gives for fixed inputs, kept as files beside this one.

tests/test_golden_learning.py compares. Where an output is meant to change, make the files again,
look at what differs and commit them with the change:

    python -m tests.golden_learning.make
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from mnist_core.drawing import numbers
from mnist_core.drawing.framing import frame_strokes
from mnist_core.drawing.ink import frame_picture
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.network import calibration
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file, quantize
from mnist_core.training import styles
from mnist_core.training.augment import augment
from mnist_core.training.data import load_mnist
from mnist_core.training.negatives import make_negatives
from tests.conftest import ROOT
from tests.drawings import ALL_DIGITS, DRAWINGS, LETTERS, arc

FOLDER = Path(__file__).parent
Arrays = dict[str, np.ndarray]


def digits(count: int) -> torch.Tensor:
    """MNIST's first test images, (count, 28, 28) uint8."""
    return load_mnist(ROOT / "data", train=False)[0][:count]


def framing() -> Arrays:
    drawn = [parse_strokes(strokes) for strokes in [*DRAWINGS.values(), *LETTERS.values()]]
    odd = [[[[5, 5]]], [[[0, 0], [9, 0]]], [[[0, 0], [0.01, 7], [3, 7.2], [3, 7.2]]]]
    drawn += [parse_strokes(strokes) for strokes in odd]
    return {
        "usual_pen": np.stack([frame_strokes(strokes) for strokes in drawn]),
        "thin_pen": np.stack([frame_strokes(strokes, 1.2) for strokes in drawn]),
        "thick_pen": np.stack([frame_strokes(strokes, 4.0) for strokes in drawn]),
        "pictures": np.stack([frame_picture(picture) for picture in pictures().values()]),
    }


def pictures() -> dict[str, Image.Image]:
    """A drawn digit as scans, screenshots and photographs show it; deterministic."""
    random = np.random.default_rng(0)
    four = Image.fromarray(frame_strokes(parse_strokes(DRAWINGS[4])))
    ink = np.asarray(four.resize((112, 84), Image.Resampling.BICUBIC), np.float32) / 255
    ink = np.pad(ink, [(20, 10), (30, 8)])
    light = np.linspace(0.45, 0.95, ink.shape[1]) * np.linspace(1, 0.8, ink.shape[0])[:, None]
    photo = light * (1 - 0.6 * ink)
    noisy = photo + random.normal(0, 0.03, ink.shape)
    specks = np.where(random.random(ink.shape) < 0.003, 0.2, 0.95 - 0.7 * ink)
    grey = {
        "dark on white": 1 - ink,
        "bright on black": ink,
        "pencil": 0.9 - 0.12 * ink,
        "fainter than any pencil": 0.9 - 0.05 * ink,
        "shadow": photo,
        "noise": noisy,
        "chalk with noise": 1 - noisy,
        "specks": specks,
        "even": np.full(ink.shape, 0.5),
    }
    shown = {
        name: Image.fromarray((255 * values.clip(0, 1)).round().astype(np.uint8))
        for name, values in grey.items()
    }
    alpha = Image.fromarray((255 * ink).round().astype(np.uint8))
    shown["ink on nothing"] = Image.merge("LA", (Image.new("L", alpha.size, 0), alpha))
    window = Image.new("RGBA", (190, 150), (0, 0, 0, 0))
    window.paste(shown["dark on white"].convert("RGBA"), (15, 12))
    shown["window"] = window
    shown["sixteen bits"] = Image.fromarray((65535 * (1 - ink)).round().astype(np.uint16))
    large = shown["noise"].resize((600, 456), Image.Resampling.BICUBIC)
    shown["large"] = large.filter(ImageFilter.GaussianBlur(2))
    return shown


def augmentation() -> Arrays:
    changed = augment(digits(32), torch.Generator().manual_seed(0))
    bars = torch.zeros(1, 28, 28, dtype=torch.uint8)
    bars[0, 4:24, 12:16] = 255
    same = augment(bars.expand(16, 28, 28), torch.Generator().manual_seed(1))
    return {"digits": changed.numpy().round(2), "one_bar": same.numpy().round(2)}


def flat(drawings: list[list[np.ndarray]]) -> Arrays:
    """Drawings as three arrays: all points, the strokes' lengths, how many strokes each has."""
    strokes = [stroke for drawing in drawings for stroke in drawing]
    return {
        "points": np.concatenate(strokes).round(6),
        "lengths": np.array([len(stroke) for stroke in strokes]),
        "strokes": np.array([len(drawing) for drawing in drawings]),
    }


def styles_on_strokes() -> Arrays:
    """Whole drawings in other hands, then each habit and each change by itself."""
    made: dict[str, list[list[np.ndarray]]] = {"restyle": []}
    for digit, strokes in DRAWINGS.items():
        for seed in range(8):
            random = np.random.default_rng([digit, seed])
            made["restyle"].append(styles.restyle(parse_strokes(strokes), digit, random))
    normal = {d: styles.normalise(parse_strokes(strokes)) for d, strokes in ALL_DIGITS.items()}
    leaning = styles.normalise(parse_strokes([[[0, 9], [2, 0]]]))
    for digit, habit in styles.HABITS.items():
        random = np.random.default_rng(digit)
        made[f"habit_{digit}"] = [habit(normal[digit], random) for _ in range(16)]
    random = np.random.default_rng(11)
    made["habit_1_leaning"] = [styles.HABITS[1](leaning, random) for _ in range(8)]
    two = [normal[5][0][7:], normal[5][0][:8]]
    made["habit_5_of_two"] = [styles.HABITS[5](two, random) for _ in range(4)]
    for change in (*styles.CHANGES, styles.stretch):
        name = change.__name__
        random = np.random.default_rng(len(name))
        made[name] = [change(normal[digit], random) for digit in (2, 4, 8)]
    return {
        f"{name}.{part}": values
        for name, drawings in made.items()
        for part, values in flat(drawings).items()
    }


def negatives() -> Arrays:
    images = make_negatives(80, digits(200), torch.Generator().manual_seed(0))
    return {"images": images.numpy()}


def lines() -> dict[str, list[np.ndarray]]:
    """Numbers of several digits, written in several ways."""

    def beside(signs: list, gap: float, sizes: tuple = (1,), slant: float = 0) -> list[np.ndarray]:
        strokes, right = [], 0.0
        for place, sign in enumerate(signs):
            drawn = [np.array(stroke) for stroke in {**DRAWINGS, **LETTERS}[sign]]
            points = np.concatenate(drawn)
            size, corner = sizes[place % len(sizes)], [points[:, 0].min(), points[:, 1].max()]
            moved = [(stroke - corner) * size + [right, 0] for stroke in drawn]
            strokes += [stroke @ np.array([[1, 0], [-slant, 1]]) for stroke in moved]
            right += np.ptp(points[:, 0]) * size + gap
        return parse_strokes(strokes)

    first, second = arc(30, 50, 28, 45, -90, 270), arc(105, 50, 28, 45, -90, 270)
    joined = [first + [[x, 5] for x in range(38, 100, 6)] + second]
    return {
        "neat": beside([4, 2], 0.12),
        "wide": beside([5, 0, 4], 0.6),
        "tight": beside([8, 8, 4, 1, 0, 2], 0.02),
        "uneven": beside([1, 0, 7, 5], 0.15, (1, 0.6, 0.8)),
        "leaning": beside([4, 1, 7], 0.03, (1,), 0.5),
        "word": beside(["K", "h", "e"], 0.05),
        "joined": parse_strokes(joined),
        "level bar": parse_strokes([[[0, 0], [5, 0]], [[7, 0], [12, 0.1]]]),
        "single": parse_strokes(DRAWINGS[8]),
    }


def number_splitting() -> Arrays:
    """What lines are cut into, and how they are divided by a reader that knows no digits."""
    made = {}
    for name, strokes in lines().items():
        line = numbers.measure(strokes)

        def read(spans: list[tuple[int, int]], width: int = len(line.pieces)) -> np.ndarray:
            # Any fixed answers do; these like spans of two pieces best.
            return np.array([-0.1 * (j - i - 2) ** 2 - 0.05 * i / width for i, j in spans])

        spans, each, whole = numbers.divide(line, read)
        parts = [numbers.drawn(strokes, line.pieces[i:j]) for i, j in spans]
        found = {
            "pieces": np.array(line.pieces),
            "spans": np.array(line.spans),
            "span_features": line.span_features.round(6),
            "boundary_features": line.boundary_features.round(6),
            "divided": np.array(spans),
            "probabilities": np.array([*each, whole]).round(6),
            "points_drawn": np.array([sum(map(len, part)) for part in parts]),
        }
        made |= {f"{name.replace(' ', '_')}.{key}": value for key, value in found.items()}
    return made


def network() -> MLP:
    """A small network whose weights no version of PyTorch decides."""
    random = np.random.default_rng(0)
    model = MLP((6, 5)).eval()
    for parameter in model.parameters():
        values = random.normal(0, 0.1, parameter.shape).astype(np.float32)
        parameter.data = torch.from_numpy(values)
    return model


def quantisation() -> Arrays:
    model = network()
    config = {"name": "0123abcd", "hidden": [6, 5], "thresholds": {"digit": 0.5, "sure": 0.25}}
    file = np.frombuffer(browser_file(model, config, step=7), np.uint8)
    tensors = {name: tensor.numpy() for name, tensor in quantize(model).state_dict().items()}
    return {"browser_file": file.astype(np.int16), **tensors}  # no uint8: compared to the bit


def calibrating() -> Arrays:
    random = np.random.default_rng(0)
    scores = random.normal(0, 3, (600, 10))
    # Digits as probable as the scores say, that are then 1.37 times as sure as they should be.
    labels = torch.from_numpy((scores + random.gumbel(size=scores.shape)).argmax(1))
    log_probabilities = torch.from_numpy(1.37 * scores).float().log_softmax(1)
    probabilities = log_probabilities.exp()
    thresholds = calibration.choose_thresholds(probabilities, labels)
    others = torch.from_numpy(random.dirichlet(np.ones(10), 300).astype(np.float32))
    table = calibration.accuracy_table({"held out": (probabilities, labels)})
    return {
        "temperature": np.array(calibration.fit_temperature(log_probabilities, labels)),
        "error": np.array(calibration.expected_calibration_error(probabilities, labels)),
        "thresholds": np.array([thresholds["digit"], thresholds["sure"]]),
        "verdicts": calibration.verdicts(probabilities, thresholds).numpy(),
        "separation": np.array(calibration.separation(probabilities, others)),
        "table": np.array(table.split()),
    }


OUTPUTS: dict[str, Callable[[], Arrays]] = {
    "framing": framing,
    "augmentation": augmentation,
    "styles_on_strokes": styles_on_strokes,
    "negatives": negatives,
    "number_splitting": number_splitting,
    "quantisation": quantisation,
    "calibration": calibrating,
}


def main() -> None:
    for name, make in OUTPUTS.items():
        np.savez_compressed(FOLDER / f"{name}.npz", **make())
        print(f"{name:20} {(FOLDER / f'{name}.npz').stat().st_size:8,} bytes")


if __name__ == "__main__":
    main()
