"""Fine-tune the network for one writer after another, and count what it then misreads of theirs.

    python -m experiments.personalization --drawings data/pendigits-test.jsonl.gz

Each writer of the file plays a person who corrects the network, which was trained on none of them,
and nothing was chosen on them. About ten minutes on one idle core. Writes corrections.md to
runs/experiments; `--output docs --figures docs/figures.json` renews that of docs/.
"""

import argparse

import torch
from tqdm import tqdm

from experiments import common
from experiments.people import (
    BROWSER,
    COUNTS,
    HEADER,
    PROTOCOLS,
    SAVED,
    People,
    argument_parser,
    row,
)
from mnist_core.corrections.finetune import NEGATIVES, FineTuning, finetune
from mnist_core.network import weights
from mnist_core.tables import table
from mnist_core.training.data import load_mnist, training_data
from mnist_core.training.trainer import evaluate, predict


def main() -> None:
    parser = argument_parser("Fine-tune the network for writers, one by one.")
    common.write_page(parser, "personalization", "corrections.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """docs/corrections.md but for its section on the browser, which stays as it was."""
    model, config = weights.load(args.weights)
    people = People(args.drawings, model, args.seeds)
    known = training_data(common.DATA, [], NEGATIVES, torch.Generator().manual_seed(0))
    rehearsal = torch.cat([known.train_set[0], known.negatives])
    test = load_mnist(common.DATA, train=False)
    mnist, rows, first = evaluate(model, test)[1], [], None
    for name, choose in PROTOCOLS.items():
        cases, after, scores = people.cases(choose), [], []
        for case, (saved, _) in enumerate(tqdm(cases, name)):
            generator = torch.Generator().manual_seed(case % args.seeds)
            saved = [people.drawings[i] for i in saved]
            learned = finetune(model, saved, rehearsal, FineTuning(), generator)
            after.append(predict(learned, people.images))
            scores.append(evaluate(learned, test)[1])
        counts = people.counts(cases, after)
        rows.append(row(name, counts, mnist, scores))
        first = counts if first is None else first
    by_person = zip(people.writers, *first.sum(1).T, strict=True)
    file = args.output / "corrections.md"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    return page(rows, list(by_person), args.seeds) + "".join(old.partition(BROWSER)[1:]), config


def page(rows: list[list[str]], by_person: list[tuple], seeds: int) -> str:
    return f"""\
# Learning from corrections

Made by `{common.command()}`: the network in weights/ learns from {SAVED} corrections of one \
person, and is counted on what else that person wrote. {len(by_person)} people, n = {seeds} seeds; \
{FineTuning()}; {common.machine()}. ± is the standard deviation over seeds.

A person draws half of their digits, in random order. Each that is misread is corrected; then \
those read right with the smallest lead over the runner-up are confirmed, until 20 are saved. The \
network learns from these 20 as `scripts/finetune.py` lets it, rehearsing images of MNIST and of \
no digit, but no drawings. What counts is the other half: digits that were neither shown nor \
saved, read by the network before and after. In the second row the person saves the first two of \
each digit instead, whatever was read, and all other digits count.

The settings and the row that counts, the first, were chosen on writers of the collection's \
training part, with a network that had not seen them ([experiments](experiments.md)). The people \
here were scored once, with those.

{table(HEADER, rows)}
Misread digits are those of all people together, a mean over the seeds.

## Person by person

Of those who correct and confirm, all seeds together.

{table(("writer", *COUNTS), by_person)}
"""


if __name__ == "__main__":
    main()
