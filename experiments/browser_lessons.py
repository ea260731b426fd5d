"""Let the page's own module learn from one writer after another, and count what it then misreads.

    python -m experiments.browser_lessons --drawings data/pendigits-test.jsonl.gz

People, protocols and seeds are those of personalization.py, but only the last layer learns, in
ui/recognizer/learning.js, which Node.js runs. Rewrites the section "In the browser" of
corrections.md in runs/experiments (`--output docs`: of docs/). Some three minutes on one core.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import chain
from statistics import median

import torch

from experiments import common
from experiments.personalization import (
    BROWSER,
    PROTOCOLS,
    SAVED,
    Split,
    argument_parser,
    by_writer,
    shuffled_order,
)
from experiments.tables import least_to_most, mean_and_deviation
from mnist_core.drawing.framing import to_input
from mnist_core.drawing.strokes import read_drawings
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file
from mnist_core.tables import table
from mnist_core.training.data import Dataset, load_mnist, render_drawings

SCRIPT = """
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { unpackImages } from "UI/recognizer/images.js";
import { rehearse, teach } from "UI/recognizer/learning.js";
import { readNetwork } from "UI/recognizer/network.js";
import { inSlices } from "UI/session/slices.js";
const network = readNetwork(new Uint8Array(readFileSync("network.bin")).buffer);
const { images, cases } = JSON.parse(readFileSync("cases.json", "utf8"));
const known = unpackImages(gunzipSync(readFileSync(new URL("UI/files/images.gz"))));
const rehearsed = await inSlices(rehearse(network, known.images.subarray(0, 500 * 784)));
for (const lessons of cases) {
  const started = performance.now();
  const drawings = lessons.map(([i, label]) => ({ pixels: images[i], label }));
  const taught = await inSlices(teach(network, drawings, rehearsed));
  const milliseconds = performance.now() - started;
  const { weights, biases, steps } = taught.layers.at(-1);
  const layer = [...Array.from(weights, (weight, i) => steps[i % 10] * weight), ...biases];
  console.log(JSON.stringify({ layer, milliseconds, lessons: taught.lessons }));
}
"""


def main() -> None:
    parser = argument_parser("Let the page's module learn from writers, one by one.")
    common.write_page(parser, "browser_lessons", "corrections.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """corrections.md with this section written anew."""
    model, config = weights.load(args.weights)
    drawings = list(chain(*by_writer(read_drawings(args.drawings)).values()))
    writers = [str(drawing.extra["writer"]) for drawing in drawings]
    test = load_mnist(args.data, train=False)
    trial = Trial(model, browser_file(model, config), render_drawings(drawings), test)
    protocols = {"corrects what is misread, and no more": only_misread, **PROTOCOLS}
    rows = [row(trial, name, choose, writers, args.seeds) for name, choose in protocols.items()]
    header = ("the person", "misread before", "misread after", "of what was misread, still is")
    header += ("of digits", "MNIST test before", "after", "least to most", "lessons not used")
    people = len(set(writers))
    section = f"""\
{BROWSER}

Made by `{common.command()}`: {people} people, n = {args.seeds} seeds, {people * args.seeds} \
networks a row; Node.js; {common.machine()}.

The page learns by itself from what a person corrects or confirms there: the last layer is trained \
further with these drawings and 500 rehearsed images of MNIST, the rest of the network stays, and \
nothing leaves the browser ([learning.js](../ui/recognizer/learning.js)). People, order and counts \
are those above; in the first row they confirm nothing. The settings were chosen on writers of the \
training collections ([experiments](experiments.md)). Where the rehearsed answers move too far, as \
they do after wrong corrections, the page uses fewer, the latest.

{table((*header, "milliseconds, median"), rows)}
{one_by_one(trial)}"""
    file = args.output / "corrections.md"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    return f"{old.partition(BROWSER)[0].rstrip()}\n\n{section}", config


class Trial:
    """Drawings and MNIST's test images as the last layer receives them; and who learns."""

    def __init__(self, model: MLP, file: bytes, drawn: Dataset, test: Dataset) -> None:
        self.file, self.last = file, model.layers[-1]
        (self.images, self.labels), self.test_labels = drawn, test[1]
        with torch.no_grad():
            self.features = model.layers[:-1](to_input(drawn[0]))
            self.test = model.layers[:-1](to_input(test[0]))
            self.before = self.last(self.features).softmax(1)
            self.mnist = accuracy(self.last(self.test), self.test_labels)

    def learn(self, cases: list[list[int]]) -> list[dict]:
        """What learning from each list of drawings gives: probabilities, accuracy, milliseconds."""
        labelled = [[[i, int(self.labels[i])] for i in saved] for saved in cases]
        question = {"images": self.images.flatten(1).tolist(), "cases": labelled}
        files = {"network.bin": self.file, "cases.json": json.dumps(question).encode()}
        return [self.score(answer) for answer in common.run_javascript(SCRIPT, files)]

    def score(self, answer: dict) -> dict:
        layer = torch.tensor(answer.pop("layer")).reshape(-1, 10)  # (inputs + 1, 10)
        after = (self.features @ layer[:-1] + layer[-1]).softmax(1)
        mnist = accuracy(self.test @ layer[:-1] + layer[-1], self.test_labels)
        return {**answer, "after": after, "mnist": mnist}


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    return float((scores.argmax(1) == labels).double().mean())


def only_misread(probabilities: torch.Tensor, labels: torch.Tensor, order: list[int]) -> Split:
    """Of the first half of `order` what is misread."""
    shown, rest = order[: len(order) // 2], order[len(order) // 2 :]
    return [i for i in shown if probabilities[i].argmax() != labels[i]][:SAVED], rest


def row(trial: Trial, name: str, choose: Callable, writers: Sequence[str], seeds: int) -> list[str]:
    cases, rests = [], []
    for writer in dict.fromkeys(writers):
        own = [i for i, each in enumerate(writers) if each == writer]
        for seed in range(seeds):
            order = shuffled_order(writer, seed, len(own))
            saved, rest = choose(trial.before[own], trial.labels[own], order)
            cases.append([own[i] for i in saved])
            rests.append([own[i] for i in rest])
    answers = trial.learn(cases)
    before, after = [0] * seeds, [0] * seeds
    for n, (rest, answer) in enumerate(zip(rests, answers, strict=True)):
        for counts, probabilities in ((before, trial.before), (after, answer["after"])):
            wrong = probabilities[rest].argmax(1) != trial.labels[rest]
            counts[n % seeds] += int(wrong.sum())
    scores = [answer["mnist"] for answer in answers]
    unused = [len(saved) - each["lessons"] for saved, each in zip(cases, answers, strict=True)]
    return [
        name,
        mean_and_deviation(before, ".1f"),
        mean_and_deviation(after, ".1f"),
        f"{sum(after) / max(1, sum(before)):.0%}",
        f"{sum(map(len, rests)) // seeds:,}",
        f"{trial.mnist:.2%}",
        f"{sum(scores) / len(scores):.2%}",
        least_to_most(scores, ".2%"),
        f"{sum(unused)} of {sum(map(len, cases))}",
        f"{median(each['milliseconds'] for each in answers if each['lessons']):.0f}",
    ]


def one_by_one(trial: Trial) -> str:
    """The effect of a single correction, for each drawing that is misread."""
    wrong = (trial.before.argmax(1) != trial.labels).nonzero().flatten().tolist()
    answers = trial.learn([[i] for i in wrong])
    after = torch.stack([each["after"][i] for i, each in zip(wrong, answers, strict=True)])
    labels = trial.labels[wrong]
    right = int((after.argmax(1) == labels).sum())
    old, new = (p[range(len(wrong)), labels].tolist() for p in (trial.before[wrong], after))
    scores = [each["mnist"] for each in answers]
    return f"""\
Of the {len(wrong)} drawings that are misread, {right} are read right once each is corrected \
alone: the digit that the person names has a median probability of {median(new):.2f} (before, \
{median(old):.2f}; at least {min(new):.2f}). MNIST's test images are then at \
{least_to_most(scores, ".2%")}. It takes a median of \
{median(each["milliseconds"] for each in answers):.0f} milliseconds.
"""


if __name__ == "__main__":
    main()
