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
from pathlib import Path

import numpy as np
import torch

from experiments import common, fit_numbers
from experiments.written_numbers import Strokes, Writers, some_numbers, write
from mnist_core import Number, Recognizer
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.network.calibration import expected_calibration_error
from mnist_core.tables import table, wilson_interval
from mnist_core.training.data import contributor_of, split_drawings

WORDS = (  # noqa: SIM905
    "the and hand that have with this are from word what were when your said each which their"
    " time will many then them write like these her long make thing see him two has more day"
).split()
HEADER = (
    *("numbers", "n", "exactly right", "95 % interval", "right count of digits"),
    *("sure", "of the sure, wrong", "calibration error"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Count how numbers are read.")
    add = parser.add_argument
    files = {"type": Path, "nargs": "+", "metavar": "FILE", "required": True}
    add("--drawings", **files, help="digits, with the names of their writers")
    add("--not-digits", **files, help="letters and signs, likewise")
    add("--test", type=Path, metavar="FILE", help="digits by other writers, never trained on")
    add("--network", default=common.ROOT / "weights", help="what reads them (weights/)")
    add("--count", type=int, default=500, help="numbers of each kind (%(default)s)")
    add("--seed", type=int, default=0, help="what chance starts from (%(default)s)")
    add("--numbers", type=Path, metavar="FILE", help="real numbers, to fit and validate on")
    add("--fit", action="store_true", help="fit the weights of numbers.py; needs --numbers")
    common.run(parser, measure)


def measure(args: argparse.Namespace) -> None:
    if args.fit and not args.numbers:
        raise UserError("--fit needs --numbers, a file of real numbers")
    recognizer = Recognizer.load(args.network)
    seen, unseen = split_drawings([one for path in args.drawings for one in read_drawings(path)])
    signs = [one for path in args.not_digits for one in read_drawings(path, False)]
    if args.fit:
        print(fitted(recognizer, unseen, signs, args))
    else:
        strangers = {*map(contributor_of, unseen)} - {*map(contributor_of, seen)}
        letters = [one for one in signs if contributor_of(one) in strangers]
        print(report(recognizer, unseen, letters, args))


def report(
    recognizer: Recognizer, unseen: list[Drawing], letters: list[Drawing], args: argparse.Namespace
) -> str:
    """docs/numbers.md's tables."""
    chance = np.random.default_rng(args.seed)
    people = {"held-out writers": unseen}
    if args.test:
        people["pen-digit test writers"] = read_drawings(args.test)
    rows, others = [], []
    for who, theirs in people.items():
        writers = Writers(theirs)
        for length in range(2, 6):
            digits, strokes = zip(*some_numbers(writers, args.count, [length], chance), strict=True)
            found = [recognizer.predict_number(one) for one in strokes]
            rows.append(number_row(f"{who}, {length} digits", found, digits))
        single = [len(recognizer.predict_number(one.strokes).digits) != 1 for one in theirs]
        others.append((f"single digits, {who}: split", len(single), f"{np.mean(single):.2%}"))
    words = some_words(Writers(letters), args.count, chance)
    sure = np.mean([recognizer.predict_number(one).verdict == "sure" for one in words])
    others.append(("words by strangers: called a sure number", len(words), f"{sure:.2%}"))
    return f"{table(HEADER, rows)}\n{table(('what else', 'n', 'share'), others)}"


def some_words(writers: Writers, count: int, chance: np.random.Generator) -> list[Strokes]:
    found: list[Strokes] = []
    while len(found) < count:
        drawings = writers.choose(WORDS[chance.integers(len(WORDS))], chance)
        if drawings:
            found.append(write(drawings, chance))
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


def fitted(
    recognizer: Recognizer, unseen: list[Drawing], signs: list[Drawing], args: argparse.Namespace
) -> str:
    """Weights for constants.json, and how real numbers of held-out writers are read by them."""
    chance = np.random.default_rng(args.seed + 1)
    made = some_numbers(Writers(unseen), args.count, range(2, 6), chance)
    drawn = [("made", digits, strokes) for digits, strokes in made]
    drawn += [("digit", [one.label], one.strokes) for one in unseen]
    chosen = [signs[k].strokes for k in chance.permutation(len(signs))[: 2 * args.count]]
    drawn += [("sign", None, strokes) for strokes in chosen]
    others = [fit_numbers.case_of(recognizer, *one) for one in drawn]
    rows = fit_numbers.read_numbers(args.numbers)
    real = [fit_numbers.case_of(recognizer, "real", *row[1:]) for row in rows]
    writers, indices = np.unique([writer for writer, *_ in rows], return_inverse=True)
    folds = (chance.permutation(len(writers)) % fit_numbers.FOLDS)[indices]
    found, digits = fit_numbers.read_by_others(recognizer, real, others, folds)
    weights = fit_numbers.fit(real + others)
    fit_numbers.use(weights)
    several = [recognizer.predict_number(strokes) for strokes in chosen]
    sure = np.mean([len(one.digits) > 1 and one.verdict == "sure" for one in several])
    parts = {"span": weights[1:4], "boundary": weights[4:9], "mark": weights[9:]}
    shown = {name: [round(weight, 1) for weight in part] for name, part in parts.items()}
    shown = {"reading": round(weights[0], 1), **shown}
    row = number_row(f"real numbers, {fit_numbers.FOLDS} folds by writer", found, digits)
    signs_row = (f"signs called a sure number (n = {len(several)})", f"{sure:.2%}")
    tables = table(HEADER, [row]), table(("what else", "share"), [signs_row])
    return "\n".join([f'"weights": {json.dumps(shown)}', *tables])


if __name__ == "__main__":
    main()
