"""Read the same with Python and with JavaScript, and print how far they differ: docs/browser.md.

    python experiments/browser_parity.py data/pendigits-test.jsonl.gz

MNIST's test images go in as pixels, the drawings of the file as strokes. Needs Node.js.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.framing import to_input
from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.network.grid import browser_file
from mnist_core.network.model import MLP
from mnist_core.recognizer import Prediction, Recognizer
from mnist_core.tables import table
from mnist_core.training.data import load_mnist

EXPLAINED = 1000  # of each set
SCRIPT = """
import { readFileSync } from "node:fs";
import { readNetwork } from "UI/recognizer/network.js";
import { attribute } from "UI/recognizer/reasons.js";
import { predictPixels, predictStrokes } from "UI/recognizer/recognizer.js";
const network = readNetwork(new Uint8Array(readFileSync("network.bin")).buffer);
const { kind, cases, explained } = JSON.parse(readFileSync("cases.json", "utf8"));
const read = kind === "pixels" ? predictPixels : predictStrokes;
console.log(JSON.stringify(cases.map((drawing, i) => {
  const { probabilities, digit, runner_up, verdict, pixels } = read(network, drawing);
  const isExplained = i < explained;
  const why = isExplained ? [...attribute(network, pixels, digit, runner_up, 1).slopes] : null;
  return { probabilities, digit, verdict, pixels: [...pixels], why };
})));
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare Python's answers with JavaScript's.")
    parser.add_argument("drawings", type=Path, help="a drawing file")
    parser.add_argument("--weights", default=ROOT / "weights", help="the network")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="holds MNIST/raw")
    args = parser.parse_args()
    try:
        recognizer = Recognizer.load(args.weights)
        images = load_mnist(args.data, train=False)[0]
        drawings = read_drawings(args.drawings)
        node = shutil.which("node")
        if node is None:
            raise UserError("there is no Node.js here: install it")
    except UserError as error:
        parser.exit(2, f"browser_parity.py: {error}\n")
    strokes = [[stroke.tolist() for stroke in drawing.strokes] for drawing in drawings]
    pixels = images.flatten(1).tolist()
    rows = [
        ("MNIST test, as pixels", *compare(recognizer, node, "pixels", pixels)),
        (f"{args.drawings.name}, as strokes", *compare(recognizer, node, "strokes", strokes)),
    ]
    header = ("drawings or pictures", "of", "pixels that differ", "probabilities by at most")
    header += ("other digit", "other verdict", f"explanations of {EXPLAINED:,} by at most")
    print(table(header, rows))


def compare(recognizer: Recognizer, node: str, kind: str, cases: list) -> list:
    """A row of the table, from its second cell."""
    answers = in_javascript(recognizer, node, kind, cases)
    pixels, digits, verdicts, probabilities, reasons = 0, 0, 0, [], []
    for drawing, found in zip(cases, answers, strict=True):
        expected = in_python(recognizer, kind, drawing)
        pixels += int((expected.pixels.ravel() != np.array(found["pixels"])).sum())
        digits += expected.digit != found["digit"]
        verdicts += expected.verdict != found["verdict"]
        probabilities.append(np.abs(expected.probabilities - found["probabilities"]).max())
        if found["why"]:
            pixels_read = torch.from_numpy(expected.pixels)
            slopes = gradient(recognizer.model, pixels_read, expected.digit, expected.runner_up)
            reasons.append(np.abs(slopes.numpy() - found["why"]).max())
    at_most = f"{max(probabilities):.1e}", digits, verdicts, f"{max(reasons):.1e}"
    return [f"{len(cases):,}", f"{pixels} of {784 * len(cases):,}", *at_most]


def gradient(model: MLP, pixels: torch.Tensor, digit: int, other: int) -> torch.Tensor:
    """How log p(digit) - log p(other) grows with each of 784 pixels, in units of full ink."""
    inputs = to_input(pixels)[0].requires_grad_()
    scores = model.layers(inputs)
    (slopes,) = torch.autograd.grad(scores[digit] - scores[other], inputs)
    return slopes


def in_python(recognizer: Recognizer, kind: str, drawing: list) -> Prediction:
    if kind == "strokes":
        return recognizer.predict_strokes(drawing)
    return recognizer.predict_pixels(np.array(drawing, np.uint8).reshape(28, 28))


def in_javascript(recognizer: Recognizer, node: str, kind: str, cases: list) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "package.json").write_text('{"type": "module"}')
        (place / "network.bin").write_bytes(browser_file(recognizer.model, recognizer.config))
        question = {"kind": kind, "cases": cases, "explained": EXPLAINED}
        (place / "cases.json").write_text(json.dumps(question))
        (place / "read.js").write_text(SCRIPT.replace("UI/", f"{(ROOT / 'ui').as_uri()}/"))
        done = subprocess.run([node, "read.js"], cwd=place, capture_output=True, check=True)
        return json.loads(done.stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
