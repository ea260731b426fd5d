"""Divide strokes into the digits of a number.

Strokes, cut where one may hold two digits, are sorted from left to right. A digit is a span of
neighbouring pieces. The score of a division is a sum over its digits, of the network's reading and
of their shape, and over the boundaries between them, of how the neighbours lie there. Divisions
are as probable as the exponential of their scores, and the best one is taken: a semi-Markov
conditional random field (Sarawagi and Cohen, 2004). ui/recognizer/numbers.js does the same.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import index

import numpy as np

from mnist_core.drawing.constants import NUMBER
from mnist_core.errors import UserError

MAX_DIGITS = NUMBER["maxDigits"]
MAX_SPAN = NUMBER["maxSpan"]  # pieces of a digit
# A drawing of more pieces, or of more points in all spans together, is not divided.
MAX_PIECES, MAX_POINTS_READ = NUMBER["maxPieces"], NUMBER["maxWork"]
# Within a digit, in heights of the line: from a piece's middle to the next one's, and its width.
MAX_APART, MAX_WIDTH = NUMBER["maxApart"], NUMBER["maxWidth"]

# Weights, fitted by `experiments/whole_numbers.py --fit` (docs/numbers.md).
READING_WEIGHT = NUMBER["reading"]  # of the log-probability of the digit that the network reads
SHAPE_WEIGHTS = np.array([NUMBER["low"], NUMBER["wide"]])  # see `_shape`
BOUNDARY_WEIGHTS = np.array(NUMBER["cut"])  # see `_boundary`
PRUNING_MARGIN = NUMBER["hopeless"]  # spans whose pieces alone score so much better are not read

Strokes = list[np.ndarray]
# Index of a stroke; from which to before which of its points. Of a picture: a part, its columns.
Piece = tuple[int, int, int]
Group = tuple[Piece, ...]  # all pieces of one digit
Span = tuple[int, int]  # from which to before which piece of a line


@dataclass(frozen=True)
class Line:
    """A line of writing: pieces from left to right, and the spans that may be digits.

    shapes: (spans, 2) features of each span; boundaries: (pieces, 4) features of the boundary
    before each piece, zeros for the first.
    """

    pieces: list[Piece]
    spans: list[Span]
    shapes: np.ndarray
    boundaries: np.ndarray

    def group(self, span: Span) -> Group:
        """The pieces of a span."""
        return tuple(self.pieces[slice(*span)])


def parse_groups(value: object, strokes: Strokes) -> tuple[Group, ...]:
    """Check a division from outside: 1 to 8 groups of pieces of `strokes`, none without strokes.

    Raises UserError for anything else.
    """
    try:
        groups = tuple(tuple(tuple(map(index, piece)) for piece in group) for group in value)
        pieces = [piece for group in groups for piece in group]
        exist = all(i >= 0 and 0 <= start < stop <= len(strokes[i]) for i, start, stop in pieces)
    except (TypeError, ValueError, IndexError):
        exist = False
    if not exist or not all(groups) or len(groups) > MAX_DIGITS or bool(groups) != bool(strokes):
        raise UserError(
            f"groups are 1 to {MAX_DIGITS} lists of [stroke, from, to], with 0 <= from < to <= "
            f"the stroke's number of points; not {value!r:.60}"
        )
    return groups


def drawn(strokes: Strokes, group: Group) -> Strokes:
    """The ink of a group in the order of drawing; adjoining pieces of a stroke are joined."""
    joined: list[list[int]] = []
    for i, start, stop in sorted(group):
        if joined and joined[-1][0] == i and joined[-1][2] == start + 1:
            joined[-1][2] = stop
        else:
            joined.append([i, start, stop])
    return [strokes[i][start:stop] for i, start, stop in joined]


def measure(strokes: Strokes) -> Line:
    """Cut and sort at least one stroke, as `parse_strokes` returns them, and measure the spans."""
    height = _height(list(map(_box, strokes)))
    slant = _slant(strokes, height / 8)
    upright = [np.stack([s[:, 0] - slant * s[:, 1], s[:, 1]], 1) / height for s in strokes]
    pieces = [(i, *part) for i, stroke in enumerate(upright) for part in _parts(stroke)]
    boxes = np.array([_box(upright[i][start:stop]) for i, start, stop in pieces])
    points = {piece: piece[2] - piece[1] for piece in pieces}
    return _line(pieces, boxes, points)


def measure_parts(pieces: list[Piece], boxes: np.ndarray) -> Line:
    """Sort parts of a picture, each a piece with its box in pixels, and measure the spans."""
    return _line(pieces, boxes / _height([tuple(box) for box in boxes]), {})


def _line(pieces: list[Piece], boxes: np.ndarray, points: dict[Piece, int]) -> Line:
    order = (boxes[:, 0] + boxes[:, 2]).argsort(kind="stable")
    pieces, boxes = [pieces[k] for k in order], boxes[order]
    boundaries = [[0.0] * 4, *(_boundary(pieces, boxes, k) for k in range(1, len(pieces)))]
    spans = _spans(boxes) if len(pieces) <= MAX_PIECES else []
    work = sum(points.get(piece, 0) for i, j in spans for piece in pieces[i:j])
    if not spans or work > MAX_POINTS_READ:
        spans = [(0, len(pieces))]
    shapes = np.array([_shape(boxes[i:j]) for i, j in spans])
    return Line(pieces, spans, shapes, np.array(boundaries))


def _box(points: np.ndarray) -> tuple[float, ...]:
    """Left, top, right and bottom."""
    return (*points.min(0), *points.max(0))


def _height(boxes: list[tuple[float, ...]]) -> float:
    """The line's height: the mean of signs at least half as high as the highest.

    Strokes that lie over each other, such as the two rings of an 8, are one sign.
    """
    signs: list[tuple[float, ...]] = []
    for box in sorted(boxes, key=lambda box: box[0] + box[2]):
        left, _, right, _ = signs[-1] if signs else (0, 0, -math.inf, 0)
        if min(right, box[2]) - max(left, box[0]) > min(right - left, box[2] - box[0]) / 2:
            box = _box(np.reshape([signs.pop(), box], (4, 2)))
        signs.append(box)
    lefts, tops, rights, bottoms = np.transpose(signs)
    heights = bottoms - tops
    high = heights[heights >= heights.max() / 2]
    return max(high.mean(), (rights.max() - lefts.min()) / 50, 1e-9)  # a level bar has none


def _slant(strokes: Strokes, step: float) -> float:
    """dx/dy of steep lines, less 40 % for diagonals like those of 2 and 7.

    Moves shorter than `step` are added up: they may be noise of a tablet.
    """
    across = down = 0.0
    for stroke in strokes:
        x, y = stroke[0]
        for next_x, next_y in stroke:
            dx, dy = next_x - x, next_y - y
            if dx * dx + dy * dy < step * step:
                continue
            if abs(dy) > abs(dx):
                across += dx if dy > 0 else -dx
                down += abs(dy)
            x, y = next_x, next_y
    return 0.6 * across / down if down else 0.0


def _parts(stroke: np.ndarray, start: int = 0) -> list[tuple[int, int]]:
    """Cut a stroke that may hold two digits or more.

    It is cut where the ink before and the ink after overlap least, if that is little and both are
    high enough and beside each other.
    """
    low, high = np.minimum.accumulate(stroke), np.maximum.accumulate(stroke)  # up to each point
    rest_low = np.minimum.accumulate(stroke[::-1])[::-1]  # from each point on
    rest_high = np.maximum.accumulate(stroke[::-1])[::-1]
    overlap = high[:, 0] - rest_low[:, 0]
    heights = np.minimum(high[:, 1] - low[:, 1], rest_high[:, 1] - rest_low[:, 1])
    beside = np.minimum(high[:, 1], rest_high[:, 1]) - np.maximum(low[:, 1], rest_low[:, 1])
    overlap[(heights < 0.5) | (beside < 0.5 * heights)] = np.inf
    thin = np.flatnonzero(overlap <= min(overlap.min() + 0.02, 0.05))
    if len(thin) == 0 or high[-1, 0] - low[-1, 0] < 0.6:
        return [(start, start + len(stroke))]
    at = int(thin[len(thin) // 2])
    return _parts(stroke[: at + 1], start) + _parts(stroke[at:], start + at)


def _boundary(pieces: list[Piece], boxes: np.ndarray, k: int) -> list[float]:
    """Features of the boundary before piece k, lengths in heights of the line.

    1; the share of the narrower neighbour that lies over or under the other, squared; the distance
    of their middles; 1 where a stroke is cut.
    """
    (left, _, right, _), (x0, _, x1, _) = boxes[k - 1], boxes[k]
    over = (min(right, x1) - max(left, x0)) / max(min(right - left, x1 - x0), 0.1)
    is_cut = pieces[k - 1][0] == pieces[k][0] and pieces[k - 1][2] == pieces[k][1] + 1
    return [1.0, max(over, 0) ** 2, min((x0 + x1 - left - right) / 2, 1), float(is_cut)]


def _spans(boxes: np.ndarray) -> list[Span]:
    """Each piece alone, and up to MAX_SPAN neighbours that are near enough."""
    spans = []
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    for first in range(len(boxes)):
        spans.append((first, first + 1))
        for stop in range(first + 2, min(first + MAX_SPAN, len(boxes)) + 1):
            if middles[stop - 1] - middles[stop - 2] > MAX_APART:
                break
            if boxes[first:stop, 2].max() - boxes[first:stop, 0].min() <= MAX_WIDTH:
                spans.append((first, stop))
    return spans


def _shape(boxes: np.ndarray) -> tuple[float, float]:
    """How much lower and wider than a digit the pieces of a span are, 0 for not at all."""
    width, height = boxes[:, 2:].max(0) - boxes[:, :2].min(0)
    return math.log(max(0.9 / max(height, 0.05), 1)), max(width / max(height, 0.5) - 1, 0)


def divide(
    line: Line, read: Callable[[list[Span]], np.ndarray]
) -> tuple[list[Span], list[float], float]:
    """Find the best division; `read` returns the log-probability of the digit in each span.

    Returns its spans from left to right, the probability of each, and that of the division.
    """
    boundaries = (line.boundaries @ BOUNDARY_WEIGHTS)[[first for first, _ in line.spans]]
    geometry = (line.shapes @ SHAPE_WEIGHTS + boundaries).tolist()
    scores = dict(zip(line.spans, geometry, strict=True))
    single = [span for span in line.spans if span[1] - span[0] == 1]
    _add_readings(scores, single, read)
    sums = [0.0, *itertools.accumulate(scores[span] for span in single)]
    rest = [span for span in line.spans if span not in single]
    if single:
        rest = [(i, j) for i, j in rest if sums[j] - sums[i] - scores[i, j] < PRUNING_MARGIN]
    _add_readings(scores, rest, read)
    return _best(len(line.pieces), {span: scores[span] for span in sorted(single + rest)})


def _add_readings(scores: dict[Span, float], spans: list[Span], read: Callable) -> None:
    for span, reading in zip(spans, read(spans) if spans else (), strict=True):
        scores[span] += READING_WEIGHT * reading


def _best(count: int, scores: dict[Span, float]) -> tuple[list[Span], list[float], float]:
    """What `divide` returns, from the scores of spans of `count` pieces, sorted."""
    # Logarithms of the sums over all divisions of what lies before and after each boundary.
    before, after = [0.0] + [-math.inf] * count, [-math.inf] * count + [0.0]
    best: list[tuple[float, Span]] = [(0.0, (0, 0))] + [(-math.inf, (0, 0))] * count
    for (first, stop), score in scores.items():
        before[stop] = np.logaddexp(before[stop], before[first] + score)
        best[stop] = max(best[stop], (best[first][0] + score, (first, stop)), key=lambda b: b[0])
    for (first, stop), score in reversed(scores.items()):
        after[first] = np.logaddexp(after[first], score + after[stop])
    spans = [best[count][1]]
    while spans[0][0]:
        spans.insert(0, best[spans[0][0]][1])
    each = [math.exp(before[i] + scores[i, j] + after[j] - after[0]) for i, j in spans]
    return spans, each, math.exp(best[count][0] - after[0])
