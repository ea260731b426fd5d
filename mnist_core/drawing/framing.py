"""MNIST's frame: strokes or a picture -> a (28, 28) uint8 image as MNIST's makers would make it.

MNIST's digits were scaled to fit a 20x20 box with their aspect kept, and moved by whole pixels
until the centre of mass fell on pixel 14 of 28, counted from 0. (The box: LeCun et al.,
"Gradient-Based Learning Applied to Document Recognition", 1998; pixel 14: measured on the 60,000
training images.) A network trained on such images needs drawings in the same frame.
"""

import math

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing.constants import FRAME

SIDE, BOX, CENTRE = FRAME["side"], FRAME["box"], FRAME["centre"]
PIXELS = SIDE * SIDE
# In pixels of the frame. Real pen drawings then cover 13.1 % of it on average, as MNIST's do.
PEN_WIDTH = FRAME["penWidth"]
MIN_SPACING = FRAME["minSpacing"]  # of points along a stroke; nearer ones add next to nothing


def to_input(images: torch.Tensor) -> torch.Tensor:
    """(N, 28, 28) grey values in 0..255 -> (N, 784) float32 in [0, 1], the network's input."""
    return images.reshape(-1, PIXELS).float() / 255


def frame_strokes(strokes: list[np.ndarray], pen_width: float = PEN_WIDTH) -> np.ndarray:
    """Draw strokes into MNIST's frame: a (28, 28) uint8 image, ink bright, paper 0.

    `strokes` are as `parse_strokes` returns them; none give an empty image. The longer side,
    pen included, becomes 20 pixels; the pen is round and `pen_width` pixels wide at any size.
    """
    if not strokes:
        return np.zeros((SIDE, SIDE), np.uint8)
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    extent = (high - low).max()
    scale = (BOX - pen_width) / extent if extent > 1e-9 else 0.0  # a point stays one
    middle = (low + high) / 2
    segments = [_segments((stroke - middle) * scale + SIDE / 2) for stroke in strokes]
    return _centre(_ink(np.concatenate(segments), pen_width))


def _segments(points: np.ndarray) -> np.ndarray:
    """(n, 2) points in frame pixels -> (m, 2, 2) segments; one point gives one to itself."""
    dx, dy = np.diff(points, axis=0).T
    steps = np.sqrt(dx * dx + dy * dy)  # not hypot, whose last bit depends on the platform
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    keep = np.diff(np.floor(travelled / MIN_SPACING), prepend=-1.0) > 0
    keep[-1] = True
    points = points[keep]
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
    return np.stack([points[:-1], points[1:]], axis=1)


def _ink(segments: np.ndarray, pen_width: float) -> np.ndarray:
    """(m, 2, 2) segments in frame pixels -> (28, 28) float32 coverage in [0, 1].

    Coverage rises from 0 where a pixel's centre is half a pixel outside the pen's edge to 1 where
    it is half a pixel inside: the anti-aliasing of a signed distance field.
    """
    start = segments[:, 0].astype(np.float32)  # (m, 2)
    along = segments[:, 1].astype(np.float32) - start  # (m, 2)
    axis = np.arange(SIDE, dtype=np.float32) + 0.5
    dx = axis[None, :] - start[:, :1]  # (m, 28) from each start to each column
    dy = axis[None, :] - start[:, 1:]  # (m, 28) from each start to each row
    length2 = np.maximum((along**2).sum(1), 1e-12)[:, None, None]
    # The nearest point of a segment to a pixel is `position` of the way along it.
    position = (along[:, 1:] * dy)[:, :, None] + (along[:, :1] * dx)[:, None, :]  # (m, 28, 28)
    np.clip(position / length2, 0, 1, out=position)
    x = dx[:, None, :] - position * along[:, :1, None]
    y = dy[:, :, None] - position * along[:, 1:, None]
    distance = np.sqrt((x * x + y * y).min(0))  # (28, 28)
    return np.clip(pen_width / 2 + 0.5 - distance, 0, 1)


def frame_ink(ink: np.ndarray) -> np.ndarray:
    """Scale (h, w) ink, paper 0, into MNIST's frame: a (28, 28) uint8 image, ink bright.

    Ink of any unit comes out as bright as 255. No ink gives an empty image.
    """
    if not ink.any():
        return np.zeros((SIDE, SIDE), np.uint8)
    ink = crop(ink.astype(np.float32))
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
    frame = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    frame[top : top + size[1], left : left + size[0]] = small / small.max()
    return _centre(frame)


def crop(ink: np.ndarray) -> np.ndarray:
    """Crop an image to its ink."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _centre(ink: np.ndarray) -> np.ndarray:
    """Move the centre of mass of (28, 28) ink in [0, 1] to pixel 14, losing none; return uint8."""
    axis = np.arange(SIDE)
    for dimension in (0, 1):
        profile = ink.sum(1 - dimension, dtype=np.float64)  # (28,); exact in float64
        inked = np.flatnonzero(profile)
        mass_centre = (profile * axis).sum() / profile.sum()
        # A symmetric digit lies exactly between two pixels: rounding errors must not decide.
        wanted = CENTRE - math.floor(mass_centre + 0.5 + 1e-3)
        shift = min(max(wanted, -inked[0]), SIDE - 1 - inked[-1])
        ink = np.roll(ink, shift, dimension)
    return np.rint(ink * 255).astype(np.uint8)
