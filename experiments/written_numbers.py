"""Numbers as people write them, put together from single drawings of one writer each."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mnist_core.drawing.strokes import Drawing
from mnist_core.errors import UserError
from mnist_core.training.data import writer_of
from mnist_core.training.styles import restyle

Strokes = list[np.ndarray]

# The ways of writing, each with its share of all numbers; distances are parts of a digit's height.
# gap: mean and spread of the space between two digits, or between their ink on one height; size,
# base: spread of sizes and base lines; slope: of the line, in radians; slant: beyond the drawings'.
WAYS = {
    "neat": dict(share=0.35, gap=(0.25, 0.08), size=0.07, base=0.03, slope=0.03, slant=0.1),
    "tight": dict(share=0.25, gap=(0.05, 0.06), size=0.1, base=0.05, slope=0.05, slant=0.2),
    "wide": dict(share=0.15, gap=(0.6, 0.25), size=0.12, base=0.06, slope=0.06, slant=0.1),
    "sloppy": dict(share=0.15, gap=(0.12, 0.1), size=0.2, base=0.15, slope=0.15, slant=0.25),
    "touching": dict(share=0.10, gap=(-0.04, 0.04), size=0.12, base=0.06, slope=0.05, slant=0.15),
}
JOINED = 0.05  # of neighbours: the pen stays down from one to the next, where that is near
LATE = 0.15  # of numbers: bars and roofs are drawn after all digits
RESTYLED = 0.3  # of digits: in another hand, for habits that the writers do not have
LIFTED = 0.02  # of digits: the pen lost contact somewhere
MOST_OVERLAP = -0.06  # beyond, people can't tell the digits from each other
DOTTED = 0.02  # of numbers: a touch that was not meant
MARKED = 0.03  # of digits: a comma or a point stands after them


class Writers:
    """The drawings of each writer by label, or by character where there is no label."""

    def __init__(self, drawings: Sequence[Drawing]) -> None:
        self.pools: dict = defaultdict(lambda: defaultdict(list))
        for drawing in drawings:
            name = drawing.extra.get("character", drawing.label)
            self.pools[writer_of(drawing)][name].append(drawing)
        self.pools = {writer: pool for writer, pool in self.pools.items() if len(pool) > 5}
        self.names = list(self.pools)
        if not self.names:
            raise UserError("no writer drew more than five different signs: give more drawings")

    def choose(self, text: Sequence, chance: np.random.Generator) -> list[Drawing] | None:
        """A drawing for each sign of `text` by one writer; None where the writer lacks one."""
        pool = self.pools[self.names[chance.integers(len(self.names))]]
        if not all(sign in pool for sign in text):
            return None
        return [pool[sign][chance.integers(len(pool[sign]))] for sign in text]


def write(drawings: Sequence[Drawing], chance: np.random.Generator) -> Strokes:
    """One line of writing: `drawings` from left to right, as one of WAYS has it."""
    way = WAYS[chance.choice([*WAYS], p=[way["share"] for way in WAYS.values()])]
    gap = chance.normal(*way["gap"])
    boxed = chance.random() < 0.5  # some see boxes, others what is between the lines
    signs: list[Strokes] = []
    for drawing in drawings:
        sign = _sized(drawing, chance)
        size, base = np.exp(chance.normal(0, way["size"])), chance.normal(0, way["base"])
        sign = [size * stroke + [0, base] for stroke in _lifted(sign, chance)]
        if signs:
            apart = max(gap + chance.normal(0, way["gap"][1] / 2 + 0.02), MOST_OVERLAP)
            place = _place(signs, sign, boxed) + apart
            sign = [stroke + np.array([place, 0]) for stroke in sign]
        signs.append(sign)
        if chance.random() < MARKED:
            signs.append([_mark(sign, chance)])
    strokes = _in_order(signs, chance)
    slant, slope = chance.normal(0, way["slant"]), chance.normal(0, way["slope"])
    strokes = [s @ np.array([[1, slope], [-slant, 1]]) for s in strokes]
    if chance.random() < DOTTED:
        at = np.concatenate(strokes)[chance.integers(sum(map(len, strokes)))]
        strokes.append(at + chance.normal(0, 0.15, 2) + chance.normal(0, 0.01, (2, 2)))
    return strokes


def _mark(sign: Strokes, chance: np.random.Generator) -> np.ndarray:
    """A comma or a point at the foot of a sign."""
    right = max(stroke[:, 0].max() for stroke in sign) + chance.uniform(0.05, 0.25)
    top, length = chance.uniform(-0.1, 0.02), chance.uniform(0.01, 0.2)
    return np.array([[right, top], [right - chance.uniform(0, 0.4) * length, top + length]])


def _sized(drawing: Drawing, chance: np.random.Generator) -> Strokes:
    """Longer side 1, standing on 0; some in another hand."""
    strokes = drawing.strokes
    if drawing.label is not None and chance.random() < RESTYLED:
        strokes = restyle(strokes, drawing.label, chance)
    points = np.concatenate(strokes)
    foot, side = (points[:, 0].min(), points[:, 1].max()), max(np.ptp(points, 0).max(), 1e-9)
    return [(stroke - foot) / side for stroke in strokes]


def _lifted(strokes: Strokes, chance: np.random.Generator) -> Strokes:
    if chance.random() >= LIFTED:
        return strokes
    *rest, last = strokes
    at = chance.integers(1, max(len(last), 2))
    return [*rest, last[:at], last[at:]] if at < len(last) else strokes


def _place(signs: list[Strokes], sign: Strokes, boxed: bool) -> float:
    """Where `sign` touches what stands before it: their boxes, or their ink at some height."""
    before = np.concatenate([stroke for one in signs[-2:] for stroke in one])
    points = np.concatenate(sign)
    touch = before[:, 0].max() - points[:, 0].min()
    if boxed:
        return touch
    rows = [
        before[np.abs(before[:, 1] - y) < 0.12, 0].max(initial=-np.inf)
        - points[np.abs(points[:, 1] - y) < 0.12, 0].min(initial=np.inf)
        for y in np.linspace(-1.1, 0.1, 13)
    ]
    return max(*rows, touch - 0.2) if np.isfinite(max(rows)) else touch


def _in_order(signs: list[Strokes], chance: np.random.Generator) -> Strokes:
    """The strokes as the pen draws them, some joined to the next sign's, some bars last."""
    late, strokes, bars_late = [], [], chance.random() < LATE
    for sign in signs:
        *first, last = sign
        if bars_late and first:
            late.append(last)
            sign = first
        if strokes and not bars_late and chance.random() < JOINED:
            way = sign[0][0] - strokes[-1][-1]
            if -0.1 < way[0] < 0.9 and np.hypot(*way) < 1:
                at = np.linspace(0, 1, 8)[1:-1, None]
                sag = 4 * at * (1 - at) * [0, chance.normal(0.05, 0.08)]
                line = strokes[-1][-1] + at * way + sag
                sign = [np.concatenate([strokes.pop(), line, sign[0]]), *sign[1:]]
        strokes += sign
    return strokes + late


def some_numbers(
    writers: Writers, count: int, lengths: Sequence[int], chance: np.random.Generator
) -> list[tuple[list[int], Strokes]]:
    found = []
    while len(found) < count:
        digits = chance.integers(0, 10, chance.choice(lengths)).tolist()
        drawings = writers.choose(digits, chance)
        if drawings:
            found.append((digits, write(drawings, chance)))
    return found
