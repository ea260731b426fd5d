"""What a small network learns of sevens with and without a bar, as on a class's wall.

    python -m experiments.piles --drawings data/unipen-digits.jsonl.gz --classes 10

For each class of people who never met it takes 48 sevens with a bar and 48 without. Half of each
pile teaches (ui/recognizer/classroom.js, in Node.js), the other half is read. Writes piles.md.
"""

import argparse
import random
from pathlib import Path
from statistics import mean

from experiments import common
from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.tables import table

PILE = 48  # drawings
SOURCES = {"MNIST": [], "only with a bar": [0], "only without": [1], "both piles": [0, 1]}
SCRIPT = """
import { hasMark, halves, learnFrom } from "UI/recognizer/classroom.js";
import { predictStrokes } from "UI/recognizer/recognizer.js";

for (const order of given.orders) {
  const all = order.map((place) => given.sevens[place]);
  const piles = [true, false].map((wanted) =>
    halves(all.filter((strokes) => hasMark(7, strokes) === wanted).slice(0, given.size)));
  answer(given.sources.map((source) => {
    const learning = learnFrom(mnist, 7, source.flatMap((pile) => piles[pile][0]));
    let step = learning.next();
    while (!step.done) step = learning.next();
    const isWrong = (strokes) => predictStrokes(step.value, strokes).digit !== 7;
    return piles.map(([, held]) => held.filter(isWrong).length);
  }));
}
"""


def main() -> None:
    parser = common.argument_parser("Train a small network on sevens with and without a bar.")
    parser.add_argument("--drawings", type=Path, required=True, help="a drawing file")
    parser.add_argument("--classes", type=int, default=10, help="(%(default)s)")
    common.write_page(parser, "piles", "piles.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """Return the page. Raises UserError for too few sevens."""
    sevens = [d.strokes for d in read_drawings(args.drawings) if d.label == 7]
    if len(sevens) < 4 * PILE:
        raise UserError(f"{args.drawings} has {len(sevens)} sevens; expected {4 * PILE} or more")
    chance = random.Random(0)
    given = {
        "sevens": [[stroke.tolist() for stroke in strokes] for strokes in sevens],
        "orders": [chance.sample(range(len(sevens)), len(sevens)) for _ in range(args.classes)],
        "size": PILE,
        "sources": list(SOURCES.values()),
    }
    found = common.run_javascript(SCRIPT, given, weights.load(weights.SHIPPED))
    rows = []
    for i, name in enumerate(SOURCES):
        shares = [[100 * each[i][pile] / (PILE // 2) for each in found] for pile in (0, 1)]
        rows.append([name, *(f"{mean(s):.0f} ({min(s):.0f} to {max(s):.0f})" for s in shares)])
    header = ("it learned its 7s from", "wrong with a bar, %", "wrong without, %")
    words = f"`{common.command()}`: mean, least and most of {args.classes} classes.\n\n"
    return words + table(header, rows), None


if __name__ == "__main__":
    main()
