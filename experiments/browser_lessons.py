"""Let the page's own module learn from one writer after another, and count what it then misreads.

    python -m experiments.browser_lessons --drawings data/pendigits-test.jsonl.gz

People, protocols and seeds are those of personalization.py, but only the last layer learns, in
ui/recognizer/learning.js, which Node.js runs. Rewrites the section "In the browser" of
corrections.md in runs/experiments (`--output docs`: of docs/). Some three minutes on one core.
"""

import argparse
from pathlib import Path
from statistics import median

import torch

from experiments import common
from experiments.people import BROWSER, HEADER, PROTOCOLS, SAVED, Case, People, argument_parser, row
from experiments.tables import least_to_most
from mnist_core.drawing.framing import to_input
from mnist_core.network import weights
from mnist_core.tables import table
from mnist_core.training.data import load_mnist

SCRIPT = """
import { rehearse, teach } from "UI/recognizer/learning.js";
import { inSlices } from "UI/session/slices.js";
const rehearsed = await inSlices(rehearse(network, mnist.images.subarray(0, 500 * 784)));
for (const lessons of given.cases) {
  const started = performance.now();
  const drawings = lessons.map(([i, label]) => ({ pixels: given.images[i], label }));
  const taught = await inSlices(teach(network, drawings, rehearsed));
  const milliseconds = performance.now() - started;
  const { weights, biases, steps } = taught.layers.at(-1);
  const layer = [...Array.from(weights, (weight, i) => steps[i % 10] * weight), ...biases];
  answer({ layer, milliseconds, lessons: taught.lessons });
}
"""


def main() -> None:
    parser = argument_parser("Let the page's module learn from writers, one by one.")
    common.write_page(parser, "browser_lessons", "corrections.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """corrections.md with this section written anew."""
    trial = Trial(args.drawings, args.weights, args.seeds)
    protocols = {"corrects what is misread, and no more": only_misread, **PROTOCOLS}
    rows = [trial.row(name, trial.people.cases(choose)) for name, choose in protocols.items()]
    section = f"""\
{BROWSER}

Made by `{common.command()}`: {len(trial.people.writers)} people, n = {args.seeds} seeds; \
Node.js; {common.machine()}.

The page learns by itself from what a person corrects or confirms there: the last layer is trained \
further with these drawings and 500 rehearsed images of MNIST, the rest of the network stays, and \
nothing leaves the browser ([learning.js](../ui/recognizer/learning.js)). People, order and counts \
are those above; in the first row they confirm nothing. The settings were chosen on writers of the \
training collections ([experiments](experiments.md)). Where the rehearsed answers move too far, as \
they do after wrong corrections, the page uses fewer, the latest.

{table((*HEADER, "lessons not used", "milliseconds, median"), rows)}
{one_by_one(trial)}"""
    file = args.output / "corrections.md"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    return f"{old.partition(BROWSER)[0].rstrip()}\n\n{section}", trial.network[1]


class Trial:
    """Drawings and MNIST's test images as the last layer receives them; and who learns."""

    def __init__(self, drawings: Path, directory: Path, seeds: int) -> None:
        self.network = model, _ = weights.load(directory)
        self.people = People(drawings, model, seeds)
        test, self.test_labels = load_mnist(common.DATA, train=False)
        with torch.no_grad():
            self.features = model.layers[:-1](to_input(self.people.images))
            self.test = model.layers[:-1](to_input(test))
            self.mnist = self.accuracy(model.layers[-1](self.test))

    def accuracy(self, scores: torch.Tensor) -> float:
        """Of MNIST's test images."""
        return float((scores.argmax(1) == self.test_labels).double().mean())

    def learn(self, cases: list[list[int]]) -> list[dict]:
        """What learning from each list of drawings gives: scores, accuracy, milliseconds."""
        labels, images = self.people.labels.tolist(), self.people.images.flatten(1).tolist()
        given = {"images": images, "cases": [[[i, labels[i]] for i in case] for case in cases]}
        answers = common.run_javascript(SCRIPT, given, self.network)
        for answer in answers:
            layer = torch.tensor(answer.pop("layer")).reshape(-1, 10)  # (inputs + 1, 10)
            answer["scores"] = self.features @ layer[:-1] + layer[-1]
            answer["mnist"] = self.accuracy(self.test @ layer[:-1] + layer[-1])
        return answers

    def row(self, name: str, cases: list[Case]) -> list[str]:
        answers = self.learn([saved for saved, _ in cases])
        counts = self.people.counts(cases, [each["scores"] for each in answers])
        given = sum(len(saved) for saved, _ in cases)
        unused = given - sum(each["lessons"] for each in answers)
        milliseconds = median(each["milliseconds"] for each in answers if each["lessons"])
        cells = row(name, counts, self.mnist, [each["mnist"] for each in answers])
        return [*cells, f"{unused} of {given}", f"{milliseconds:.0f}"]


def only_misread(probabilities: torch.Tensor, labels: torch.Tensor, order: list[int]) -> Case:
    """Of the first half of `order` what is misread."""
    shown, rest = order[: len(order) // 2], order[len(order) // 2 :]
    return [i for i in shown if probabilities[i].argmax() != labels[i]][:SAVED], rest


def one_by_one(trial: Trial) -> str:
    """The effect of a single correction, for each drawing that is misread."""
    labels, before = trial.people.labels, trial.people.before
    wrong = (before.argmax(1) != labels).nonzero().flatten().tolist()
    answers = trial.learn([[i] for i in wrong])
    after = [each["scores"][i].softmax(0) for i, each in zip(wrong, answers, strict=True)]
    right = sum(int(p.argmax() == labels[i]) for i, p in zip(wrong, after, strict=True))
    old = before[wrong, labels[wrong]].tolist()
    new = [float(p[labels[i]]) for i, p in zip(wrong, after, strict=True)]
    return f"""\
Of the {len(wrong)} drawings that are misread, {right} are read right once each is corrected \
alone: the digit that the person names has a median probability of {median(new):.2f} (before, \
{median(old):.2f}; at least {min(new):.2f}). MNIST's test images are then at \
{least_to_most([each["mnist"] for each in answers], ".2%")}. It takes a median of \
{median(each["milliseconds"] for each in answers):.0f} milliseconds.
"""


if __name__ == "__main__":
    main()
