"""Recognizer: read a drawing or a picture as one digit, or a drawing as a number of digits.

It keeps no state between calls: the same drawing always gets the same answer.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing import framing, ink, numbers
from mnist_core.drawing.constants import NUMBER
from mnist_core.drawing.pictures import open_picture, to_rgb
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from mnist_core.network import calibration, weights
from mnist_core.network.model import DIGITS, MLP

PLAIN_SEVEN = [[[30, 22], [70, 22], [45, 80]]]  # any trained network reads it

BATCH = 4096  # images in a forward pass; larger batches take more memory and no less time
# The least confidence of a sure number of several digits, and segmentation probability of one.
SURE_CONFIDENCE, SURE_SPAN = NUMBER["sure"], NUMBER["sureSpan"]  # docs/numbers.md

Frame = Callable[[numbers.Group], np.ndarray]
Box = tuple[float, float, float, float]  # left, top, right, bottom, of a picture's width and height
Picture = Image.Image | np.ndarray | torch.Tensor | str | Path
Verdict = Literal["empty", "sure", "unsure", "no digit"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The network's answer for one image.

    probabilities: (10,) float32 that sum to 1; digit: the most probable one, None without ink;
    pixels: (28, 28) uint8, the network's input, ink bright; verdict: "sure", "unsure" where the
    runner-up is close, "no digit" where even the two leading digits together are improbable,
    "empty" without ink. Predictions are equal if all four are, bit for bit.
    """

    probabilities: np.ndarray = field(repr=False)
    digit: int | None
    pixels: np.ndarray = field(repr=False)
    verdict: Verdict

    def __str__(self) -> str:
        """One line: 7 (99.8 %, sure), or no ink."""
        return _summary(self.digit, self.confidence, self.verdict)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Prediction) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple:
        return self.digit, self.verdict, self.probabilities.tobytes(), self.pixels.tobytes()

    @property
    def confidence(self) -> float:
        """The largest probability; 0.1 without ink."""
        return float(self.probabilities.max())

    @property
    def runner_up(self) -> int | None:
        """The second most probable digit, or None without ink."""
        return None if self.digit is None else int((-self.probabilities).argsort(kind="stable")[1])


@dataclass(frozen=True)
class Number:
    """One to eight digits from left to right; none without ink. Equal if all fields are.

    groups: the pieces of ink of each digit (`numbers.Group`); span_probabilities: for each digit,
    the probability that its group is exactly one digit; segmentation_probability: that all groups
    are, 0 without ink; boxes: of a picture, where each digit is;
    advice: what to mend in a picture that is not read for certain (`ink.ADVICE`).
    """

    digits: tuple[Prediction, ...]
    groups: tuple[numbers.Group, ...]
    span_probabilities: tuple[float, ...]
    segmentation_probability: float
    boxes: tuple[Box, ...] = ()
    advice: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line: 42 (97.1 %, sure), or no ink."""
        return _summary(self.number or None, self.confidence, self.verdict)

    @property
    def number(self) -> str:
        """The digits as text, "" without ink."""
        return "".join(str(digit.digit) for digit in self.digits)

    @property
    def confidence(self) -> float:
        """The probability that every digit is right; 0 without ink."""
        return self.segmentation_probability * math.prod(digit.confidence for digit in self.digits)

    @property
    def verdict(self) -> Verdict:
        """ "no digit" if a digit is none, "sure" if each is and so is their number.

        That is: if the confidence of several is at least SURE_CONFIDENCE, or the probability that
        a single one is all of a digit at least SURE_SPAN; never in a picture of several lines.
        """
        verdicts = [digit.verdict for digit in self.digits]
        if len(verdicts) < 2:
            is_sure = self.segmentation_probability >= SURE_SPAN
        else:
            is_sure = self.confidence >= SURE_CONFIDENCE
        if not verdicts or "no digit" in verdicts:
            return "no digit" if verdicts else "empty"
        is_sure = is_sure and "several_lines" not in self.advice
        return "sure" if is_sure and {*verdicts} == {"sure"} else "unsure"

    @property
    def least_certain_index(self) -> int | None:
        """The index of the least certain digit; None where the number is sure or empty."""
        if self.verdict in ("sure", "empty"):
            return None
        confidences = [digit.confidence for digit in self.digits]
        return int(np.argmin(np.multiply(self.span_probabilities, confidences)))


NO_NUMBER = Number((), (), (), 0.0)


class Recognizer:
    """A network, and what it reads in strokes and pictures."""

    def __init__(self, model: MLP, config: dict) -> None:
        """`config` as `weights.load` returns it; its thresholds decide the verdicts."""
        self.model = model.eval()
        self.config = config

    @classmethod
    def load(cls, directory: str | Path | None = None) -> "Recognizer":
        """Load the network in `directory` or at hf://USER/NAME; raises as `weights.load` does.

        Without a directory: the installed network, or else the one that came with this package
        (`weights.in_use`).
        """
        return cls(*weights.load(directory))

    @property
    def name(self) -> str:
        """The first eight hex digits of the SHA-256 of the network's file."""
        return self.config["name"]

    def check(self) -> None:
        """Raise UserError unless the weights are finite and the network reads a plain 7."""
        prediction = self.predict_strokes(PLAIN_SEVEN)
        weights_finite = all(bool(value.isfinite().all()) for value in self.model.parameters())
        if not (weights_finite and np.isfinite(prediction.probabilities).all()):
            raise UserError("the network holds weights that are not finite: train it again")
        if prediction.digit != 7:
            raise UserError(
                f"the network {self.name} has not learned to read: it reads a plain 7 as "
                f"{prediction}. Train it again, or choose another network"
            )

    def predict_strokes(self, strokes: object) -> Prediction:
        """Read a drawing, [[[x, y], ...], ...], as one digit; raises as `parse_strokes` does."""
        return self.predict_pixels(_frame_drawing(strokes))

    def predict_image(self, image: Picture) -> Prediction:
        """Read a picture of one digit: a PIL image, a uint8 array, a tensor or a file's path.

        A tensor is (H, W) or (C, H, W), uint8 or, as torchvision makes them, floats in [0, 1].
        Raises UserError as `open_picture` and `to_rgb` do.
        """
        _, prediction = self._best_reading(_readings(image))
        return prediction

    def predict_picture(self, image: Picture) -> tuple[Prediction, Number]:
        """What `predict_image` and `predict_number` return, the ink being looked for once."""
        readings = _readings(image)
        reading, prediction = self._best_reading(readings)
        number = self._number_in(readings, reading, prediction) if reading else NO_NUMBER
        return prediction, number

    def predict_pixels(self, pixels: np.ndarray) -> Prediction:
        """Read a (28, 28) uint8 image in MNIST's frame."""
        return self._predict([pixels])[0]

    def predict_drawings(self, drawings: Iterable[object]) -> list[Prediction]:
        """Read many drawings in batches: three times as fast as `predict_strokes` on each.

        Raises UserError that names the drawing, counted from 1.
        """
        frames = list(_each("drawing", _frame_drawing, drawings))
        batches = (frames[i : i + BATCH] for i in range(0, len(frames), BATCH))
        return [prediction for batch in batches for prediction in self._predict(batch)]

    def predict_images(self, images: Iterable[Picture]) -> list[Prediction]:
        """Read many pictures, each as `predict_image` takes it.

        Raises UserError that names the picture, counted from 1.
        """
        return list(_each("picture", self.predict_image, images))

    def predict_number(self, drawing: object, groups: object = None) -> Number:
        """Read one to eight digits in a drawing, or in a picture as `predict_image` takes it.

        `groups`, as a Number has them, divide the strokes as a person decided; the best division
        is searched without. Raises UserError as `parse_strokes`, `numbers.parse_groups` and
        `predict_image` do.
        """
        if isinstance(drawing, Picture):
            return self.predict_picture(drawing)[1]
        strokes = parse_strokes(drawing)

        def frame(group: numbers.Group) -> np.ndarray:
            return framing.frame_strokes(numbers.drawn(strokes, group))

        if groups is not None:
            return self._read_groups(frame, numbers.parse_groups(groups, strokes))
        if not strokes:
            return NO_NUMBER
        found = self._divide(numbers.measure(strokes), frame)
        everything = tuple((i, 0, len(stroke)) for i, stroke in enumerate(strokes))
        return found or self._read_groups(frame, (everything,))

    def _divide(self, line: numbers.Line, frame: Frame) -> Number | None:
        """Read the best division of a line; None where that is no number."""
        readings: dict[numbers.Span, Prediction] = {}  # each span is read once

        def read(spans: list[numbers.Span]) -> np.ndarray:
            found = self._predict([frame(line.group(span)) for span in spans])
            readings.update(zip(spans, found, strict=True))
            return np.log([digit.confidence for digit in found])

        spans, span_probabilities, segmentation_probability = numbers.divide(line, read)
        if not 0 < len(spans) <= numbers.MAX_DIGITS:
            return None
        digits, groups = zip(*((readings[span], line.group(span)) for span in spans), strict=True)
        return Number(digits, groups, tuple(span_probabilities), segmentation_probability)

    def _read_groups(self, frame: Frame, groups: tuple[numbers.Group, ...]) -> Number:
        """Read each group as a digit, the division taken as certain."""
        if not groups:
            return NO_NUMBER
        digits = tuple(self._predict([frame(group) for group in groups]))
        return Number(digits, groups, (1.0,) * len(groups), 1.0)

    def _best_reading(self, readings: list[ink.Reading]) -> tuple[ink.Reading | None, Prediction]:
        """Read one digit in each reading of a picture and choose; "unsure" where they disagree."""
        if not readings:
            return None, self.predict_pixels(np.zeros((framing.SIDE, framing.SIDE), np.uint8))
        predictions = self._predict([reading.frame() for reading in readings])
        pairs = list(zip(readings, predictions, strict=True))
        scores = [_score(r, p.confidence, p.verdict) for r, p in pairs]
        reading, chosen = pairs[int(np.argmax(scores))]
        rivals = {
            p.digit for r, p in pairs if p.verdict == "sure" and r.height > reading.height / 2
        }
        is_doubtful = (reading.is_tiny and reading.plausibility < 1) or rivals != {chosen.digit}
        if chosen.verdict == "sure" and is_doubtful:
            chosen = replace(chosen, verdict="unsure")
        return reading, chosen

    def _number_in(
        self, readings: list[ink.Reading], reading: ink.Reading, digit: Prediction
    ) -> Number:
        """Read a number in each reading of a picture and choose; else `digit`, as in `reading`."""
        divided = [(one, self._divide(one.line(), one.frame)) for one in readings]
        found = [(one, number) for one, number in divided if number]
        chosen, number = max(
            found, key=lambda pair: _number_score(*pair), default=(None, NO_NUMBER)
        )
        if len(number.digits) < 2:
            group, chosen = tuple(reading.pieces(reading.digit)), reading
            is_divided = any(one is reading for one, _ in found)  # not if it has too many digits
            number = Number((digit,), (group,), (1.0,), 1.0 if is_divided else 0.5)
        height, width = chosen.ink.shape
        shape = (width, height, width, height)
        boxes = tuple(tuple((chosen.box(g) / shape).tolist()) for g in number.groups)
        number = replace(number, boxes=boxes, advice=chosen.advice)
        return replace(number, advice=()) if number.verdict == "sure" else number

    @torch.inference_mode()
    def _predict(self, images: list[np.ndarray]) -> list[Prediction]:
        """N images, each (28, 28) uint8, in one forward pass -> N predictions."""
        pixels = torch.from_numpy(np.stack(images))
        probabilities = self.model(framing.to_input(pixels)).exp()  # (N, 10)
        indices = calibration.verdicts(probabilities, self.config["thresholds"]).tolist()
        digits, rows = probabilities.argmax(1).tolist(), probabilities.numpy()
        return [
            Prediction(row, digit, image, calibration.VERDICTS[index])
            if image.any()
            else Prediction(np.full(DIGITS, 0.1, np.float32), None, image, "empty")
            for row, digit, image, index in zip(rows, digits, images, indices, strict=True)
        ]


def _each(what: str, read: Callable, given: Iterable) -> Iterator:
    """Read each of `given`; a UserError names it, counted from 1."""
    for number, one in enumerate(given, start=1):
        try:
            yield read(one)
        except UserError as error:
            raise UserError(f"{what} {number}: {error}") from error


def _score(reading: ink.Reading, confidence: float, verdict: Verdict) -> float:
    """How good one reading of a picture is among others."""
    return confidence * reading.plausibility * (0.5 if verdict == "no digit" else 1)


def _number_score(reading: ink.Reading, number: Number) -> float:
    mean_confidence = number.confidence ** (1 / len(number.digits))
    return _score(reading, mean_confidence, number.verdict)


def _summary(read: object, confidence: float, verdict: Verdict) -> str:
    return "no ink" if read is None else f"{read} ({100 * confidence:.1f} %, {verdict})"


def _frame_drawing(strokes: object) -> np.ndarray:
    return framing.frame_strokes(parse_strokes(strokes))


def _readings(image: Picture) -> list[ink.Reading]:
    if isinstance(image, str | Path):
        image = open_picture(image)
    elif isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    return ink.readings(to_rgb(image))
