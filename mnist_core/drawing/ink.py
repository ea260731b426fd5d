"""Pixels of a picture -> its ink, in several readings of which a network is the judge.

Pixels alone don't tell for certain whether ink is dark or bright, how the light falls, and what is
the edge of a sheet, a shadow or a ruled line. So a picture gives up to four readings: with dark or
bright ink, on paper whose light changes ("uneven") or not ("even"), the most plausible first.
"""

import math
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from mnist_core import extras
from mnist_core.drawing import numbers
from mnist_core.drawing.framing import SIDE, frame_ink
from mnist_core.drawing.numbers import Group, Piece
from mnist_core.drawing.pictures import to_rgb

# The longer side of a picture as it is looked at, in pixels.
MAX_SIDE, MIN_SIDE = 320, 64
# Ink stands out from its paper by at least this much of the way from black to white.
MIN_CONTRAST = 0.06
# Of readings with ink that is dark or bright as the border suggests, then with the other.
PLAUSIBILITY = (1, 0.7, 0.6, 0.5)
TINY = 20  # pixels: smaller pictures show a digit and no sheet, and are never quite certain
ADVICE = ("too_dark", "several_lines", "touches_edge", "too_small")
TOO_SMALL = 0.08  # of the longer side
MAX_LINES = 250  # found in each direction, several for each ruled one
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Reading:
    """What may be the ink of a picture.

    ink: (h, w) float32, paper 0, full ink 1; labels: (h, w) int32, the part that each pixel belongs
    to, from 1 on; boxes: of each part left, top, right and bottom, that of part 0 unused; digit:
    the parts that a single digit would have; signs: the parts that may be digits; plausibility:
    1 for the most plausible reading, less for others; is_tiny: whether the picture is smaller
    than TINY; is_dark: whether nothing in it is bright.
    """

    ink: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    digit: list[int]
    signs: list[int]
    plausibility: float
    is_tiny: bool = False
    is_dark: bool = False

    def frame(self, group: Group | None = None) -> np.ndarray:
        """The ink of a group of pieces, else of the digit, in MNIST's frame: (28, 28) uint8."""
        mine = np.zeros(self.labels.shape, bool)
        for part, start, stop in group or self.pieces(self.digit):
            mine[:, start:stop] |= self.labels[:, start:stop] == part
        rows = np.flatnonzero(mine.any(1))
        reach = max(1, (rows[-1] - rows[0]) // 14)  # soft edges of strokes lie outside of the parts
        others = (self.labels > 0) & ~mine
        near = _dilate(mine, 2 * reach + 1) & ~_dilate(others, reach | 1)
        return frame_ink(np.where(mine | near, self.ink, 0))

    def line(self) -> numbers.Line:
        """The signs beside the digit, as a line that may be several digits."""
        _, top, _, bottom = _around(self.boxes[self.digit])
        middles = (self.boxes[:, 1] + self.boxes[:, 3]) / 2
        parts = [i for i in self.signs if top < middles[i] < bottom]
        pieces = [piece for part in parts for piece in self._cut(part, bottom - top)]
        return numbers.measure_parts(pieces, list(map(self._outline, pieces)))

    def _outline(self, piece: Piece) -> np.ndarray:
        """The left and the right end of a piece in each row: (2 x rows, 2), x and y in pixels."""
        part, start, stop = piece
        mine = self.labels[:, start:stop] == part
        rows = np.flatnonzero(mine.any(1))
        left, right = start + mine[rows].argmax(1), stop - mine[rows, ::-1].argmax(1)
        return np.stack([left, rows, right, rows + 1], 1).reshape(-1, 2).astype(float)

    def pieces(self, parts: list[int]) -> list[Piece]:
        """Whole parts as pieces."""
        return [(part, int(self.boxes[part, 0]), int(self.boxes[part, 2])) for part in parts]

    def _cut(self, part: int, height: float) -> list[Piece]:
        """A part, cut where it is thinnest if it may be two digits."""
        left, top, right, bottom = map(int, self.boxes[part])
        width = right - left
        if width < 0.9 * height:
            return [(part, left, right)]
        rows = (self.labels[top:bottom, left + width // 4 : right - width // 4] == part).sum(0)
        thinnest = np.flatnonzero(rows == rows.min())
        at = left + width // 4 + int(thinnest[len(thinnest) // 2])
        return [(part, left, at + 1), (part, at, right)]

    def box(self, group: Group) -> np.ndarray:
        """Left, top, right and bottom of a group of pieces, in pixels."""
        boxes = []
        for part, start, stop in group:
            _, top, _, bottom = self.boxes[part]
            rows = np.flatnonzero((self.labels[top:bottom, start:stop] == part).any(1))
            boxes.append((start, top + rows[0], stop, top + rows[-1] + 1))
        return _around(np.array(boxes))

    @property
    def height(self) -> int:
        """Of the digit, in pixels."""
        _, top, _, bottom = _around(self.boxes[self.digit])
        return int(bottom - top)

    @property
    def advice(self) -> tuple[str, ...]:
        """What may be mended where the picture can't be read for certain, of ADVICE."""
        height, width = self.ink.shape
        left, top, right, bottom = _around(self.boxes[self.digit])
        is_apart = [
            (self.boxes[i, 1] >= bottom or self.boxes[i, 3] <= top)
            and self.boxes[i, 3] - self.boxes[i, 1] > (bottom - top) / 2
            for i in self.signs
        ]
        is_true = {
            "too_dark": self.is_dark,
            "several_lines": any(is_apart),
            "touches_edge": min(left, top) <= 1 or right >= width - 1 or bottom >= height - 1,
            "too_small": bottom - top < TOO_SMALL * max(height, width),
        }
        return tuple(code for code in ADVICE if is_true[code])

    @property
    def touches_opposite_edges(self) -> bool:
        """Whether the digit reaches from one edge of the picture to the other."""
        left, top, right, bottom = _around(self.boxes[self.digit])
        height, width = self.ink.shape
        return (left <= 1 and right >= width - 1) or (top <= 1 and bottom >= height - 1)


def readings(rgb: np.ndarray) -> list[Reading]:
    """(h, w, 3) uint8 -> what may be its ink, the most plausible reading first; [] for no ink.

    Raises UserError where OpenCV is missing.
    """
    grey = _separating_shades(_resize(rgb))
    found = []
    is_tiny = max(rgb.shape[:2]) < TINY
    ink_is_bright = _ink_is_bright(grey)
    for is_bright in (ink_is_bright, not ink_is_bright):
        dark = 1 - grey if is_bright else grey
        uneven = _read(_uneven(dark, not is_bright), False, is_tiny)
        even = _read(np.quantile(dark, 0.95) - dark, True, is_tiny)
        is_cropped = even and even.touches_opposite_edges
        found += [even, uneven] if is_cropped else [uneven, even]
    about = {"is_tiny": is_tiny, "is_dark": bool(np.quantile(grey, 0.99) < 0.35)}
    pairs = zip(found, PLAUSIBILITY, strict=True)
    return [replace(one, plausibility=p, **about) for one, p in pairs if one]


def frame_picture(image: object) -> np.ndarray:
    """The digit of a picture's most plausible reading in MNIST's frame, (28, 28) uint8.

    `image` and errors are those of `pictures.to_rgb`. No ink gives an empty image.
    """
    found = readings(to_rgb(image))
    return found[0].frame() if found else np.zeros((SIDE, SIDE), np.uint8)


def _opencv() -> ModuleType:
    extras.check("pictures")
    import cv2

    return cv2


def _dilate(mask: np.ndarray, side: int) -> np.ndarray:
    """What is within a square of so many pixels around the pixels of a mask."""
    return _opencv().dilate(mask.astype(np.uint8), _square(side)) > 0


def _square(side: int) -> np.ndarray:
    return np.ones((side, side), np.uint8)


def _resize(rgb: np.ndarray) -> np.ndarray:
    cv2 = _opencv()
    side = max(rgb.shape[:2])
    if side > MAX_SIDE:
        size = [max(1, round(n * MAX_SIDE / side)) for n in rgb.shape[1::-1]]
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    factor = -(-MIN_SIDE // side)
    smooth = cv2.INTER_CUBIC if side < SIDE else cv2.INTER_NEAREST
    return cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=smooth)


def _separating_shades(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) float32 shades in [0, 1] that tell ink from paper.

    Grey, or where grey tells little the colours along the axis on which they differ most.
    """
    cv2 = _opencv()
    colour = rgb.astype(np.float32) / 255
    window = max(3, max(rgb.shape) // 4)
    local = (colour - cv2.blur(colour, (window, window))).reshape(-1, 3)
    variances, axes = np.linalg.eigh(local.T @ local / len(local))
    if (local @ GREY).std() > 0.35 * np.sqrt(max(variances[-1], 0)):
        return colour @ GREY
    shades = colour @ axes[:, -1]
    return (shades - shades.min()).clip(0, 1)


def _ink_is_bright(grey: np.ndarray) -> bool:
    """Whether the ink of an (h, w) picture is probably brighter than the paper.

    An evenly lit border is paper. Where light falls off towards the border, the few
    places that stand out from what is around them are ink.
    """
    cv2 = _opencv()
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    middle = np.median(border)
    if np.quantile(np.abs(border - middle), 0.7) < 0.02:
        return bool((grey > middle + 0.1).sum() > (grey < middle - 0.1).sum())
    small = cv2.resize((255 * grey).astype(np.uint8), (32, 32), interpolation=cv2.INTER_AREA)
    standing_out = small.astype(float) - cv2.medianBlur(small, 13)
    return bool((standing_out**3).sum() > 0)


def _uneven(dark: np.ndarray, is_ratio: bool) -> np.ndarray:
    """How much of the light (is_ratio) or of all shades ink takes away, paper around 0.

    The paper's light is a morphological closing: each place takes the shade of the darkest of the
    brightest places around it, so that strokes vanish and shadows stay. Light that falls off
    towards the border is taken to go on doing so beyond it.
    """
    cv2 = _opencv()
    window = max(dark.shape) * 2 // 5 | 1
    smooth = cv2.medianBlur(np.ascontiguousarray(dark), 3)
    beyond = np.minimum(
        np.pad(smooth, window, mode="edge"),
        np.pad(smooth, window, mode="reflect", reflect_type="odd"),
    )
    closed = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, _square(window))
    paper = closed[window:-window, window:-window]
    ink = (paper - dark) / np.maximum(paper, 0.3) if is_ratio else paper - dark
    return ink - np.median(ink)


def _read(ink: np.ndarray, is_even: bool, is_tiny: bool) -> Reading | None:
    """Find the parts in (h, w) ink; None where it is too faint."""
    if ink.max() < MIN_CONTRAST:
        return None
    strong = ink[ink > max(_otsu(ink), 0)]
    # Noise goes either way, ink only one: what lies below the paper tells how noisy it is.
    noise = 0 if is_even else np.sqrt(np.mean(np.minimum(ink, 0) ** 2) * 2)
    mask = ink > max(3 * noise, 0.35 * np.quantile(strong, 0.75))
    cv2 = _opencv()
    lines = mask & ~_without_lines(mask, ink)
    mask &= ~lines
    lines = _dilate(lines, 3)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    left, top, width, height, areas = stats.T
    boxes = np.stack([left, top, left + width, top + height], 1)
    strengths = np.bincount(labels.ravel(), ink.ravel()) / np.maximum(areas, 1)
    signs = _signs(labels, boxes, areas, strengths, 0.25 if is_even else 0.04)
    digit = _digit(boxes, areas, signs)
    inked = np.isin(labels, digit)
    if not digit or (_is_sheet(inked) and not is_tiny):
        return None
    full = np.quantile(ink[inked], 0.75)
    if full < MIN_CONTRAST:
        return None
    ink = np.where((ink > 3 * noise) & (mask | ~lines), np.minimum(ink / full, 1), 0).astype(
        np.float32
    )
    return Reading(ink, labels, boxes, digit, signs, 1.0)


def _without_lines(mask: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """(h, w) bool without thin strokes from edge to edge; what crosses them stays."""
    mask = mask.astype(np.uint8)
    for _ in range(2):  # level lines, then upright ones as level lines of the picture on its side
        mask, ink = np.ascontiguousarray(mask.T), ink.T
        line = _level_lines(mask)
        if line.any():
            thickness = np.ceil(1.5 * _height_of_runs(line)) + 1
            is_faint = ink < 1.6 * np.median(ink[line > 0])
            mask = mask & ~(_thin(mask, int(thickness)) & line & is_faint)
    return mask > 0


def _height_of_runs(mask: np.ndarray) -> float:
    """The mean height of a mask's upright runs of pixels."""
    starts = (np.diff(mask, axis=0, prepend=0) == 1).sum()
    return mask.sum() / max(starts, 1)


def _level_lines(mask: np.ndarray) -> np.ndarray:
    """The pixels of thin, nearly level lines from the left to the right edge, as a mask."""
    cv2 = _opencv()
    width = mask.shape[1]
    thin = _thin(mask, max(2, max(mask.shape) // 40))
    level, tilt = np.pi / 2, 0.06  # radians
    found = cv2.HoughLines(
        thin, 1, np.pi / 360, width // 4, min_theta=level - tilt, max_theta=level + tilt
    )
    lines = np.zeros_like(mask)
    for rho, theta in [] if found is None else found[:MAX_LINES, 0].tolist():
        ends = [(x, round((rho - x * math.cos(theta)) / math.sin(theta))) for x in (0, width)]
        line = cv2.line(np.zeros_like(mask), *ends, 1, 3) & thin
        columns = np.flatnonzero(line.any(0))
        reaches_edges = columns[0] < 0.05 * width and columns[-1] > 0.95 * width - 1
        if reaches_edges and len(columns) > width / 2:
            lines |= line
    return lines


def _thin(mask: np.ndarray, thickness: int) -> np.ndarray:
    """What of a mask is at most so many pixels high."""
    cv2 = _opencv()
    return mask & ~cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thickness + 1, 1), np.uint8))


def _signs(
    labels: np.ndarray, boxes: np.ndarray, areas: np.ndarray, strengths: np.ndarray, size: float
) -> list[int]:
    """The parts that may be of a digit: no specks, no frames, and nothing from beyond the sheet.

    size: how large the largest is at least, of the picture.
    """
    height, width = labels.shape
    every = range(1, len(boxes))
    inside = [
        i for i in every if boxes[i, :2].min() > 0 and boxes[i, 2] < width and boxes[i, 3] < height
    ]
    for parts in (inside, every):
        parts = [i for i in parts if not _is_frame(labels, boxes[i], i)]
        large = [
            i for i in parts if (boxes[i, 2:] - boxes[i, :2]).max() > size * max(height, width)
        ]
        if large:
            main = max(large, key=lambda i: areas[i])
            return [
                i
                for i in parts
                if areas[i] > 0.03 * areas[main] and strengths[i] > 0.6 * strengths[main]
            ]
    return []


def _is_frame(labels: np.ndarray, box: np.ndarray, part: int) -> bool:
    """Whether a large part lies along the sides of its box only."""
    left, top, right, bottom = box
    if min(right - left, bottom - top) < 0.4 * max(labels.shape):
        return False
    inset_x, inset_y = (right - left) // 6, (bottom - top) // 6
    inner = labels[top + inset_y : bottom - inset_y, left + inset_x : right - inset_x]
    return (inner == part).sum() < 0.05 * (labels == part).sum()


def _digit(boxes: np.ndarray, areas: np.ndarray, signs: list[int]) -> list[int]:
    """The largest sign and what lies near it."""
    if not signs:
        return []
    left, top, right, bottom = boxes[max(signs, key=lambda i: areas[i])]
    reach = 0.15 * max(right - left, bottom - top)
    return [
        i
        for i in signs
        if left - 2 * reach < boxes[i, 0]
        and boxes[i, 2] < right + 2 * reach
        and top - reach < boxes[i, 3]
        and boxes[i, 1] < bottom + reach
    ]


def _is_sheet(mask: np.ndarray) -> bool:
    """Whether what seems to be ink is a sheet, a filled rectangle, or the table around one."""
    level, upright = mask[[0, -1]].mean(1), mask[:, [0, -1]].mean(0)
    if max(level) > 0.5 and max(upright) > 0.5:  # all along a corner
        return True
    points = np.argwhere(mask).astype(np.float32)
    _, sides, _ = _opencv().minAreaRect(points)
    short, long = sorted(side + 1 for side in sides)
    return short > 0.5 * long and len(points) > 0.82 * short * long


def _around(boxes: np.ndarray) -> np.ndarray:
    """The box around boxes."""
    return np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])


def _otsu(values: np.ndarray) -> float:
    """The threshold that parts values into the two most distinct classes (Otsu, 1979)."""
    cv2 = _opencv()
    low, high = float(values.min()), float(values.max())
    scaled = ((values - low) * (255 / (high - low))).astype(np.uint8)
    return low + cv2.threshold(scaled, 0, 1, cv2.THRESH_OTSU)[0] * (high - low) / 255
