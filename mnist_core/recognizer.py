"""Recognizer: a drawing or a picture in, a Prediction out.

It keeps no state between calls: the same drawing always gets the same answer.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing import framing, numbers
from mnist_core.drawing.constants import NUMBER
from mnist_core.drawing.pictures import open_picture
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from mnist_core.network import calibration, weights
from mnist_core.network.model import DIGITS, MLP

A_SEVEN = [[[30, 22], [70, 22], [45, 80]]]  # read by any network that has learned

BATCH = 4096  # images at once: more take memory and no less time
# A number of sure digits is sure from this confidence on: of those put together from strangers'
# digits 0.6 to 1.4 % are wrong then (docs/numbers.md).
SURE_NUMBER = NUMBER["sure"]

Picture = Image.Image | np.ndarray | torch.Tensor | str | Path
Verdict = Literal["empty", "sure", "unsure", "no digit"]


@dataclass(frozen=True)
class Prediction:
    """What the network answered.

    probabilities: (10,) float32 that sum to 1; digit: the leading one, or None when
    there was no ink; pixels: (28, 28) uint8, what the network saw, ink bright;
    verdict: "sure", "unsure" when the runner-up is close, "no digit" when even
    the two leading digits together are improbable, "empty" when there was no ink.
    """

    probabilities: np.ndarray
    digit: int | None
    pixels: np.ndarray
    verdict: Verdict

    def __str__(self) -> str:
        """One line: 7 (99.8 %, sure), or no ink."""
        if self.digit is None:
            return "no ink"
        return f"{self.digit} ({100 * self.confidence:.1f} %, {self.verdict})"

    @property
    def confidence(self) -> float:
        """The largest probability; 0.1 when there was no ink."""
        return float(self.probabilities.max())

    @property
    def runner_up(self) -> int | None:
        """The second most probable digit, or None when there was no ink."""
        return None if self.digit is None else int((-self.probabilities).argsort(kind="stable")[1])


@dataclass(frozen=True)
class Number:
    """One to eight digits from left to right, none without ink.

    groups: for each digit its pieces, each (stroke, from, to) which points of the strokes that have
    any, the last not included; chances: how probable it is that each is all of a digit and no
    more; together: that all are.
    """

    digits: list[Prediction]
    groups: list[list[numbers.Piece]]
    chances: list[float]
    together: float

    @property
    def number(self) -> str:
        """The digits, "" without ink."""
        return "".join(str(digit.digit) for digit in self.digits)

    @property
    def confidence(self) -> float:
        """How probable it is that all is read right; 1 without ink."""
        return self.together * math.prod(digit.confidence for digit in self.digits)

    @property
    def verdict(self) -> Verdict:
        """A single digit's own; else "no digit" where one is none, "sure" where all are."""
        verdicts = [digit.verdict for digit in self.digits]
        if len(verdicts) < 2 or "no digit" in verdicts:
            return min(verdicts, default="empty")  # "no digit" is the first in the alphabet
        return "sure" if {*verdicts} == {"sure"} and self.confidence >= SURE_NUMBER else "unsure"

    @property
    def doubtful(self) -> int | None:
        """The place of the digit that is least certain, None where the number is sure."""
        if self.verdict in ("sure", "empty"):
            return None
        pairs = zip(self.chances, self.digits, strict=True)
        return int(np.argmin([chance * digit.confidence for chance, digit in pairs]))


class Recognizer:
    """A network and the way to it from strokes and from pictures."""

    def __init__(self, model: MLP, config: dict) -> None:
        """`config` as `weights.load` gives it: its thresholds decide the verdicts."""
        self.model = model.eval()
        self.config = config

    @classmethod
    def load(cls, directory: str | Path | None = None) -> "Recognizer":
        """The network in `directory` or at hf://USER/NAME; raises as `weights.load` does.

        Without a directory, from wherever Python runs, the installed network, or the one that
        this package came with where none is installed (`weights.in_use`).
        """
        return cls(*weights.load(directory))

    @property
    def name(self) -> str:
        """Eight hex digits that no other network has: the beginning of its file's SHA-256."""
        return self.config["name"]

    def check(self) -> None:
        """Raise UserError unless the network can be used: it must read a plain 7.

        A training that failed leaves weights that are NaN or infinite, or that read nothing.
        """
        prediction = self.predict_strokes(A_SEVEN)
        weights_finite = all(bool(value.isfinite().all()) for value in self.model.parameters())
        if not (weights_finite and np.isfinite(prediction.probabilities).all()):
            raise UserError("the network holds weights that are not finite: train it again")
        if prediction.digit != 7:
            raise UserError(
                f"the network {self.name} has not learned to read: it reads a plain 7 as "
                f"{prediction}. Train it again, or choose another network"
            )

    def predict_strokes(self, strokes: object) -> Prediction:
        """Read a drawing, [[[x, y], ...], ...]. Raises UserError as `parse_strokes` does."""
        return self.predict_pixels(_frame_drawing(strokes))

    def predict_image(self, image: Picture) -> Prediction:
        """Read a picture of one digit: a PIL image, a uint8 array, a tensor or a file's path.

        A tensor is (H, W) or (C, H, W), uint8 or, as torchvision makes them, floats in [0, 1].
        Raises UserError as `framing.frame_picture` and `open_picture` do.
        """
        return self.predict_pixels(_frame_picture(image))

    def predict_drawings(self, drawings: Iterable[object]) -> list[Prediction]:
        """Read many drawings, each as `predict_strokes` takes it; three times as fast.

        Raises UserError that names the drawing, counted from 1.
        """
        return self._predict_all("drawing", _frame_drawing, drawings)

    def predict_images(self, images: Iterable[Picture]) -> list[Prediction]:
        """Read many pictures, each as `predict_image` takes it, likewise."""
        return self._predict_all("picture", _frame_picture, images)

    def predict_number(self, strokes: object, groups: list | None = None) -> Number:
        """Read a drawing of one to eight digits. Raises UserError as `parse_strokes` does.

        `groups`, as a Number has them, say how to divide it where a person has decided.
        """
        strokes = parse_strokes(strokes)
        if groups is None and strokes:
            found = self._divided(strokes)
            if 1 < len(found.digits) <= numbers.MAX_DIGITS:
                return found
            if len(found.digits) == 1:  # alone, it is read to the last bit as ever
                return replace(found, digits=[self.predict_pixels(found.digits[0].pixels)])
            groups = [[(i, 0, len(stroke)) for i, stroke in enumerate(strokes)]]
        groups = groups or []
        images = [framing.frame_strokes(numbers.drawn(strokes, group)) for group in groups]
        digits = [self.predict_pixels(image) for image in images]
        return Number(digits, groups, [1.0] * len(digits), 1.0)

    def _divided(self, strokes: list[np.ndarray]) -> Number:
        """The best way to divide strokes, into however many digits."""
        line = numbers.measure(strokes)
        read: dict[numbers.Span, Prediction] = {}

        def readings(spans: list[numbers.Span]) -> np.ndarray:
            pieces = [line.pieces[first:stop] for first, stop in spans]
            images = [framing.frame_strokes(numbers.drawn(strokes, group)) for group in pieces]
            read.update(zip(spans, self._predict(np.stack(images)), strict=True))
            return np.log([read[span].confidence for span in spans])

        way, chances, together = numbers.divide(line, readings)
        groups = [line.pieces[first:stop] for first, stop in way]
        return Number([read[span] for span in way], groups, chances, together)

    def predict_pixels(self, pixels: np.ndarray) -> Prediction:
        """Read a (28, 28) uint8 image that is in MNIST's frame already."""
        return self._predict(pixels[None])[0]

    @torch.inference_mode()
    def _predict(self, frames: np.ndarray) -> list[Prediction]:
        """(N, 28, 28) uint8 -> N predictions."""
        log_probabilities = self.model(framing.to_input(torch.from_numpy(frames)))  # (N, 10)
        probabilities = log_probabilities.exp()
        places = calibration.verdicts(probabilities, self.config["thresholds"]).tolist()
        digits, rows = probabilities.argmax(1).tolist(), probabilities.numpy()
        return [
            Prediction(row, digit, pixels, calibration.VERDICTS[place])
            if pixels.any()
            else Prediction(np.full(DIGITS, 0.1, np.float32), None, pixels, "empty")
            for row, digit, pixels, place in zip(rows, digits, frames, places, strict=True)
        ]

    def _predict_all(self, what: str, frame: Callable, given: Iterable) -> list[Prediction]:
        frames = []
        for number, one in enumerate(given, start=1):
            try:
                frames.append(frame(one))
            except UserError as error:
                raise UserError(f"{what} {number}: {error}") from error
        batches = (np.stack(frames[i : i + BATCH]) for i in range(0, len(frames), BATCH))
        return [prediction for batch in batches for prediction in self._predict(batch)]


def _frame_drawing(strokes: object) -> np.ndarray:
    return framing.frame_strokes(parse_strokes(strokes))


def _frame_picture(image: Picture) -> np.ndarray:
    if isinstance(image, str | Path):
        image = open_picture(image)
    elif isinstance(image, torch.Tensor):
        image = _array(image.detach().cpu())
    return framing.frame_picture(image)


def _array(image: torch.Tensor) -> np.ndarray:
    """A tensor as a uint8 array whose channels come last."""
    if image.is_floating_point():
        if not ((image >= 0) & (image <= 1)).all():  # NaN is neither
            raise UserError("a tensor of floats holds 0 to 1, paper to ink or ink to paper")
        image = (255 * image).round().byte()
    return (image.movedim(0, -1) if image.ndim == 3 else image).numpy()
