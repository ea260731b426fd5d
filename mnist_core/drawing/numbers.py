"""Strokes -> the digits of a number, as far as geometry goes.

Strokes, and the parts of those that may hold two digits, are put in order from left to right. A
digit is a span of neighbours in that order, and how well a way to divide the line reads is a sum:
over its digits, of what the network makes of them and of their shape; over the places between
them, of how far they are apart. The network's part is the caller's (see recognizer.py).
ui/recognizer/numbers.js does the same.
"""

from dataclasses import dataclass

import numpy as np

MAX_DIGITS = 8
MAX_PIECES = 40  # 8 digits of 5; with more it is no number, and reading it would take too long
MAX_SPAN = 5  # pieces of a digit
MAX_WIDTH = 2.0  # of a digit of several pieces, in heights of the line
STEP = 1 / 16  # between the points that are measured, in heights of the line

Piece = tuple[int, int, int]  # points start to stop (not included) of a stroke
Span = tuple[int, int]  # pieces first to last, both included


@dataclass(frozen=True)
class Line:
    """Pieces from left to right; the spans that may be digits; (n, 2) and (m, 4) what is measured.

    shapes: of each span, how much it is too low and too wide for a digit. places: of each place
    between two neighbours 1; the gap between what stands before and after, and the distance of
    their ink, in heights of the line; and whether a stroke is cut there.
    """

    pieces: list[Piece]
    spans: list[Span]
    shapes: np.ndarray
    places: np.ndarray


def measure(strokes: list[np.ndarray]) -> Line:
    """What the strokes of `parse_strokes` may be divided into; of too many, one span."""
    height = _height(strokes)
    slant = _slant([_evenly(stroke, height * STEP) for stroke in strokes])
    upright = [np.stack([s[:, 0] - slant * s[:, 1], s[:, 1]], 1) for s in strokes]
    pieces = [
        (i, start, stop)
        for i, stroke in enumerate(upright)
        for start, stop in _cut(stroke, 0, height)
    ]
    inks = [_evenly(upright[i][a:b], height * STEP) for i, a, b in pieces]
    centres = [ink[:, 0].min() + ink[:, 0].max() for ink in inks]
    order = sorted(range(len(pieces)), key=centres.__getitem__)
    pieces, inks = [pieces[k] for k in order], [inks[k] for k in order]
    boxes = np.array([[*ink.min(0), *ink.max(0)] for ink in inks]) / height
    places = [[1, *_apart(inks, k, height), _is_cut(pieces, k)] for k in range(1, len(pieces))]
    spans, shapes = [], []
    for first in range(len(pieces)):
        for last in range(first, min(first + MAX_SPAN, len(pieces))):
            low, high = boxes[first : last + 1, :2].min(0), boxes[first : last + 1, 2:].max(0)
            width, tall = high - low
            if first == last or width <= MAX_WIDTH:
                spans.append((first, last))
                shapes.append(
                    [np.log(max(0.6 / max(tall, 0.05), 1)), max(width / max(tall, 0.5) - 1, 0)]
                )
    return Line(pieces, spans, np.array(shapes), np.array(places).reshape(-1, 4))


def _height(strokes: list[np.ndarray]) -> float:
    """Of a line of writing: the mean of its strokes that are more than half as high as the highest."""
    heights = [np.ptp(stroke[:, 1]) for stroke in strokes]
    tallest = max(heights)
    high = [h for h in heights if h >= tallest / 2]
    extent = np.ptp(np.concatenate(strokes), axis=0).max()
    return max(sum(high) / len(high), extent / 40, 1e-9)


def _evenly(points: np.ndarray, step: float) -> np.ndarray:
    """(n, 2) points along a stroke -> its ends and points `step` apart."""
    travelled = np.concatenate([[0], np.cumsum(np.sqrt((np.diff(points, axis=0) ** 2).sum(1)))])
    count = int(travelled[-1] / step) + 2
    at = np.linspace(0, travelled[-1], count)
    return np.stack([np.interp(at, travelled, axis) for axis in points.T], 1)


def _slant(strokes: list[np.ndarray]) -> float:
    """How far steep lines lean, dx/dy."""
    steps = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
    steep = steps[np.abs(steps[:, 1]) > np.abs(steps[:, 0])]
    return float((steep[:, 0] * steep[:, 1]).sum() / max((steep[:, 1] ** 2).sum(), 1e-12))


def _cut(stroke: np.ndarray, start: int, height: float) -> list[tuple[int, int]]:
    """The parts of a stroke that may be digits, each from and to (not included) a point."""
    whole = [(start, start + len(stroke))]
    x, y = stroke.T / height
    if np.ptp(x) < 0.6 or len(stroke) < 4:
        return whole
    overlap = np.maximum.accumulate(x) - np.minimum.accumulate(x[::-1])[::-1]
    up = np.maximum.accumulate(y) - np.minimum.accumulate(y)
    down = (np.maximum.accumulate(y[::-1]) - np.minimum.accumulate(y[::-1]))[::-1]
    overlap[(up < 0.4) | (down < 0.4)] = np.inf
    least = overlap.min()
    if least > 0.15:
        return whole
    thin = np.flatnonzero(overlap <= least + 0.02)
    at = int(thin[len(thin) // 2])
    return _cut(stroke[: at + 1], start, height) + _cut(stroke[at:], start + at, height)


def _is_cut(pieces: list[Piece], k: int) -> bool:
    return pieces[k - 1][0] == pieces[k][0] and pieces[k - 1][2] == pieces[k][1] + 1


def _apart(inks: list[np.ndarray], k: int, height: float) -> tuple[float, float]:
    """The gap and the ink's distance between the pieces before place k and those after it."""
    before = np.concatenate(inks[max(k - MAX_SPAN, 0) : k]) / height
    after = np.concatenate(inks[k : k + MAX_SPAN]) / height
    gap = after[:, 0].min() - before[:, 0].max()
    distance = np.sqrt(((before[:, None] - after[None]) ** 2).sum(2).min())
    return min(max(gap, -0.5), 0.5), min(distance, 0.3)


def drawn(strokes: list[np.ndarray], pieces: list[Piece]) -> list[np.ndarray]:
    """The strokes that `pieces` make, in the order of drawing; parts that follow each other joined."""
    joined: list[list[int]] = []
    for i, start, stop in sorted(pieces):
        if joined and joined[-1][0] == i and joined[-1][2] == start + 1:
            joined[-1][2] = stop
        else:
            joined.append([i, start, stop])
    return [strokes[i][start:stop] for i, start, stop in joined]
