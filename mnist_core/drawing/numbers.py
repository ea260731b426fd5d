"""Divide strokes into the digits of a number.

Strokes, cut where one may hold two digits, are sorted from left to right. A digit is a span of
neighbouring pieces; a small piece may also be a mark that is no digit, such as a comma or the line
that joins two digits. The score of a division is a sum over its digits, of the network's reading
and of their shape, over the boundaries between them, and over its marks. Divisions are as
probable as the exponential of their scores, and the best one is taken: a semi-Markov conditional
random field (Sarawagi and Cohen, 2004). ui/recognizer/numbers.js does the same.
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
# Lengths below are in heights of the line.
# Within a digit: from the middle of a piece to the next one's, and its width.
MAX_APART, MAX_WIDTH = NUMBER["maxApart"], NUMBER["maxWidth"]
MAX_INSIDE = NUMBER["maxInside"]  # how far a digit may reach past its neighbour's ink at one height
MAX_MARK = NUMBER["maxMark"]  # width and height of a mark
MAX_LOWER = NUMBER["maxLower"]  # how much lower a digit stands than the one before it
# Where a stroke is cut: overlap of the ink before and after, and the least width of a line that
# joins two digits and of a flat beginning or end.
THIN, LIGATURE, FLAG = NUMBER["thin"], NUMBER["ligature"], NUMBER["flag"]
CLOSED = NUMBER["closed"]  # a stroke whose ends are nearer than this is a wide 0 and not two digits
ROW = 0.1  # in which ink lies at the same height
MAX_ROWS = 200

# Fitted by `experiments/whole_numbers.py --fit` (docs/numbers.md), but for the last one of
# boundaries, which was chosen; the features are at the functions named like them.
READING_WEIGHT = NUMBER["weights"]["reading"]  # of the log-probability of the digit that is read
SPAN_WEIGHTS, BOUNDARY_WEIGHTS, MARK_WEIGHTS = (
    np.array(NUMBER["weights"][name]) for name in ("span", "boundary", "mark")
)
PRUNING_MARGIN = NUMBER["pruning"]  # spans whose pieces alone score so much better are not read

Strokes = list[np.ndarray]
# Index of a stroke; from which to before which of its points. Of a picture: a part, its columns.
Piece = tuple[int, int, int]
Group = tuple[Piece, ...]  # all pieces of one digit
Span = tuple[int, int]  # from which to before which piece of a line
Edge = tuple[int, int, float, bool]  # a span, its score, whether it is a digit or a mark


@dataclass(frozen=True)
class Line:
    """A line of writing: pieces from left to right, and the spans that may be digits.

    span_features: (spans, 3); boundary_features: (pieces, 5), of the boundary before each piece,
    zeros for the first; mark_features: (3,) of each piece that may be a mark, by its index.
    """

    pieces: list[Piece]
    spans: list[Span]
    span_features: np.ndarray
    boundary_features: np.ndarray
    mark_features: dict[int, list[float]]

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
    height = _height(strokes)
    slant = _slant(strokes, height / 8)
    upright = [np.stack([s[:, 0] - slant * s[:, 1], s[:, 1]], 1) / height for s in strokes]
    pieces = [(i, *part) for i, stroke in enumerate(upright) for part in _parts(stroke)]
    inks = [upright[i][start:stop] for i, start, stop in pieces]
    return _line(pieces, inks, is_drawn=True)


def measure_parts(pieces: list[Piece], outlines: list[np.ndarray]) -> Line:
    """Sort parts of a picture and measure the spans; outlines are (n, 2) points in pixels."""
    height = _height(outlines)
    return _line(pieces, [outline / height for outline in outlines], is_drawn=False)


def _line(pieces: list[Piece], inks: list[np.ndarray], is_drawn: bool) -> Line:
    """Sort pieces, whose ink is in heights of the line; `is_drawn` if strokes have an order."""
    boxes = np.array([_box(ink) for ink in inks])
    order = (boxes[:, 0] + boxes[:, 2]).argsort(kind="stable")
    pieces, inks, boxes = [pieces[k] for k in order], [inks[k] for k in order], boxes[order]
    few = len(pieces) <= MAX_PIECES
    gaps = _gaps(inks) if few else []
    spans = _spans(pieces, boxes, gaps) if few else []
    if not spans or sum(b - a for i, j in spans for _, a, b in pieces[i:j]) > MAX_POINTS_READ:
        whole = (0, len(pieces))
        return Line(pieces, [whole], np.zeros((1, 3)), np.zeros((len(pieces), 5)), {})
    between = [_boundary(pieces, boxes, gaps, k) for k in range(1, len(pieces))]
    features = [_span(pieces[i : j if is_drawn else i + 1], boxes[i:j]) for i, j in spans]
    sizes = np.ptp(boxes.reshape(-1, 2, 2), axis=1).tolist()
    small = [k for k, (w, h) in enumerate(sizes) if w < MAX_MARK[0] and h < MAX_MARK[1]]
    marks = {k: [1.0, *sizes[k]] for k in small} if len(sizes) > 1 else {}
    boundaries = np.array([[0.0] * 5, *between])
    return Line(pieces, spans, np.array(features), boundaries, marks)


def _box(points: np.ndarray) -> tuple[float, ...]:
    """Left, top, right and bottom."""
    return (*points.min(0), *points.max(0))


def _height(strokes: Strokes) -> float:
    """The line's height: the mean of signs at least half as high as the highest.

    Strokes that lie over each other, such as the two rings of an 8, are one sign.
    """
    signs: list[tuple[float, ...]] = []
    for box in sorted(map(_box, strokes), key=lambda box: box[0] + box[2]):
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


def _parts(stroke: np.ndarray) -> list[tuple[int, int]]:
    """Cut a stroke that may hold two digits or more, or begins or ends with a flat flag.

    It is cut where the ink before and the ink after hardly overlap: at both ends of a line that
    joins two digits.
    """
    low, high = np.minimum.accumulate(stroke), np.maximum.accumulate(stroke)  # up to each point
    rest_low = np.minimum.accumulate(stroke[::-1])[::-1]  # from each point on
    rest_high = np.maximum.accumulate(stroke[::-1])[::-1]
    last = len(stroke) - 1
    before, after = high[:, 1] - low[:, 1], rest_high[:, 1] - rest_low[:, 1]  # heights
    beside = np.minimum(high[:, 1], rest_high[:, 1]) - np.maximum(low[:, 1], rest_low[:, 1])
    is_thin = high[:, 0] - rest_low[:, 0] <= THIN
    if high[-1, 0] - low[-1, 0] < 0.6 or is_thin.all():
        return [(0, last + 1)]
    lower = np.minimum(before, after)
    across, down = stroke[-1] - stroke[0]
    is_open = across * across + down * down > CLOSED * CLOSED
    cuts = set()
    for first, stop in _runs(is_thin & is_open & (lower >= 0.5) & (beside >= 0.5 * lower)):
        start, end = _flat(stroke[:, 0], first, stop)
        joins = end > start and stroke[end, 0] - stroke[start, 0] >= LIGATURE
        cuts |= {start, end} if joins else {(first + stop - 1) // 2}
    for first, stop in _runs(is_thin):
        width, height = np.ptp(stroke[first:stop], axis=0)
        if width >= FLAG and height <= 0.3:
            start, end = _flat(stroke[:, 0], first, stop)
            if first == 0 and after[stop - 1] >= 0.5:
                cuts.add(end)
            if stop > last and before[first] >= 0.5:
                cuts.add(start)
    ends = [0, *sorted(cuts - {0, last}), last]
    return [(start, end + 1) for start, end in itertools.pairwise(ends)]


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """From which to before which index flags are set without a break."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags, [0]])))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _flat(x: np.ndarray, first: int, stop: int) -> tuple[int, int]:
    """Where a run of points leaves the place of its first one, and comes to that of its last."""
    run = x[first:stop]
    leaves, comes = np.flatnonzero(run <= run[0] + 0.06)[-1], (run >= run[-1] - 0.06).argmax()
    return first + int(leaves), first + int(comes)


def _gaps(inks: list[np.ndarray]) -> list[float]:
    """The least distance, at one height, from all ink before each piece to the rest.

    Negative where they overlap, infinite where they are nowhere at one height.
    """
    top = min(ink[:, 1].min() for ink in inks)
    row = max(ROW, (max(ink[:, 1].max() for ink in inks) - top) / MAX_ROWS)
    shape = len(inks), MAX_ROWS + 1
    lefts, rights = np.full(shape, np.inf), np.full(shape, -np.inf)
    for k, ink in enumerate(inks):
        counts = (2 * np.abs(np.diff(ink[:, 1])) / row).astype(int) + 1  # two points a row or more
        segments = np.repeat(np.arange(len(counts)), counts)
        nth = np.arange(len(segments)) - (np.cumsum(counts) - counts)[segments]
        moves = np.diff(ink, axis=0)[segments] * (nth / counts[segments])[:, None]
        points = np.concatenate([ink[segments] + moves, ink[-1:]])
        rows = ((points[:, 1] - top) / row).astype(int)
        np.minimum.at(lefts[k], rows, points[:, 0])
        np.maximum.at(rights[k], rows, points[:, 0])
    before = np.maximum.accumulate(rights)[:-1]
    rest = np.minimum.accumulate(lefts[::-1])[::-1][1:]
    return [0.0, *(rest - before).min(1).tolist()]


def _is_cut(pieces: list[Piece], k: int) -> bool:
    return pieces[k - 1][0] == pieces[k][0] and pieces[k - 1][2] == pieces[k][1] + 1


def _boundary(pieces: list[Piece], boxes: np.ndarray, gaps: list[float], k: int) -> list[float]:
    """Features of the boundary before piece k.

    1; the distance of the neighbours' middles; 1 where a stroke is cut; the gap, as a share of
    the line's mean one; how much lower than its neighbour, if that is no bar, the piece begins and
    ends, beyond what is usual.
    """
    wide = [gap for gap in gaps if 0 < gap < math.inf]
    mean = max(sum(wide) / len(wide), 0.05) if wide else 0.3
    middles = (boxes[k - 1 : k + 1, 0] + boxes[k - 1 : k + 1, 2]) / 2
    apart = min(middles[1] - middles[0], 1)
    share = min(max(gaps[k], 0) / mean, 1)
    is_bar = boxes[k - 1, 3] - boxes[k - 1, 1] < 0.5
    lower = 0 if is_bar else (boxes[k, 1::2] - boxes[k - 1, 1::2]).min()
    return [1.0, apart, float(_is_cut(pieces, k)), share, min(max(lower - MAX_LOWER, 0), 1)]


def _spans(pieces: list[Piece], boxes: np.ndarray, gaps: list[float]) -> list[Span]:
    """Each piece alone, and up to MAX_SPAN neighbours that are near enough.

    None begins or ends within another digit; none at all where that leaves no division.
    """
    count = len(pieces)
    inside = {k for k in range(1, count) if _is_inside(pieces, gaps, k)}
    spans, reached = [], {0}
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    for first in sorted(set(range(count)) - inside):
        for stop in range(first + 1, min(first + MAX_SPAN, count) + 1):
            if stop > first + 1 and middles[stop - 1] - middles[stop - 2] > MAX_APART:
                break
            width = boxes[first:stop, 2].max() - boxes[first:stop, 0].min()
            if stop not in inside and (width <= MAX_WIDTH or stop == first + 1):
                spans.append((first, stop))
                reached |= {stop} if first in reached else set()
    return spans if count in reached else []


def _is_inside(pieces: list[Piece], gaps: list[float], k: int) -> bool:
    """Whether ink before piece k and the rest lie within each other, or are of one stroke.

    They may be of one where it is cut just there.
    """
    before, rest = ({stroke for stroke, _, _ in some} for some in (pieces[:k], pieces[k:]))
    if _is_cut(pieces, k):
        return len(before & rest) > 1
    return bool(before & rest) or gaps[k] < -MAX_INSIDE


def _span(pieces: list[Piece], boxes: np.ndarray) -> list[float]:
    """Features of a span: how much lower and how much wider than a digit it is, 0 for not at all;
    1 where another stroke was drawn between two of its own.
    """
    width, height = boxes[:, 2:].max(0) - boxes[:, :2].min(0)
    strokes = {i for i, _, _ in pieces}
    is_interrupted = max(strokes) - min(strokes) >= len(strokes)
    low = math.log(max(0.9 / max(height, 0.05), 1))
    return [low, max(width / max(height, 0.5) - 1, 0), float(is_interrupted)]


def divide(
    line: Line, read: Callable[[list[Span]], np.ndarray]
) -> tuple[list[Span], list[float], float]:
    """Find the best division; `read` returns the log-probability of the digit in each span.

    Returns its digits' spans from left to right, the probability of each, and that of the
    division.
    """
    boundaries = (line.boundary_features @ BOUNDARY_WEIGHTS)[[first for first, _ in line.spans]]
    geometry = (line.span_features @ SPAN_WEIGHTS + boundaries).tolist()
    scores = dict(zip(line.spans, geometry, strict=True))
    marks = {k: float(features @ MARK_WEIGHTS) for k, features in line.mark_features.items()}
    single = [span for span in line.spans if span[1] - span[0] == 1]
    _add_readings(scores, single, read)
    alone = [
        max(scores.get((k, k + 1), -math.inf), marks.get(k, -math.inf))
        for k in range(len(line.pieces))
    ]
    rest = [
        (i, j)
        for i, j in line.spans
        if j - i > 1 and sum(alone[i:j]) - scores[i, j] < PRUNING_MARGIN
    ]
    _add_readings(scores, rest, read)
    edges = [(*span, scores[span], True) for span in single + rest]
    edges += [(k, k + 1, score, False) for k, score in marks.items()]
    return _best(len(line.pieces), sorted(edges))


def _add_readings(scores: dict[Span, float], spans: list[Span], read: Callable) -> None:
    for span, reading in zip(spans, read(spans) if spans else (), strict=True):
        scores[span] += READING_WEIGHT * reading


def _best(count: int, edges: list[Edge]) -> tuple[list[Span], list[float], float]:
    """What `divide` returns, from the digits and marks that `count` pieces may be, sorted."""
    # Logarithms of the sums over all divisions of what lies before and after each boundary.
    before, after = [0.0] + [-math.inf] * count, [-math.inf] * count + [0.0]
    best: list[tuple[float, Edge]] = [(-math.inf, (0, 0, 0.0, False))] * (count + 1)
    best[0] = (0.0, (0, 0, 0.0, False))
    for edge in edges:
        first, stop, score, _ = edge
        before[stop] = np.logaddexp(before[stop], before[first] + score)
        best[stop] = max(best[stop], (best[first][0] + score, edge), key=lambda found: found[0])
    for first, stop, score, _ in reversed(edges):
        after[first] = np.logaddexp(after[first], score + after[stop])
    way = [best[count][1]]
    while way[0][0]:
        way.insert(0, best[way[0][0]][1])
    digits = [edge for edge in way if edge[3]]
    each = [math.exp(before[i] + score + after[j] - after[0]) for i, j, score, _ in digits]
    return [(i, j) for i, j, *_ in digits], each, math.exp(best[count][0] - after[0])
