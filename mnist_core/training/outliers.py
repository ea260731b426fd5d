"""What is not a digit, so that the network learns to be unsure of it.

Scribbles, letters and signs, several digits at once, noise and images with ink and paper
exchanged. In training they all get the same target, a tenth for each digit ("outlier exposure",
Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure", 2019), so that a network
without an eleventh output can still say that it has not seen a digit.
"""

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing.framing import SIDE, crop, frame_ink, frame_strokes
from mnist_core.drawing.strokes import Drawing

# Letters and signs that no digit resembles, on a grid of 4 by 6: a name, then its strokes, in which
# each point is two figures, column and row from the top left.
_SIGNS = """
A 062046 1434; E 40000646 0333; F 400006 0333; H 0006 4046 0343; K 0006 400346; L 000646;
M 0600244046; N 06004640; P 06003041423303; R 0600304142330346 2346; T 0040 2026; V 002640;
W 0016224640; X 0046 4006; d 4046 43331204051626354244; f 402021222426 0343;
h 0006 041333444646; k 0106 420446; m 0206 03122326 23324346; n 0206 0312324346;
r 0206 03123242; w 0216234642; arrow 0343 214325; plus 2026 0343; star 2026 0145 4105;
tick 031641; heart 2601102130414226; triangle 0620460606; hash 1016 3036 0242 0444
"""
# Of what people write the same is true of these, chosen by looking at sheets of 180 writers' hands.
# Left out is what a person might take for a digit: O o D Q U u C c for a 0; I i l J j T t | / \\ !
# ' , ^ ( ) [ ] > for a 1 or a 7; Z z ? for a 2; } { for a 3; Y y for a 4; S s $ for a 5; G b for a
# 6; B & for an 8; g q for a 9; " for an 11; and the full stop, a speck of any shape.
NO_DIGITS = tuple("AEFHKLMNPRVWXadefhkmnprvwx#%*+-:;<=@_~")
SIGNS = dict(sign.split(maxsplit=1) for sign in _SIGNS.split(";"))


def resembles_no_digit(drawing: Drawing) -> bool:
    """Whether a person would call it none, by its "character"; where that is unknown, yes."""
    return drawing.extra.get("character", "A") in NO_DIGITS


def make_outliers(count: int, digits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """`count` images of no digit, (N, 28, 28) uint8, in MNIST's frame as far as they can be.

    `digits`, (M, 28, 28) uint8, are what "several digits at once" is made of.
    """
    seed = int(torch.randint(2**31, (1,), generator=generator))
    random = np.random.default_rng(seed)
    kinds = (_scribble, _sign, _several, _noise, _exchanged)
    shares = (0.3, 0.35, 0.2, 0.1, 0.05)
    chosen = random.choice(len(kinds), size=count, p=shares)
    images = np.stack([kinds[kind](random, digits.numpy()) for kind in chosen])
    return torch.from_numpy(images)


def _scribble(random: np.random.Generator, _: np.ndarray) -> np.ndarray:
    """One to three smooth curves through many random points."""
    strokes = []
    for _ in range(random.integers(1, 4)):
        knots = random.random((random.integers(7, 15), 2)) * random.uniform(0.4, 1, 2)
        at = np.linspace(0, len(knots) - 1, 12 * len(knots))
        line = np.stack([np.interp(at, np.arange(len(knots)), axis) for axis in knots.T], axis=1)
        smooth = np.ones(9) / 9
        strokes.append(np.stack([np.convolve(axis, smooth, "valid") for axis in line.T], axis=1))
    return frame_strokes(strokes, random.uniform(1.5, 4))


def _sign(random: np.random.Generator, _: np.ndarray) -> np.ndarray:
    """A letter or another sign, its points moved a little, turned and slanted."""
    figures = SIGNS[random.choice(list(SIGNS))]
    strokes = [np.array(list(stroke), float).reshape(-1, 2) for stroke in figures.split()]
    angle = random.normal(0, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1, random.normal(0, 0.2)], [0, 1]])
    stretch = np.diag(random.uniform(0.7, 1.3, 2))
    moved = [(stroke + random.normal(0, 0.2, stroke.shape)) @ turn @ slant @ stretch
             for stroke in strokes]  # fmt: skip
    return frame_strokes(moved, random.uniform(1.5, 4))


def _several(random: np.random.Generator, digits: np.ndarray) -> np.ndarray:
    """Two or three digits beside or above each other."""
    chosen = digits[random.integers(len(digits), size=random.integers(2, 4))]
    apart = random.integers(0, 8)
    trimmed = [np.pad(crop(digit), apart // 2 + 1) for digit in chosen]
    side = max(max(digit.shape) for digit in trimmed)
    padded = [np.pad(digit, [(0, side - length) for length in digit.shape]) for digit in trimmed]
    together = np.concatenate(padded, axis=random.choice([0, 1], p=[0.2, 0.8]))
    return frame_ink(together)


def _noise(random: np.random.Generator, _: np.ndarray) -> np.ndarray:
    """Random grey values, from single pixels to large patches."""
    cells = int(random.choice([4, 7, 14, 28]))
    values = (255 * random.random((cells, cells)) ** random.uniform(0.3, 4)).astype(np.uint8)
    method = random.choice([Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
    return np.asarray(Image.fromarray(values).resize((SIDE, SIDE), int(method)))


def _exchanged(random: np.random.Generator, digits: np.ndarray) -> np.ndarray:
    """A digit dark on bright paper, as it looks when ink was taken for paper."""
    return 255 - digits[random.integers(len(digits))]
