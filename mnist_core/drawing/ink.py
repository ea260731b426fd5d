"""Pixels of a picture -> its ink, in several readings of which a network is the judge.

Pixels alone don't tell for certain whether ink is dark or bright, how the light falls, and what is
the edge of a sheet, a shadow or a ruled line. So a picture gives up to four readings: with dark or
bright ink, on paper whose light changes ("uneven") or not ("even"). Where a shadow may be part of
the ink, a fifth one is what is darker still.
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
# Of readings with ink that is dark or bright as the border suggests, then with the other, and of
# that without a shadow.
PLAUSIBILITY = (1, 0.7, 0.6, 0.5, 0.9)
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
        """A part, cut where it is thinnest if it may be two digits that a single stroke joins."""
        left, top, right, bottom = map(int, self.boxes[part])
        width = right - left
        middle = self.labels[top:bottom, left + width // 4 : right - width // 4] == part
        strokes = (np.diff(middle, axis=0, prepend=False) & middle).sum(0)
        if width < 0.9 * height or strokes.min() > 1:
            return [(part, left, right)]
        rows = np.where(strokes == 1, middle.sum(0), height)
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

    def is_within(self, other: "Reading") -> bool:
        """Whether the digit is probably paper between the thin strokes of another's digit."""
        box, outer = (_around(one.boxes[one.digit]) for one in (self, other))
        if not ((box[:2] > outer[:2]).all() and (box[2:] < outer[2:]).all()):
            return False
        strokes = np.isin(other.labels, other.digit).astype(np.uint8)
        thickness = 2 * _opencv().distanceTransform(strokes, _opencv().DIST_L2, 3).max()
        return bool(thickness < 0.22 * (outer[2:] - outer[:2]).max())

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
    found, in_shadow = [], None
    is_tiny = max(rgb.shape[:2]) < TINY
    ink_is_bright = _ink_is_bright(grey)
    for is_bright in (ink_is_bright, not ink_is_bright):
        dark = 1 - grey if is_bright else grey
        standing_out = _uneven(dark, not is_bright)
        is_likely = is_bright == ink_is_bright
        uneven = _read(standing_out, False, is_tiny, None if is_likely else dark)
        even = _read(np.quantile(dark, 0.95) - dark, True, is_tiny)
        is_cropped = even and even.touches_opposite_edges
        found += [even, uneven] if is_cropped else [uneven, even]
        if is_likely and (level := _shadow(standing_out)):
            in_shadow = _read(np.maximum(standing_out - level, 0), True, is_tiny)
    about = {"is_tiny": is_tiny, "is_dark": bool(np.quantile(grey, 0.99) < 0.35)}
    pairs = zip([*found, in_shadow], PLAUSIBILITY, strict=True)
    likely = [replace(one, plausibility=p, **about) for one, p in pairs if one]
    inside = [any(one.is_within(other) for other in likely) for one in likely]
    weighed = [
        replace(one, plausibility=one.plausibility / 2) if is_inside else one
        for one, is_inside in zip(likely, inside, strict=True)
    ]
    return sorted(weighed, key=lambda one: -one.plausibility)


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


def _shadow(ink: np.ndarray) -> float:
    """How strong wide areas in (h, w) ink are that are weaker than the strokes; 0 without any."""
    strong = ink > max(_otsu(ink), 0)
    weaker = strong & (ink < _otsu(ink[strong])) if strong.any() else strong
    wide = _opencv().morphologyEx(weaker.astype(np.uint8), _opencv().MORPH_OPEN, _square(9)) > 0
    is_shadow = 2 * wide.sum() > (strong & ~weaker).sum() > 0
    return float(np.quantile(ink[wide], 0.9)) if is_shadow else 0.0


def _read(
    ink: np.ndarray, is_even: bool, is_tiny: bool, shades: np.ndarray | None = None
) -> Reading | None:
    """Find the parts in (h, w) ink; None where it is too faint.

    With `shades`, low ones for ink, parts that may be paper are left out.
    """
    if ink.max() < MIN_CONTRAST:
        return None
    strong = ink[ink > max(_otsu(ink), 0)]
    # Noise goes either way, ink only one: what lies below the paper tells how noisy it is.
    noise = 0 if is_even else np.sqrt(np.mean(np.minimum(ink, 0) ** 2) * 2)
    mask = ink > max(3 * noise, 0.35 * np.quantile(strong, 0.75))
    lines = mask & ~_without_lines(_without_boxes(mask, ink), ink)
    mask &= ~lines
    lines = _dilate(lines, 3)
    labels, boxes, areas = _parts(mask)
    along_lines = np.bincount(labels.ravel(), lines.ravel()) / np.maximum(areas, 1)
    areas = np.where(along_lines < 0.8, areas, 0)  # what is left of lines is no part of a digit
    strengths = np.bincount(labels.ravel(), ink.ravel()) / np.maximum(areas, 1)
    signs = _signs(labels, boxes, areas, strengths, 0.25 if is_even else 0.04)
    if shades is not None:
        others = (labels > 0) | lines
        signs = [i for i in signs if _is_outlined(labels, boxes[i], i, others, shades)]
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


def _parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of the connected parts of (h, w) bool, their boxes and their areas."""
    _, labels, stats, _ = _opencv().connectedComponentsWithStats(mask.astype(np.uint8))
    left, top, width, height, areas = stats.T
    return labels, np.stack([left, top, left + width, top + height], 1), areas


def _is_outlined(
    labels: np.ndarray, box: np.ndarray, part: int, others: np.ndarray, shades: np.ndarray
) -> bool:
    """Whether shades change all around a part; the paper between two dark things is no ink."""
    left, top, right, bottom = np.maximum(box + np.array([-4, -4, 4, 4]), 0)
    labels, others, shades = (one[top:bottom, left:right] for one in (labels, others, shades))
    ring = _dilate(labels == part, 7) & ~_dilate(labels == part, 3) & ~others
    if not ring.any():
        return True
    ink, around = np.median(shades[labels == part]), shades[ring]
    return bool((around < ink + 0.15 * (np.quantile(around, 0.9) - ink)).mean() < 0.2)


def _without_boxes(mask: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """(h, w) bool without rectangles and tables around other ink, such as those of a form."""
    labels, boxes, _ = _parts(mask)
    mask, thin = mask.copy(), _most_thin(mask)
    for part in np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).min(1) > 0.1 * max(mask.shape)):
        left, top, right, bottom = boxes[part]
        here = slice(top, bottom), slice(left, right)
        box = labels[here] == part
        x, y = (right - left) // 8, (bottom - top) // 8
        sides = box[:y].any(0), box[-y:].any(0), box[:, :x].any(1), box[:, -x:].any(1)
        if part == 0 or min(side.mean() for side in sides) < 0.95:
            continue
        is_empty = box[y:-y, x:-x].sum() < 0.05 * box.sum()
        rest = mask[here] & ~box if is_empty else _without_lines(mask[here], ink[here], thin)
        if rest[y:-y, x:-x].any():
            mask[here] = rest
    return mask


def _most_thin(mask: np.ndarray) -> int:
    """How thick a line in a picture is at most, in pixels."""
    return max(2, max(mask.shape) // 40)


def _without_lines(mask: np.ndarray, ink: np.ndarray, thin: int = 0) -> np.ndarray:
    """(h, w) bool without thin strokes from edge to edge; what crosses them stays."""
    thin = thin or _most_thin(mask)
    mask = mask.astype(np.uint8)
    for _ in range(2):  # level lines, then upright ones as level lines of the picture on its side
        mask, ink = np.ascontiguousarray(mask.T), ink.T
        line = _level_lines(mask, thin)
        if line.any():
            thickness = np.ceil(1.5 * _height_of_runs(line)) + 1
            strongest = np.where(line, ink, 0).max(0)
            is_faint = ink < 1.5 * np.median(strongest[line.any(0)])
            mask = mask & ~(_thin(mask, int(thickness)) & line & is_faint)
    return mask > 0


def _height_of_runs(mask: np.ndarray) -> float:
    """The mean height of a mask's upright runs of pixels."""
    starts = (np.diff(mask, axis=0, prepend=0) == 1).sum()
    return mask.sum() / max(starts, 1)


def _level_lines(mask: np.ndarray, thickness: int) -> np.ndarray:
    """The pixels of thin, nearly level lines from the left to the right edge, as a mask."""
    cv2 = _opencv()
    width = mask.shape[1]
    thin = _thin(mask, thickness)
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
    sizes = boxes[:, 2:] - boxes[:, :2]
    is_at_edge = (boxes[:, :2].min(1) <= 0) | (boxes[:, 2:] >= (width, height)).any(1)
    is_strip = is_at_edge & (20 * sizes.min(1) < sizes.max(1))
    usable = np.flatnonzero((areas > 0) & ~is_strip).tolist()
    every = [i for i in usable if i and not _is_frame(labels, boxes[i], i)]  # 0 is the paper
    # Discs and filled rectangles, such as holes and keys.
    is_solid = (areas > 0.7 * sizes.prod(1)) & (sizes.min(1) > 0.45 * sizes.max(1))
    is_large = sizes.max(1) > size * max(height, width)
    for parts in ([i for i in every if not is_at_edge[i]], every):
        large = [i for i in parts if is_large[i]]
        if large:
            main = max(large, key=lambda i: (not is_solid[i], areas[i]))
            strong = (areas > 0.03 * areas[main]) & (strengths > 0.6 * strengths[main])
            strong &= ~is_solid | is_solid[main] | (sizes.max(1) < 0.3 * sizes[main].max())
            row = [i for i in every if strong[i] and _are_in_a_row(boxes[i], boxes[main])]
            left, top, right, bottom = _around(boxes[row])
            is_cropped = max(left, top, width - right, height - bottom) <= 2
            return [i for i in every if strong[i] and (i in parts or (is_cropped and i in row))]
    return []


def _are_in_a_row(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes may be those of digits of a number: as high and on one line."""
    heights = sorted((box[3] - box[1], other[3] - other[1]))
    overlap = min(box[3], other[3]) - max(box[1], other[1])
    return 2 * heights[0] > heights[1] and 2 * overlap > heights[0]


def _is_frame(labels: np.ndarray, box: np.ndarray, part: int) -> bool:
    """Whether a large part lies along the sides of its box only."""
    left, top, right, bottom = box
    if min(right - left, bottom - top) < 0.4 * max(labels.shape):
        return False
    inset_x, inset_y = (right - left) // 6, (bottom - top) // 6
    inner = labels[top + inset_y : bottom - inset_y, left + inset_x : right - inset_x]
    return (inner == part).sum() < 0.05 * (labels == part).sum()


def _digit(boxes: np.ndarray, areas: np.ndarray, signs: list[int]) -> list[int]:
    """The largest sign and what lies so near that both may be one digit."""
    if not signs:
        return []
    main = boxes[max(signs, key=lambda i: areas[i])]
    size = (main[2:] - main[:2]).max()

    def is_near(box: np.ndarray) -> bool:
        gap = np.maximum(main[:2], box[:2]) - np.minimum(main[2:], box[2:])
        both = np.maximum(main[2:], box[2:]) - np.minimum(main[:2], box[:2])
        return gap.max() < 0.25 * size and (both <= (1.35 * size, 1.5 * size)).all()

    return [i for i in signs if is_near(boxes[i])]


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
    if low == high:
        return low
    scaled = ((values - low) * (255 / (high - low))).astype(np.uint8)
    return low + cv2.threshold(scaled, 0, 1, cv2.THRESH_OTSU)[0] * (high - low) / 255
