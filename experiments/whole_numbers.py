"""Put numbers together from single drawings of one writer each, and count how they are read.

    python experiments/whole_numbers.py --drawings data/pendigits-train.jsonl.gz \\
        data/unipen-digits.jsonl.gz --not-digits data/unipen-characters.jsonl.gz

No collection of drawn numbers is at hand. Writes docs/numbers.png, a sheet of such numbers to look
at, and docs/numbers.md.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import Drawing
from mnist_core.training.data import writer_of
from mnist_core.training.styles import restyle

Strokes = list[np.ndarray]

# A number is written in one of these ways; distances are parts of a digit's height.
#   share: of all numbers; gap: mean and spread of the space between two digits, the lesser of that
#   between their boxes and that between their ink on one height; size, base: spread of sizes and of
#   base lines; slope: of the line of writing, in radians; slant: more than the drawings' own.
WAYS = {
    "neat": dict(share=0.35, gap=(0.25, 0.08), size=0.07, base=0.03, slope=0.03, slant=0.1),
    "tight": dict(share=0.25, gap=(0.05, 0.06), size=0.1, base=0.05, slope=0.05, slant=0.2),
    "wide": dict(share=0.15, gap=(0.6, 0.25), size=0.12, base=0.06, slope=0.06, slant=0.1),
    "sloppy": dict(share=0.15, gap=(0.12, 0.15), size=0.2, base=0.15, slope=0.15, slant=0.25),
    "touching": dict(share=0.10, gap=(-0.04, 0.04), size=0.12, base=0.06, slope=0.05, slant=0.15),
}
JOINED = 0.05  # of neighbours: the pen stays down from one to the next, where that is near
LATE = 0.15  # of numbers: bars and roofs are drawn after all digits
RESTYLED = 0.3  # of digits: in another hand, for habits that the writers do not have
LIFTED = 0.02  # of digits: the pen lost contact somewhere
MOST_OVERLAP = -0.08  # beyond, people can't tell the digits from each other
DOTTED = 0.02  # of numbers: a touch that was not meant


class Writers:
    """The drawings of each writer by label, or by character where there is no label."""

    def __init__(self, drawings: Sequence[Drawing]) -> None:
        self.pools: dict = defaultdict(lambda: defaultdict(list))
        for drawing in drawings:
            name = drawing.extra.get("character", drawing.label)
            self.pools[writer_of(drawing)][name].append(drawing)
        self.pools = {writer: pool for writer, pool in self.pools.items() if len(pool) > 5}
        self.names = list(self.pools)

    def choose(self, text: Sequence, chance: np.random.Generator) -> list[Drawing] | None:
        """A drawing for each sign of `text` by one writer; None where the writer lacks one."""
        pool = self.pools[self.names[chance.integers(len(self.names))]]
        if not all(sign in pool for sign in text):
            return None
        return [pool[sign][chance.integers(len(pool[sign]))] for sign in text]


def write(drawings: Sequence[Drawing], chance: np.random.Generator) -> Strokes:
    """One line of writing: `drawings` from left to right, as one of WAYS has it."""
    ways = list(WAYS.values())
    way = ways[chance.choice(len(ways), p=[way["share"] for way in ways])]
    gap = chance.normal(*way["gap"])
    boxed = chance.random() < 0.5  # some see boxes, others what is between the lines
    signs: list[Strokes] = []
    for drawing in drawings:
        sign = _sized(drawing, chance)
        size, base = np.exp(chance.normal(0, way["size"])), chance.normal(0, way["base"])
        sign = [size * stroke + [0, base] for stroke in _lifted(sign, chance)]
        if signs:
            apart = max(gap + chance.normal(0, way["gap"][1] / 2 + 0.02), MOST_OVERLAP)
            sign = _shifted(sign, [_place(signs, sign, boxed) + apart, 0])
        signs.append(sign)
    strokes = _in_order(signs, chance)
    slant, slope = chance.normal(0, way["slant"]), chance.normal(0, way["slope"])
    strokes = [s @ np.array([[1, slope], [-slant, 1]]) for s in strokes]
    if chance.random() < DOTTED:
        at = np.concatenate(strokes)[chance.integers(sum(map(len, strokes)))]
        strokes.append(at + chance.normal(0, 0.15, 2) + chance.normal(0, 0.01, (2, 2)))
    return strokes


def _sized(drawing: Drawing, chance: np.random.Generator) -> Strokes:
    """Longer side 1, standing on 0; some in another hand."""
    strokes = drawing.strokes
    if drawing.label is not None and chance.random() < RESTYLED:
        strokes = restyle(strokes, drawing.label, chance)
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    side = max((high - low).max(), 1e-9)
    return [(stroke - [low[0], high[1]]) / side for stroke in strokes]


def _shifted(strokes: Strokes, by: Sequence[float]) -> Strokes:
    return [stroke + by for stroke in strokes]


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
    nearest = max(rows)
    return max(nearest, touch - 0.35) if np.isfinite(nearest) else touch


def _in_order(signs: list[Strokes], chance: np.random.Generator) -> Strokes:
    """The strokes as the pen draws them, some joined to the next sign's, some bars last."""
    late, strokes = [], []
    bars_late = chance.random() < LATE
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
