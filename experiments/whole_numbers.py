"""Put numbers together from single drawings of one writer each, and count how they are read.

    python -m experiments.whole_numbers --drawings data/pendigits-train.jsonl.gz \\
        data/unipen-digits.jsonl.gz --not-digits data/unipen-characters.jsonl.gz \\
        --test data/pendigits-test.jsonl.gz

Prints the tables of docs/numbers.md, in three minutes on one core. --fit --numbers FILE prints
instead, in less than a minute, the weights of mnist_core/drawing/constants.json, fitted to such
numbers, to real ones ({"number": "42", "writer": "a", "strokes": [...]}, a line each) and to signs
that are no digit, and how well the real ones are read by weights that have not seen their writers.
Run it again for another network.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.common import ROOT
from mnist_core import Number, Recognizer
from mnist_core.drawing import numbers
from mnist_core.drawing.framing import frame_strokes, to_input
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings
from mnist_core.errors import UserError
from mnist_core.files import open_checked
from mnist_core.network.calibration import expected_calibration_error
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
            shift = np.array([_place(signs, sign, boxed) + apart, 0])
            sign = [stroke + shift for stroke in sign]
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
    low, high = points.min(0), points.max(0)
    side = max((high - low).max(), 1e-9)
    return [(stroke - [low[0], high[1]]) / side for stroke in strokes]


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
    """As of single digits: a number is right, answer 0, or wrong, which nothing answers."""
    answers = torch.tensor(confidence)[:, None] * torch.tensor([1, 0])
    return expected_calibration_error(answers, torch.tensor(~right).long())


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


# Fitting the weights of mnist_core/drawing/numbers.py --------------------------

FOLDS = 3
IMPORTANCE = {"real": 3.0, "made": 1.0, "digit": 1.0, "sign": 0.05}
# The loss of a case is cut off here: numbers that nobody could read don't decide.
MAX_LOSS = {"real": 5.0, "made": 5.0, "digit": 5.0, "sign": 15.0}


@dataclass(frozen=True)
class Case:
    """A drawing to fit to. digits: what was written, None for a sign that is no digit.

    log_probabilities: (spans, 10), what the network reads in each span of the line.
    """

    kind: str
    digits: list[int] | None
    strokes: Strokes
    line: numbers.Line
    log_probabilities: np.ndarray


def read_numbers(path: Path) -> list[tuple[str, list[int], Strokes]]:
    """Writer, digits and strokes of each line {"number": "42", "writer": ..., "strokes": ...}."""
    with open_checked(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        (row["writer"], [int(digit) for digit in row["number"]], parse_strokes(row["strokes"]))
        for row in rows
    ]


def case_of(recognizer: Recognizer, kind: str, digits: list[int] | None, strokes: Strokes) -> Case:
    line = numbers.measure(strokes)
    images = [frame_strokes(numbers.drawn(strokes, line.group(span))) for span in line.spans]
    with torch.inference_mode():
        read = recognizer.model(to_input(torch.from_numpy(np.stack(images))))
    return Case(kind, digits, strokes, line, read.numpy())


class Batch:
    """Cases as tensors, to compute their losses together.

    (N, P, L) of each span: by the case, its first piece and one less than its pieces.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self.counts = torch.tensor([len(case.line.pieces) for case in cases])
        self.lengths = torch.tensor([len(case.digits or [0]) for case in cases])
        self.are_whole = torch.tensor([case.kind in ("digit", "sign") for case in cases])
        self.importance = torch.tensor([IMPORTANCE[case.kind] for case in cases])
        self.max_loss = torch.tensor([MAX_LOSS[case.kind] for case in cases])
        shape = len(cases), int(self.counts.max()), numbers.MAX_SPAN
        self.features = torch.zeros(*shape, 9)
        self.allowed = torch.full(shape, NEVER)
        self.right = torch.zeros(*shape, int(self.lengths.max()))  # log p of each written digit
        self.marks = torch.zeros(*shape[:2], 3)
        self.marks_allowed = torch.full(shape[:2], NEVER)
        for n, case in enumerate(cases):
            self._fill(n, case)

    def _fill(self, n: int, case: Case) -> None:
        line, read = case.line, torch.tensor(case.log_probabilities)
        for k, (first, stop) in enumerate(line.spans):
            place = n, first, stop - first - 1
            if place[2] >= numbers.MAX_SPAN:
                continue
            features = [*line.span_features[k], *line.boundary_features[first]]
            self.features[place] = torch.tensor([float(read[k].max()), *features])
            self.allowed[place] = 0
            if case.digits:
                self.right[place][: len(case.digits)] = read[k, case.digits]
        for k, features in line.mark_features.items():
            self.marks[n, k], self.marks_allowed[n, k] = torch.tensor(features), 0

    def loss(self, weights: torch.Tensor) -> torch.Tensor:
        """The weighted sum of -log p(what was written), over all divisions that give it."""
        scores = self.features @ weights[:9] + self.allowed  # (N, P, L)
        marks = self.marks @ weights[9:] + self.marks_allowed  # (N, P)
        count, pieces, length = scores.shape
        every = [torch.zeros(count)]
        never = torch.full((count, 1), NEVER)
        right = [torch.cat([torch.zeros(count, 1), never.expand(-1, self.right.shape[-1])], 1)]
        for stop in range(1, pieces + 1):
            ways, right_ways = [every[-1] + marks[:, stop - 1]], [right[-1] + marks[:, [stop - 1]]]
            for k in range(min(length, stop)):
                first = stop - 1 - k
                score = scores[:, first, k]
                ways.append(every[first] + score)
                longer = right[first][:, :-1] + score[:, None] + self.right[:, first, k]
                right_ways.append(torch.cat([never, longer], 1))
            every.append(torch.logsumexp(torch.stack(ways), 0))
            right.append(torch.logsumexp(torch.stack(right_ways), 0))
        rows = torch.arange(count)
        all_of = torch.stack(every, 1)[rows, self.counts]
        written = torch.stack(right, 1)[rows, self.counts, self.lengths]
        last = (self.counts - 1).clamp(max=length - 1)
        whole = scores[rows, 0, last] + self.right[rows, 0, last, 0]
        losses = all_of - torch.where(self.are_whole, whole, written)
        return (torch.minimum(losses, self.max_loss) * self.importance).sum()


def fit(cases: Sequence[Case]) -> list[float]:
    """The weights that make what was written most probable: reading, span, boundary, mark."""
    batches = []
    for low, high in ((2, 3), (4, 6), (7, 14)):  # of one piece, nothing is to be decided
        some = [case for case in cases if low <= len(case.line.pieces) <= high]
        batches += [Batch(some)] if some else []
    total = sum(batch.importance.sum() for batch in batches)
    start = torch.tensor(WEIGHTS_BEFORE_FIT)
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = sum(batch.loss(weights) for batch in batches) / total
        loss = loss + 1e-3 * ((weights - start) ** 2).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.tolist()


def use(weights: list[float]) -> None:
    """Divide with these weights from now on."""
    numbers.READING_WEIGHT = weights[0]
    numbers.SPAN_WEIGHTS, numbers.BOUNDARY_WEIGHTS, numbers.MARK_WEIGHTS = (
        np.array(part) for part in (weights[1:4], weights[4:9], weights[9:])
    )


def fitted(recognizer: Recognizer, args: argparse.Namespace) -> str:
    """Weights for constants.json, and how real numbers of held-out writers are read by them."""
    chance = np.random.default_rng(args.seed + 1)
    unseen = split_drawings([one for path in args.drawings for one in read_drawings(path)])[1]
    signs = [one for path in args.not_digits for one in read_drawings(path, False)]
    made = some_numbers(Writers(unseen), args.count, range(2, 6), chance)
    drawn = [("made", digits, strokes) for digits, strokes in made]
    drawn += [("digit", [one.label], one.strokes) for one in unseen]
    chosen = chance.permutation(len(signs))[: 2 * args.count]
    drawn += [("sign", None, signs[k].strokes) for k in chosen]
    others = [case_of(recognizer, *one) for one in drawn]
    rows = read_numbers(args.numbers)
    real = [case_of(recognizer, "real", digits, strokes) for _, digits, strokes in rows]
    writers = sorted({writer for writer, _, _ in rows})
    folds = dict(zip(writers, chance.permutation(len(writers)) % FOLDS, strict=True))
    found: list[Number] = []
    digits: list[list[int]] = []
    for fold in range(FOLDS):
        inside = [case for case, row in zip(real, rows, strict=True) if folds[row[0]] != fold]
        use(fit(inside + others))
        held_out = [row for row in rows if folds[row[0]] == fold]
        found += [recognizer.predict_number(strokes) for _, _, strokes in held_out]
        digits += [written for _, written, _ in held_out]
    row = number_row(f"real numbers, {FOLDS} folds by writer", found, digits)
    weights = fit(real + others)
    use(weights)
    several = [recognizer.predict_number(case.strokes) for case in others if case.kind == "sign"]
    sure = np.mean([len(one.digits) > 1 and one.verdict == "sure" for one in several])
    parts = dict(
        zip(("span", "boundary", "mark"), (weights[1:4], weights[4:9], weights[9:]), strict=True)
    )
    shown = {name: [round(weight, 1) for weight in part] for name, part in parts.items()}
    shown = {"reading": round(weights[0], 1), **shown}
    sign_row = (f"signs called a sure number (n = {len(several)})", f"{sure:.2%}")
    tables = table(HEADER, [row]), table(("what else", "share"), [sign_row])
    return "\n".join([f'"weights": {json.dumps(shown)}', *tables])


NEVER = -1e4  # the logarithm of a probability of 0
WEIGHTS_BEFORE_FIT = [6.0, -6, -4, 0, 0, 6, -4, 0, -10, -3, -3, -3]


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
    add("--numbers", type=Path, metavar="FILE", help="real numbers, to fit and validate on")
    add("--fit", action="store_true", help="fit the weights of numbers.py; needs --numbers")
    args = parser.parse_args()
    if args.fit and not args.numbers:
        parser.error("--fit needs --numbers")
    torch.set_num_threads(1)
    try:
        recognizer = Recognizer.load(args.network)
        if args.fit:
            return print(fitted(recognizer, args))
        print(report(recognizer, args))
    except UserError as error:
        parser.exit(2, f"whole_numbers.py: {error}\n")


if __name__ == "__main__":
    main()
