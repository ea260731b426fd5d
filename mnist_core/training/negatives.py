"""Negatives: images that show no digit, so that the network learns to be unsure of them.

Scribbles, letters and signs, several digits at once, noise and inverted digits. Their target is a
tenth for each digit (Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure", 2019).
"""

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing.framing import SIDE, crop, frame_ink, frame_strokes
from mnist_core.drawing.strokes import Drawing

# Letters and signs that look like no digit: a name, then its strokes on a grid of 4 by 6. A point
# is two figures, column and row from the top left.
_SIGNS = """
A 062046 1434; E 40000646 0333; F 400006 0333; H 0006 4046 0343; K 0006 400346; L 000646;
M 0600244046; N 06004640; P 06003041423303; R 0600304142330346 2346; T 0040 2026; V 002640;
W 0016224640; X 0046 4006; d 4046 43331204051626354244; f 402021222426 0343;
h 0006 041333444646; k 0106 420446; m 0206 03122326 23324346; n 0206 0312324346;
r 0206 03123242; w 0216234642; arrow 0343 214325; plus 2026 0343; star 2026 0145 4105;
tick 031641; heart 2601102130414226; triangle 0620460606; hash 1016 3036 0242 0444
"""
SIGNS = dict(sign.split(maxsplit=1) for sign in _SIGNS.split(";"))
# Characters that look like no digit, chosen by looking at the handwriting of 180 people. Left out
# is what a person might take for a digit: O o D Q U u C c for a 0; I i l J j T t | / \\ ! ' , ^ ( )
# [ ] > for a 1 or a 7; Z z ? for a 2; } { for a 3; Y y for a 4; S s $ for a 5; G b for a 6; B & for
# an 8; g q for a 9; " for an 11; and the full stop, a speck of any shape.
NEGATIVE_CHARACTERS = tuple("AEFHKLMNPRVWXadefhkmnprvwx#%*+-:;<=@_~")


def is_negative(drawing: Drawing) -> bool:
    """Whether the drawing's "character" looks like no digit; True if it is unknown."""
    return drawing.extra.get("character", "A") in NEGATIVE_CHARACTERS


def make_negatives(count: int, digits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Make `count` negatives, (N, 28, 28) uint8, some of them from `digits`, (M, 28, 28) uint8."""
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    kinds = (_scribble, _sign, _several, _noise, _inverted)
    shares = (0.3, 0.35, 0.2, 0.1, 0.05)
    chosen = rng.choice(len(kinds), size=count, p=shares)
    return torch.from_numpy(np.stack([kinds[kind](rng, digits.numpy()) for kind in chosen]))


def _scribble(rng: np.random.Generator, _: np.ndarray) -> np.ndarray:
    """Draw one to three smooth curves through many random points."""
    strokes = []
    for _ in range(rng.integers(1, 4)):
        knots = rng.random((rng.integers(7, 15), 2)) * rng.uniform(0.4, 1, 2)
        at = np.linspace(0, len(knots) - 1, 12 * len(knots))
        line = np.stack([np.interp(at, np.arange(len(knots)), axis) for axis in knots.T], axis=1)
        smooth = np.ones(9) / 9
        strokes.append(np.stack([np.convolve(axis, smooth, "valid") for axis in line.T], axis=1))
    return frame_strokes(strokes, rng.uniform(1.5, 4))


def _sign(rng: np.random.Generator, _: np.ndarray) -> np.ndarray:
    """Draw a letter or another sign, with its points jittered, turned and slanted."""
    figures = SIGNS[rng.choice(list(SIGNS))]
    strokes = [np.array(list(stroke), float).reshape(-1, 2) for stroke in figures.split()]
    angle = rng.normal(0, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1, rng.normal(0, 0.2)], [0, 1]])
    stretch = np.diag(rng.uniform(0.7, 1.3, 2))
    jittered = [stroke + rng.normal(0, 0.2, stroke.shape) for stroke in strokes]
    moved = [stroke @ turn @ slant @ stretch for stroke in jittered]
    return frame_strokes(moved, rng.uniform(1.5, 4))


def _several(rng: np.random.Generator, digits: np.ndarray) -> np.ndarray:
    """Join two or three digits beside or above each other."""
    chosen = digits[rng.integers(len(digits), size=rng.integers(2, 4))]
    apart = rng.integers(0, 8)
    trimmed = [np.pad(crop(digit), apart // 2 + 1) for digit in chosen]
    side = max(max(digit.shape) for digit in trimmed)
    padded = [np.pad(digit, [(0, side - length) for length in digit.shape]) for digit in trimmed]
    joined = np.concatenate(padded, axis=rng.choice([0, 1], p=[0.2, 0.8]))
    return frame_ink(joined)


def _noise(rng: np.random.Generator, _: np.ndarray) -> np.ndarray:
    """Make random grey values, from single pixels to large patches."""
    cells = int(rng.choice([4, 7, 14, 28]))
    values = (255 * rng.random((cells, cells)) ** rng.uniform(0.3, 4)).astype(np.uint8)
    method = rng.choice([Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
    return np.asarray(Image.fromarray(values).resize((SIDE, SIDE), int(method)))


def _inverted(rng: np.random.Generator, digits: np.ndarray) -> np.ndarray:
    """Invert a digit, as if ink had been taken for paper."""
    return 255 - digits[rng.integers(len(digits))]
