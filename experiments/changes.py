"""Look for the one change that makes each of many drawings another digit: docs/ghosts.md and .png.

    python -m experiments.changes data/pendigits-test.jsonl.gz --output docs

The search is the page's, in Node.js. Its time is also given in plain readings of the same drawing,
which a busy or slower machine changes little.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from experiments import common
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.network import weights
from mnist_core.tables import table

SCRIPT = """
import { bestChange, findChanges } from "UI/recognizer/changes.js";
import { attribute } from "UI/recognizer/reasons.js";
import { predictStrokes } from "UI/recognizer/recognizer.js";
const timed = (work, start = performance.now()) => (work(), performance.now() - start);
for (const strokes of given) {
  const { pixels, ...read } = predictStrokes(network, strokes);
  let found;
  const time = timed(() => { for (found of findChanges(network, strokes)); });
  const reading = timed(() => { for (let i = 50; i--; ) predictStrokes(network, strokes); }) / 50;
  const { rest, odds, blank } = attribute(network, pixels, read.digit, read.runner_up, 16);
  const missing = Math.abs(rest / (odds - blank));
  answer({ ...read, found, best: bestChange(found, read), time, plain: time / reading, missing });
}
"""
SIDE, GAP, COLUMNS, ROWS = 150, 22, 10, 6  # of the sheet, in pixels and pictures
INK, OTHER, GONE = "#1f2937", "#0082dc", "#c3c8d0"


def main() -> None:
    parser = common.argument_parser("Look for changes that make drawings other digits.")
    parser.add_argument("drawings", type=Path, help="a drawing file")
    parser.add_argument("--weights", type=Path, default=weights.SHIPPED, help="the network")
    parser.add_argument("--count", type=int, default=200, help="how many drawings")
    common.write_page(parser, "changes", "ghosts.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """Search drawings of the file, each digit as often, and put the first ones on a sheet."""
    network, known = weights.load(args.weights), read_drawings(args.drawings)
    of_digits = [[each for each in known if each.label == digit] for digit in range(10)]
    strokes = [on_paper(ones[i]) for i in range(args.count // 10) for ones in of_digits]
    results = common.run_javascript(SCRIPT, strokes, network)
    draw_sheet(strokes, results).save(args.output / "ghosts.png", optimize=True)
    rows = []
    for digit in range(10):
        asked = [each["found"][digit] is not None for each in results if each["digit"] != digit]
        rows.append([digit, f"{np.mean(asked):.0%}"])
    some = np.mean([each["best"] is not None for each in results])
    (plain, most_plain), (time, most_time), (missing, most_missing) = (
        np.quantile([each[key] for each in results], (0.5, 0.95))
        for key in ("plain", "time", "missing")
    )
    page = f"""# One stroke away

Made by `{common.command()}` from {len(results)} drawings, each digit as often. {common.machine()}.

![60 drawings: blue what would make each another digit, grey what would go](ghosts.png)

For {some:.1%} of the drawings some change makes another digit. Asked for one digit, it is found for

{table(["digit", "drawings"], rows)}
A search takes as long as {plain:,.0f} plain readings of the drawing (95th percentile
{most_plain:,.0f}): {time:,.0f} ms in the median, {most_time:,.0f} at the 95th percentile.
The milliseconds depend on what else the machine does, the count of readings hardly.

What the pixels add on the way from blank paper misses its exact sum with 16 points by {missing:.1%}
in the median, {most_missing:.0%} at the 95th percentile.
"""
    return page, network[1]


def on_paper(drawing: Drawing) -> list:
    """The strokes in the middle of the page's paper, 600 of its 1000 units long."""
    points = np.concatenate(drawing.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 600 / max(*(high - low), 1)
    return [((s - (low + high) / 2) * scale + 500).round().tolist() for s in drawing.strokes]


def draw_sheet(drawings: list, results: list[dict]) -> Image.Image:
    """Each drawing with its best change, what it is and what it would be."""
    sheet = Image.new("RGB", (COLUMNS * SIDE, ROWS * (SIDE + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for n, (strokes, each) in enumerate(zip(drawings[: COLUMNS * ROWS], results, strict=False)):
        left, top = n % COLUMNS * SIDE, n // COLUMNS * (SIDE + GAP)
        best = each["best"] or {"line": None, "removed": [], "digit": "none", "confidence": 0}
        lines = [(stroke, INK, 7) for stroke in strokes]
        lines += [(stroke, GONE, 7) for stroke in best["removed"]]
        lines += [(stroke, OTHER, 3) for stroke in [*best["removed"], best["line"] or []]]
        for stroke, colour, width in lines:
            points = [(left + x * SIDE / 1000, top + y * SIDE / 1000) for x, y in stroke]
            pen.line(points * 2 if len(points) == 1 else points, colour, width, joint="curve")
        words = f"{each['digit']} to {best['digit']}  {best['confidence']:.0%}"
        pen.text((left + SIDE / 2, top + SIDE), words, INK, font, anchor="mt")
    return sheet


if __name__ == "__main__":
    main()
