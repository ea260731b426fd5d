"""Strokes -> the digits of a number: what may be a digit, and how the line of writing reads best.

Strokes, and the parts of those that may hold two digits, are put in order from left to right,
whenever they were drawn. A digit is a span of neighbours in that order. How well a way to divide
the line reads is a sum: over its digits, of what a network makes of them and of their shape; over
the places between them, of how the neighbours lie there. Of all ways, each as probable as the
exponential of its sum, the best is taken: a semi-Markov conditional random field (Sarawagi and
Cohen, 2004). ui/recognizer/numbers.js does the same.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_core.drawing.constants import NUMBER

MAX_DIGITS = NUMBER["maxDigits"]
MAX_PIECES = NUMBER[
    "maxPieces"
]  # of a number: 8 digits of 5. Beyond, and beyond so many points in all spans
MAX_WORK = NUMBER["maxWork"]  # together, all is one span: it is no number, and would take too long.
MAX_SPAN = NUMBER["maxSpan"]  # pieces of a digit
# Of a digit, in heights of the line: from the middle of a piece to the next one's, and in all.
MAX_APART, MAX_WIDTH = NUMBER["maxApart"], NUMBER["maxWidth"]

# What counts how much, as `experiments/whole_numbers.py --fit` finds it: see docs/numbers.md.
READING = NUMBER["reading"]  # times the log-probability of the digit that the network reads
LOW, WIDE = NUMBER["low"], NUMBER["wide"]  # how much a span is lower and wider than digits are
CUT = np.array(NUMBER["cut"])  # a place where digits part: see `_place`
HOPELESS = NUMBER[
    "hopeless"
]  # spans that cannot come nearer than this to their pieces alone are not read

Strokes = list[np.ndarray]
Piece = tuple[int, int, int]  # a stroke, and from and to which of its points (not included)
Span = tuple[int, int]  # from and to which piece (not included)


@dataclass(frozen=True)
class Line:
    """A line of writing: pieces from left to right; spans that may be digits, by their ends.

    shapes: (spans, 2), how much each is lower and wider than digits are; places: (pieces, 4),
    how each piece lies to what stands before it, zeros for the first.
    """

    pieces: list[Piece]
    spans: list[Span]
    shapes: np.ndarray
    places: np.ndarray


def measure(strokes: Strokes) -> Line:
    """What strokes as `parse_strokes` gives them, at least one, may be divided into."""
    height = _height(strokes)
    lean = _lean(strokes, height / 8)
    upright = [np.stack([s[:, 0] - lean * s[:, 1], s[:, 1]], 1) / height for s in strokes]
    pieces = [(i, *part) for i, stroke in enumerate(upright) for part in _parts(stroke)]
    boxes = [(*upright[i][a:b].min(0), *upright[i][a:b].max(0)) for i, a, b in pieces]
    order = sorted(range(len(pieces)), key=lambda k: boxes[k][0] + boxes[k][2])
    pieces, boxes = [pieces[k] for k in order], np.array([boxes[k] for k in order])
    places = [[0.0] * 4] + [_place(pieces, boxes, k) for k in range(1, len(pieces))]
    spans = _spans(boxes) if len(pieces) <= MAX_PIECES else []
    if not spans or sum(b - a for i, j in spans for _, a, b in pieces[i:j]) > MAX_WORK:
        spans = [(0, len(pieces))]
    return Line(pieces, spans, np.array([_shape(boxes[i:j]) for i, j in spans]), np.array(places))


def _height(strokes: Strokes) -> float:
    """The line's: the mean of all that are at least half as high as the highest.

    Strokes that lie over each other, such as the two rings of an 8, count as one.
    """
    boxes = sorted(((*s.min(0), *s.max(0)) for s in strokes), key=lambda box: box[0] + box[2])
    merged = [boxes[0]]
    for x0, y0, x1, y1 in boxes[1:]:
        left, top, right, bottom = merged[-1]
        if min(right, x1) - max(left, x0) > min(right - left, x1 - x0) / 2:
            merged[-1] = (min(left, x0), min(top, y0), max(right, x1), max(bottom, y1))
        else:
            merged.append((x0, y0, x1, y1))
    heights = [bottom - top for _, top, _, bottom in merged]
    high = [height for height in heights if height >= max(heights) / 2]
    width = max(box[2] for box in merged) - min(box[0] for box in merged)
    return max(sum(high) / len(high), width / 50, 1e-9)  # a level bar has none


def _lean(strokes: Strokes, step: float) -> float:
    """How far steep lines lean, dx/dy, less what diagonals like those of 2 and 7 make of it."""
    across = down = 0.0
    for stroke in strokes:
        x, y = stroke[0]
        for next_x, next_y in stroke:
            dx, dy = next_x - x, next_y - y
            if dx * dx + dy * dy < step * step:  # shorter ones are a tablet's steps
                continue
            if abs(dy) > abs(dx):
                across += dx if dy > 0 else -dx
                down += abs(dy)
            x, y = next_x, next_y
    return 0.6 * across / down if down else 0.0


def _parts(stroke: np.ndarray, start: int = 0) -> list[tuple[int, int]]:
    """Where a stroke may hold two digits or more, its parts; else all of it.

    Cut where the least of what comes before stands over what comes after, if that is little
    and both are high enough and beside each other.
    """
    low, high = np.minimum.accumulate(stroke), np.maximum.accumulate(stroke)  # of all until a point
    least = np.minimum.accumulate(stroke[::-1])[::-1]  # of all from a point on
    most = np.maximum.accumulate(stroke[::-1])[::-1]
    overlap = high[:, 0] - least[:, 0]
    heights = np.minimum(high[:, 1] - low[:, 1], most[:, 1] - least[:, 1])
    beside = np.minimum(high[:, 1], most[:, 1]) - np.maximum(low[:, 1], least[:, 1])
    overlap[(heights < 0.5) | (beside < 0.5 * heights)] = np.inf
    thin = np.flatnonzero(overlap <= min(overlap.min() + 0.02, 0.05))
    if len(thin) == 0 or high[-1, 0] - low[-1, 0] < 0.6:
        return [(start, start + len(stroke))]
    at = int(thin[len(thin) // 2])
    return _parts(stroke[: at + 1], start) + _parts(stroke[at:], start + at)


def _place(pieces: list[Piece], boxes: np.ndarray, k: int) -> list[float]:
    """How piece k lies to what is before it, all in heights of the line.

    1; how much of the narrower lies over or under its neighbour, 0 to 1, squared; how far their
    middles are apart; whether a stroke is cut there.
    """
    (left, _, right, _), (x0, _, x1, _) = boxes[k - 1], boxes[k]
    over = (min(right, x1) - max(left, x0)) / max(min(right - left, x1 - x0), 0.1)
    cut = pieces[k - 1][0] == pieces[k][0] and pieces[k - 1][2] == pieces[k][1] + 1
    return [1.0, max(over, 0) ** 2, min((x0 + x1 - left - right) / 2, 1), float(cut)]


def _spans(boxes: np.ndarray) -> list[Span]:
    """Each piece alone, and up to MAX_SPAN that lie near enough."""
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
    width, height = boxes[:, 2:].max(0) - boxes[:, :2].min(0)
    return math.log(max(0.9 / max(height, 0.05), 1)), max(width / max(height, 0.5) - 1, 0)


def drawn(strokes: Strokes, pieces: list[Piece]) -> Strokes:
    """What `pieces` are, in the order of drawing; parts that follow each other joined."""
    joined: list[list[int]] = []
    for i, start, stop in sorted(pieces):
        if joined and joined[-1][0] == i and joined[-1][2] == start + 1:
            joined[-1][2] = stop
        else:
            joined.append([i, start, stop])
    return [strokes[i][start:stop] for i, start, stop in joined]


def divide(
    line: Line, read: Callable[[list[Span]], np.ndarray]
) -> tuple[list[Span], list[float], float]:
    """The best way to divide a line. `read` gives spans' log-probabilities of the digits read.

    Gives the spans from left to right; how probable each of them is, and how probable all of
    them are together.
    """
    geometry = line.shapes @ [LOW, WIDE] + (line.places @ CUT)[[i for i, _ in line.spans]]
    scores = dict(zip(line.spans, geometry.tolist(), strict=True))
    alone = [span for span in line.spans if span[1] - span[0] == 1]
    _add(scores, alone, read)
    parts = [0.0, *itertools.accumulate(scores[span] for span in alone)]
    rest = [span for span in line.spans if span not in alone]
    hopeful = [s for s in rest if not alone or parts[s[1]] - parts[s[0]] - scores[s] < HOPELESS]
    _add(scores, hopeful, read)
    return _best(len(line.pieces), {span: scores[span] for span in sorted(alone + hopeful)})


def _add(scores: dict[Span, float], spans: list[Span], read: Callable) -> None:
    if spans:
        for span, reading in zip(spans, read(spans), strict=True):
            scores[span] += READING * reading


def _best(count: int, scores: dict[Span, float]) -> tuple[list[Span], list[float], float]:
    """What `divide` gives, of `count` pieces, from the spans' scores in the spans' order."""
    before, after = [0.0] + [-math.inf] * count, [-math.inf] * count + [0.0]  # sums over all ways
    best: list[tuple[float, Span]] = [(0.0, (0, 0))] + [(-math.inf, (0, 0))] * count
    for (first, stop), score in scores.items():
        before[stop] = np.logaddexp(before[stop], before[first] + score)
        if best[first][0] + score > best[stop][0]:
            best[stop] = (best[first][0] + score, (first, stop))
    for (first, stop), score in reversed(scores.items()):
        after[first] = np.logaddexp(after[first], score + after[stop])
    way: list[Span] = []
    while not way or way[0][0]:
        way.insert(0, best[way[0][0] if way else count][1])
    chances = [math.exp(before[i] + scores[i, j] + after[j] - after[0]) for i, j in way]
    return way, chances, math.exp(best[count][0] - after[0])
