"""Recognizer: a drawing or a picture in, a Prediction out.

It keeps no state between calls: the same drawing always gets the same answer.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing import framing
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from mnist_core.network import calibration, weights
from mnist_core.network.model import DIGITS, MLP

# The network that comes with this package: inside it where a wheel was installed, beside it in a
# clone.
INSIDE, BESIDE = (folder / "weights" for folder in Path(__file__).parents[:2])
SHIPPED = INSIDE if INSIDE.is_dir() else BESIDE
A_SEVEN = [[[30, 22], [70, 22], [45, 80]]]  # read by any network that has learned

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

    @property
    def confidence(self) -> float:
        """The largest probability; 0.1 when there was no ink."""
        return float(self.probabilities.max())

    @property
    def runner_up(self) -> int | None:
        """The second most probable digit, or None when there was no ink."""
        return None if self.digit is None else int((-self.probabilities).argsort(kind="stable")[1])


class Recognizer:
    """A network and the way to it from strokes and from pictures."""

    def __init__(self, model: MLP, config: dict) -> None:
        """`config` as `weights.load` gives it: its thresholds decide the verdicts."""
        self.model = model.eval()
        self.config = config

    @classmethod
    def load(cls, directory: str | Path = SHIPPED) -> "Recognizer":
        """The network in `directory` or at hf://USER/NAME; raises as `weights.load` does.

        Without a directory the one that this package came with, from wherever Python runs.
        """
        return cls(*weights.load(directory))

    @property
    def name(self) -> str:
        """Eight hex digits that no other network has: the beginning of its file's SHA-256."""
        return self.config["name"]

    def check(self) -> int | None:
        """What the network reads in a plain 7. Raises UserError where that is no number.

        A training that failed leaves weights that are NaN or infinite.
        """
        prediction = self.predict_strokes(A_SEVEN)
        weights_finite = all(bool(value.isfinite().all()) for value in self.model.parameters())
        if not (weights_finite and np.isfinite(prediction.probabilities).all()):
            raise UserError("the network holds weights that are not finite: train it again")
        return prediction.digit

    def predict_strokes(self, strokes: object) -> Prediction:
        """Read a drawing, [[[x, y], ...], ...]. Raises UserError as `parse_strokes` does."""
        return self.predict_pixels(framing.frame_strokes(parse_strokes(strokes)))

    def predict_image(self, image: Image.Image | np.ndarray) -> Prediction:
        """Read a picture of one digit. Raises UserError as `framing.frame_picture` does."""
        return self.predict_pixels(framing.frame_picture(image))

    def explain(self, prediction: Prediction) -> tuple[np.ndarray, float]:
        """Why the leading digit and not the runner-up, for a prediction with ink.

        A (28, 28) float32 map of what each pixel adds to log p(digit) - log p(runner-up),
        and the constant that is missing from their sum (see `MLP.explain`).
        """
        inputs = framing.to_input(torch.from_numpy(prediction.pixels))[0]
        contributions, constant = self.model.explain(inputs, prediction.digit, prediction.runner_up)
        return contributions.reshape(prediction.pixels.shape).numpy(), float(constant)

    @torch.inference_mode()
    def predict_pixels(self, pixels: np.ndarray) -> Prediction:
        """Read a (28, 28) uint8 image that is in MNIST's frame already."""
        if not pixels.any():
            return Prediction(np.full(DIGITS, 0.1, np.float32), None, pixels, "empty")
        log_probabilities = self.model(framing.to_input(torch.from_numpy(pixels)))  # (1, 10)
        probabilities = log_probabilities.exp()[0]  # (10,)
        (place,) = calibration.verdicts(probabilities[None], self.config["thresholds"])
        digit, verdict = int(probabilities.argmax()), calibration.VERDICTS[place]
        return Prediction(probabilities.numpy(), digit, pixels, verdict)
