"""Let the page's own module learn from one writer after another, and count what it then misreads.

    python experiments/browser_lessons.py
    python experiments/browser_lessons.py --drawings data/pendigits-test.jsonl.gz --seeds 5

People, protocols and seeds are those of personalization.py, but what learns is the last layer
alone, in ui/recognizer/learning.js, which Node.js runs. Rewrites the section "In the browser" of
docs/corrections.md. Some three minutes on one core.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from experiments.personalization import BROWSER, PROTOCOLS, SAVED, argument_parser, by_writer
from mnist_core.drawing.framing import to_input
from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file
from mnist_core.tables import least_to_most, mean_and_deviation, table
from mnist_core.training.data import Dataset, load_mnist, render_drawings

SCRIPT = """
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { rehearse, teach } from "UI/recognizer/learning.js";
import { readNetwork } from "UI/recognizer/network.js";
import { inSlices } from "UI/session/slices.js";
const network = readNetwork(new Uint8Array(readFileSync("network.bin")).buffer);
const { images, cases } = JSON.parse(readFileSync("cases.json", "utf8"));
const images500 = gunzipSync(readFileSync(new URL("UI/files/rehearsal.gz")));
const rehearsed = await inSlices(rehearse(network, images500));
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
    parser = argument_parser()
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        model, config = weights.load(args.weights)
        drawings = list(chain(*by_writer(read_drawings(args.drawings)).values()))
        test = load_mnist(args.data, train=False)
        old = (args.output / "corrections.md").read_text(encoding="utf-8")
        node = shutil.which("node")
        if node is None:
            raise UserError("there is no Node.js here: install it")
    except UserError as error:
        parser.exit(2, f"browser_lessons.py: {error}\n")
    images, labels = render_drawings(drawings)
    writers = [str(drawing.extra["writer"]) for drawing in drawings]
    trial = Trial(model, browser_file(model, config), node, (images, labels), test)
    command = " ".join(["python experiments/browser_lessons.py", *sys.argv[1:]])
    section = f"{BROWSER}\n\n{report(trial, writers, args.seeds, command)}"
    page = old.partition(BROWSER)[0].rstrip() + f"\n\n{section}"
    (args.output / "corrections.md").write_text(page, encoding="utf-8")
    print(section)


class Trial:
    """Drawings and MNIST's test images, as the layers before the last see them; and who learns."""

    def __init__(self, model: MLP, file: bytes, node: str, drawn: Dataset, test: Dataset) -> None:
        self.file, self.node, self.last = file, node, model.layers[-1]
        self.images, self.labels = drawn
        self.test_labels = test[1]
        with torch.no_grad():
            self.features = model.layers[:-1](to_input(drawn[0]))
            self.test = model.layers[:-1](to_input(test[0]))
            self.before = self.last(self.features).softmax(1)
            self.mnist = accuracy(self.last(self.test), self.test_labels)

    def learn(self, cases: list[list[int]]) -> list[dict]:
        """What the module makes of each list of drawings: probabilities, and what else it says."""
        labelled = [[[i, int(self.labels[i])] for i in saved] for saved in cases]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "package.json").write_text('{"type": "module"}')
            (place / "network.bin").write_bytes(self.file)
            question = {"images": self.images.flatten(1).tolist(), "cases": labelled}
            (place / "cases.json").write_text(json.dumps(question))
            (place / "learn.js").write_text(SCRIPT.replace("UI/", f"{(ROOT / 'ui').as_uri()}/"))
            done = subprocess.run(
                [self.node, "learn.js"], cwd=place, capture_output=True, check=True, text=True
            )
        return [self.score(json.loads(line)) for line in done.stdout.splitlines()]

    def score(self, answer: dict) -> dict:
        layer = torch.tensor(answer.pop("layer")).reshape(-1, 10)  # (inputs + 1, 10)
        after = (self.features @ layer[:-1] + layer[-1]).softmax(1)
        mnist = accuracy(self.test @ layer[:-1] + layer[-1], self.test_labels)
        return {**answer, "after": after, "mnist": mnist}


def accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    return float((scores.argmax(1) == labels).double().mean())


def misread_alone(
    probabilities: torch.Tensor, labels: torch.Tensor, order: list[int]
) -> tuple[list[int], list[int]]:
    """What the person saves of the first half of `order`, only what is misread, and the rest."""
    shown, rest = order[: len(order) // 2], order[len(order) // 2 :]
    wrong = [i for i in shown if probabilities[i].argmax() != labels[i]]
    return wrong[:SAVED], rest


def report(trial: Trial, writers: Sequence[str], seeds: int, command: str) -> str:
    """The section but for its heading."""
    protocols = {"corrects what is misread, and no more": misread_alone, **PROTOCOLS}
    rows = [row(trial, name, choose, writers, seeds) for name, choose in protocols.items()]
    header = (
        "the person", "misread before", "misread after", "of what was misread, still is",
        "of digits", "MNIST test before", "after", "least to most", "lessons not used",
        "milliseconds, median",
    )  # fmt: skip
    people = len(set(writers))
    return "\n".join(
        [
            f"Made by `{command}`: {people} people, n = {seeds} seeds,"
            f" {people * seeds} networks a row; Node.js, PyTorch {torch.__version__} for the"
            " counting, one core.\n",
            INTRODUCTION,
            table(header, rows),
            one_by_one(trial),
        ]
    )


INTRODUCTION = """\
The page learns by itself from what a person corrects or confirms there: the last layer goes on
with these drawings and 500 rehearsed images of MNIST, nothing else of the network, and nothing
leaves the browser ([learning.js](../ui/recognizer/learning.js)). The people, their order and
what counts are those above; in the first row they confirm nothing. The settings were chosen on
writers of the training collections ([experiments](experiments.md)). With the network before this
one they were scored twice: with 300 rehearsed images first, which left 8.8 misread in the second
row and MNIST at 99.15 % at least; 500 had forgotten less on the training writers. Where the
rehearsed answers move too far, as they do after wrong corrections, the page uses fewer, the latest.
"""


def row(trial: Trial, name: str, choose, writers: Sequence[str], seeds: int) -> list[str]:
    cases, rests = [], []
    for writer in dict.fromkeys(writers):
        own = [i for i, each in enumerate(writers) if each == writer]
        for seed in range(seeds):
            order = list(range(len(own)))
            random.Random(f"{writer} {seed}").shuffle(order)
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
    """What a single correction does, of each drawing that is misread."""
    wrong = (trial.before.argmax(1) != trial.labels).nonzero().flatten().tolist()
    answers = trial.learn([[i] for i in wrong])
    after = torch.stack([each["after"][i] for i, each in zip(wrong, answers, strict=True)])
    labels = trial.labels[wrong]
    right = int((after.argmax(1) == labels).sum())
    old, new = (p[range(len(wrong)), labels].tolist() for p in (trial.before[wrong], after))
    scores = [each["mnist"] for each in answers]
    return (
        f"Of the {len(wrong)} drawings that are misread, each corrected alone, {right} are then"
        f" read right: the digit that the person says has a median probability of {median(new):.2f}"
        f" (before, {median(old):.2f}; at least {min(new):.2f}). MNIST's test images are then at"
        f" {least_to_most(scores, '.2%')}. It takes a median of"
        f" {median(each['milliseconds'] for each in answers):.0f} milliseconds.\n"
    )


if __name__ == "__main__":
    main()
