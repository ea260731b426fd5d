"""Recognizer: a drawing or a picture in, a Prediction out.

The one thing that the page, the HTTP API, the scripts and the tests call. It
keeps no state between calls: the same drawing always gets the same answer.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mnist_core import framing, weights
from mnist_core.model import DIGITS, MLP
from mnist_core.strokes import parse_strokes


@dataclass(frozen=True)
class Prediction:
    """What the network answered.

    probabilities: (10,) float32 that sum to 1; digit: 0..9, or None when there
    was no ink; pixels: (28, 28) uint8, what the network saw, ink bright.
    """

    probabilities: np.ndarray
    digit: int | None
    pixels: np.ndarray

    @property
    def confidence(self) -> float:
        """The largest probability; 0.1 when there was no ink."""
        return float(self.probabilities.max())


class Recognizer:
    """A network and the way to it from strokes and from pictures."""

    def __init__(self, model: MLP) -> None:
        self.model = model.eval()

    @classmethod
    def load(cls, directory: str | Path = "weights") -> "Recognizer":
        """The network saved in `directory`. Raises ValueError or OSError as `weights.load` does."""
        model, _ = weights.load(directory)
        return cls(model)

    def predict_strokes(self, strokes: object) -> Prediction:
        """Read a drawing, [[[x, y], ...], ...]. Raises ValueError as `parse_strokes` does."""
        return self._predict(framing.frame_strokes(parse_strokes(strokes)))

    def predict_image(self, image: Image.Image | np.ndarray) -> Prediction:
        """Read a picture of one digit. Raises ValueError as `framing.frame_picture` does."""
        return self._predict(framing.frame_picture(image))

    @torch.inference_mode()
    def _predict(self, pixels: np.ndarray) -> Prediction:
        if not pixels.any():
            return Prediction(np.full(DIGITS, 0.1, np.float32), None, pixels)
        log_probabilities = self.model(framing.to_input(torch.from_numpy(pixels)))  # (1, 10)
        probabilities = log_probabilities.exp()[0].numpy()  # (10,)
        return Prediction(probabilities, int(probabilities.argmax()), pixels)
