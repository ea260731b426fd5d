"""Drawings that the tests use: strokes on paper of 1 x 1, written by hand for this project."""

import base64
import io
import json
import math

from PIL import Image

from ui.document import EXAMPLES


def data_url(picture: Image.Image, kind: str = "PNG") -> str:
    """A picture as the page and the API take it."""
    file = io.BytesIO()
    picture.save(file, kind)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def examples() -> list[dict]:
    """The page's own drawings, one of each digit, with their labels."""
    return [json.loads(line) for line in EXAMPLES.read_text().splitlines()]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[list[float]]:
    """Points on an ellipse; angles in degrees, clockwise from the right as y grows downwards."""
    angles = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [[x + rx * math.cos(a), y + ry * math.sin(a)] for a in angles]


DRAWINGS = {
    0: [arc(0.5, 0.5, 0.2, 0.3, -90, 270)],
    1: [[[0.5, 0.2], [0.5, 0.8]]],
    2: [[*arc(0.5, 0.35, 0.18, 0.15, 180, 390), [0.32, 0.8], [0.7, 0.8]]],
    3: [
        [
            *arc(0.48, 0.35, 0.17, 0.15, 200, 450),
            *arc(0.48, 0.65, 0.2, 0.16, -90, 160),
        ]
    ],
    4: [[[0.4, 0.2], [0.3, 0.55], [0.7, 0.55]], [[0.6, 0.2], [0.58, 0.82]]],
    5: [[[0.68, 0.2], [0.38, 0.2], [0.36, 0.45], *arc(0.48, 0.6, 0.19, 0.19, -120, 150)]],
    7: [[[0.3, 0.22], [0.7, 0.22], [0.45, 0.8]]],
    8: [[*arc(0.5, 0.36, 0.15, 0.15, 90, 450), *arc(0.5, 0.67, 0.18, 0.16, -90, 270)]],
}

ALL_DIGITS = DRAWINGS | {
    6: [[[0.62, 0.2], [0.45, 0.38], *arc(0.52, 0.65, 0.15, 0.15, 190, -150)]],
    9: [[*arc(0.48, 0.36, 0.16, 0.16, 0, -340), [0.62, 0.8]]],
}

LETTERS = {
    "A": [[[0.3, 0.8], [0.5, 0.2], [0.7, 0.8]], [[0.38, 0.58], [0.62, 0.58]]],
    "E": [
        *([[0.35, 0.2], [0.35, 0.8]], [[0.35, 0.2], [0.65, 0.2]]),
        *([[0.35, 0.5], [0.6, 0.5]], [[0.35, 0.8], [0.65, 0.8]]),
    ],
    "H": [[[0.3, 0.2], [0.3, 0.8]], [[0.7, 0.2], [0.7, 0.8]], [[0.3, 0.5], [0.7, 0.5]]],
    "K": [[[0.35, 0.2], [0.35, 0.8]], [[0.68, 0.2], [0.35, 0.5], [0.7, 0.8]]],
    "M": [[[0.25, 0.8], [0.3, 0.2], [0.5, 0.6], [0.7, 0.2], [0.75, 0.8]]],
    "R": [[[0.35, 0.8], [0.35, 0.2], *arc(0.4, 0.35, 0.22, 0.15, -90, 90), [0.68, 0.8]]],
    "e": [[[0.34, 0.58], [0.66, 0.55], *arc(0.5, 0.6, 0.17, 0.18, -15, -310)]],
    "h": [[[0.38, 0.2], [0.38, 0.8], [0.38, 0.6], *arc(0.5, 0.6, 0.12, 0.14, 180, 360)]],
}

# One digit each, though parts of them stand side by side: a wide 0, a 4 whose stem hangs below its
# arm, and one whose arm reaches past the stem, where it looks like a flag.
WIDE_ZERO = [arc(50, 50, 55, 40, -90, 255)]
HANGING_STEM = [[[10, 0], [2, 60], [12, 72], [20, 70]], [[30, 42], [26, 100]]]
CROSSED_ARM = [
    [[20, 0], [0, 60], [5, 90], *([x, 100] for x in range(20, 91, 5))],
    [[50, 0], [45, 120]],
]
