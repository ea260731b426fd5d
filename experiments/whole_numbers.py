"""Put numbers together from single drawings of one writer each, and count how they are read.

    python experiments/whole_numbers.py --drawings data/pendigits-train.jsonl.gz \\
        data/unipen-digits.jsonl.gz --not-digits data/unipen-characters.jsonl.gz \\
        --test data/pendigits-test.jsonl.gz

No collection of drawn numbers is at hand. Prints the tables of docs/numbers.md; --sheet draws a
picture of such numbers, to look at after changing WAYS; --fit prints instead what each thing
that mnist_core/drawing/numbers.py measures should count. About three minutes on one core.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import Number, Recognizer
from mnist_core.drawing import numbers
from mnist_core.drawing.framing import frame_strokes, to_input
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.network.calibration import BINS
from mnist_core.tables import table, wilson_interval
from mnist_core.training.data import contributor_of, split_drawings, writer_of
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
    "sloppy": dict(share=0.15, gap=(0.12, 0.1), size=0.2, base=0.15, slope=0.15, slant=0.25),
    "touching": dict(share=0.10, gap=(-0.04, 0.04), size=0.12, base=0.06, slope=0.05, slant=0.15),
}
JOINED = 0.05  # of neighbours: the pen stays down from one to the next, where that is near
LATE = 0.15  # of numbers: bars and roofs are drawn after all digits
RESTYLED = 0.3  # of digits: in another hand, for habits that the writers do not have
LIFTED = 0.02  # of digits: the pen lost contact somewhere
MOST_OVERLAP = -0.06  # beyond, people can't tell the digits from each other
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
    return max(nearest, touch - 0.2) if np.isfinite(nearest) else touch


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


# What is read -----------------------------------------------------------------

WORDS = (  # noqa: SIM905
    "the and hand that have with this are from word what were when your said each which their"
    " time will many then them write like these her long make thing see him two has more day"
).split()
HEADER = (
    *("numbers", "n", "exactly right", "95 % interval", "right count of digits"),
    *("sure", "of the sure, wrong", "calibration error"),
)


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


def some_words(writers: Writers, count: int, chance: np.random.Generator) -> list[Strokes]:
    found: list[Strokes] = []
    while len(found) < count:
        drawings = writers.choose(WORDS[chance.integers(len(WORDS))], chance)
        if drawings:
            found.append(write(drawings, chance))
    return found


def some_scribbles(count: int, chance: np.random.Generator) -> list[Strokes]:
    """One to four smooth lines through random points, beside or above each other."""
    found = []
    for _ in range(count):
        strokes = []
        for place in range(chance.integers(1, 5)):
            knots = chance.random((chance.integers(6, 15), 2)) * chance.uniform(0.4, 1.5, 2)
            at = np.linspace(0, len(knots) - 1, 12 * len(knots))
            line = np.stack([np.interp(at, range(len(knots)), axis) for axis in knots.T], 1)
            smooth = [np.convolve(axis, np.ones(9) / 9, "valid") for axis in line.T]
            strokes.append(np.stack(smooth, 1) + np.array([place * chance.uniform(0, 1), 0]))
        found.append(strokes)
    return found


def number_row(name: str, found: list[Number], digits: list[list[int]]) -> list:
    texts = ["".join(map(str, one)) for one in digits]
    right = np.array([one.number == text for one, text in zip(found, texts, strict=True)])
    counted = [len(one.number) == len(text) for one, text in zip(found, texts, strict=True)]
    sure = np.array([one.verdict == "sure" for one in found])
    low, high = wilson_interval(int(right.sum()), len(right))
    confidence = np.array([one.confidence for one in found])
    shares = [np.mean(counted), np.mean(sure), np.mean(~right[sure]) if sure.any() else 0.0]
    shown = [f"{share:.2%}" for share in (*shares, calibration_error(confidence, right))]
    return [name, len(found), f"{right.mean():.2%}", f"{low:.1%} to {high:.1%}", *shown]


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """As `calibration.expected_calibration_error`, of whole numbers."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    inside = [bins == place for place in set(bins.tolist())]
    return sum(abs(confidence[i].mean() - right[i].mean()) * i.mean() for i in inside)


def report(recognizer: Recognizer, args: argparse.Namespace) -> str:
    """docs/numbers.md's tables."""
    chance = np.random.default_rng(args.seed)
    drawings = [one for path in args.drawings for one in read_drawings(path)]
    seen, unseen = split_drawings(drawings)
    people = {"held-out writers": unseen}
    if args.test:
        people["pen-digit test writers"] = read_drawings(args.test)
    rows, splits = [], []
    for who, theirs in people.items():
        writers, all_found, all_digits = Writers(theirs), [], []
        for length in range(2, 6):
            digits, strokes = zip(*some_numbers(writers, args.count, [length], chance), strict=True)
            found = [recognizer.predict_number(one) for one in strokes]
            rows.append(number_row(f"{who}, {length} digits", found, digits))
            if length < 5:
                all_found += found
                all_digits += digits
        rows.append(number_row(f"{who}, 2 to 4 digits", all_found, all_digits))
        single = [len(recognizer.predict_number(one.strokes).digits) != 1 for one in theirs]
        splits.append((f"single digits, {who}: split", len(single), f"{np.mean(single):.2%}"))
    strangers = {*map(contributor_of, unseen)} - {*map(contributor_of, seen)}
    letters = [one for path in args.not_digits for one in read_drawings(path, False)]
    theirs = Writers([one for one in letters if contributor_of(one) in strangers])
    others = {
        "words by strangers: called a sure number": some_words(theirs, args.count, chance),
        "scribbles: called a sure number": some_scribbles(args.count, chance),
    }
    for name, strokes in others.items():
        sure = [recognizer.predict_number(one).verdict == "sure" for one in strokes]
        splits.append((name, len(sure), f"{np.mean(sure):.2%}"))
    splits += times(recognizer, Writers(unseen), chance)
    return f"{table(HEADER, rows)}\n{table(('what else', 'n', 'share'), splits)}"


def times(recognizer: Recognizer, writers: Writers, chance: np.random.Generator) -> list[tuple]:
    """The median of 40 numbers, in processor time."""
    rows = []
    for length in (1, 3, 8):
        spent = []
        for _, strokes in some_numbers(writers, 40, [length], chance):
            start = time.process_time()
            recognizer.predict_number(strokes)
            spent.append(1000 * (time.process_time() - start))
        rows.append((f"{length} digits read, Python, one core", 40, f"{np.median(spent):.1f} ms"))
    return rows


def sheet(writers: Writers, path: Path, chance: np.random.Generator) -> None:
    """84 numbers, to look at."""
    picture = Image.new("L", (1800, 1500), 255)
    draw = ImageDraw.Draw(picture)
    for place, (_, strokes) in enumerate(some_numbers(writers, 84, range(2, 6), chance)):
        points = np.concatenate(strokes)
        low, size = points.min(0), np.ptp(points, axis=0)
        corner = np.array([place % 6 * 300 + 10, place // 6 * 107 + 5])
        for stroke in strokes:
            line = (stroke - low) * min(280 / size[0], 90 / size[1]) + corner
            draw.line([*map(tuple, line), tuple(line[-1] + 1)], fill=0, width=3)
    picture.save(path)


# What counts how much ---------------------------------------------------------


def fit(recognizer: Recognizer, items: list[tuple[list[int], Strokes]]) -> list[float]:
    """READING, LOW, WIDE and CUT that make what was written most probable.

    Of all ways to divide a line, those that give the written digits; the negative logarithm of
    their probability is cut off at 5, so that numbers that nobody could read don't decide.
    """
    cases = [_case(recognizer, digits, strokes) for digits, strokes in items]
    weights = torch.tensor([6.0, -6, -3, 2, -2, 4, -4], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=40, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        losses = torch.stack([_loss(*case, weights) for case in cases])
        loss = losses.clamp(max=5).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.tolist()


def _case(recognizer: Recognizer, digits: list[int], strokes: Strokes) -> tuple:
    """What `_loss` needs of a number: its digits, spans, and each span's features and readings."""
    strokes = [np.asarray(stroke, float) for stroke in strokes]
    line = numbers.measure(strokes)
    images = [frame_strokes(numbers.drawn(strokes, line.pieces[i:j])) for i, j in line.spans]
    with torch.inference_mode():
        read = recognizer.model(to_input(torch.from_numpy(np.stack(images)))).numpy()
    places = line.boundaries[[first for first, _ in line.spans]]
    features = np.concatenate([read.max(1)[:, None], line.shapes, places], 1)
    return digits, line.spans, torch.tensor(features).float(), torch.tensor(read[:, digits])


def _loss(digits: list, spans: list, features: torch.Tensor, read: torch.Tensor, weights):
    """-log p(digits): the sum over ways that give them, less the sum over all ways."""
    scores, count = features @ weights, len(digits)
    every = {0: scores.new_zeros(())}
    right = {0: torch.cat([scores.new_zeros(1), scores.new_full((count,), -1e4)])}
    shift = scores.new_full((1,), -1e4)
    for k, (first, stop) in enumerate(spans):
        new = every[first] + scores[k]
        every[stop] = torch.logaddexp(every[stop], new) if stop in every else new
        new = torch.cat([shift, right[first][:-1] + scores[k] + read[k]])
        right[stop] = torch.logaddexp(right[stop], new) if stop in right else new
    end = spans[-1][1]
    return every[end] - right[end][count]


def main() -> None:
    parser = argparse.ArgumentParser(description="Count how numbers are read.")
    add = parser.add_argument
    files = {"type": Path, "nargs": "+", "metavar": "FILE", "required": True}
    add("--drawings", **files, help="digits, with the names of their writers")
    add("--not-digits", **files, help="letters and signs, likewise")
    add("--test", type=Path, metavar="FILE", help="digits by other writers, never trained on")
    add("--network", default=ROOT / "weights", help="what reads them (weights/)")
    add("--count", type=int, default=500, help="numbers of each kind (%(default)s)")
    add("--seed", type=int, default=0, help="what chance starts from (%(default)s)")
    add("--sheet", type=Path, metavar="PNG", help="draw some numbers, to look at")
    add("--fit", action="store_true", help="fit what counts how much, on held-out writers")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        recognizer = Recognizer.load(args.network)
        if args.sheet or args.fit:
            drawings = [one for path in args.drawings for one in read_drawings(path)]
            theirs, chance = split_drawings(drawings)[1], np.random.default_rng(args.seed + 1)
            if args.sheet:
                return sheet(Writers(theirs), args.sheet, chance)
            items = some_numbers(Writers(theirs), 2 * args.count, range(2, 6), chance)
            items += [([one.label], one.strokes) for one in theirs[:: max(1, len(theirs) // 1000)]]
            return print(fit(recognizer, items))
        print(report(recognizer, args))
    except UserError as error:
        parser.exit(2, f"whole_numbers.py: {error}\n")


if __name__ == "__main__":
    main()
