"""Learn from corrections: from where they are kept to a network in a run's directory.

finetuning.py does the learning, on tensors. This is what surrounds it: which corrections are
held out, what the network is scored on before and after, and what its card says.
"""

import contextlib
import csv
import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from mnist_core import runs, training, weights
from mnist_core.corrections import Corrections
from mnist_core.data import Dataset, TrainingData, load_mnist, render_drawings, training_data
from mnist_core.finetuning import FineTuning, finetune
from mnist_core.model import MLP
from mnist_core.strokes import Drawing, read_drawings

TEST_WRITERS = "pendigits-test.jsonl.gz"  # in the data folder, where convert_pendigits.py puts it
ENOUGH = 30  # corrections, from which on
HELD_OUT = 5  # one of so many is held out
MAY_LOSE = 0.001  # of the accuracy on MNIST's test images, and still be installed
OUTLIERS = 1000  # images of no digit among the rehearsal


@dataclasses.dataclass(frozen=True)
class Score:
    """Accuracies in [0, 1] of a network on the same `count` images, before learning and after."""

    what: str
    before: float
    after: float
    count: int


@dataclasses.dataclass(frozen=True)
class Learned:
    """A network that learned from `count` corrections, `held_out` more being kept to score it."""

    model: MLP
    scores: list[Score]
    count: int
    held_out: int
    confusion: torch.Tensor  # (10, 10), of MNIST's test images

    def lost(self) -> float:
        """Of the accuracy on MNIST's test images; below 0 where it rose."""
        test = next(score for score in self.scores if score.what == "test")
        return round(test.before - test.after, 6)  # a limit must not hang on float32's last bit


def read_corrections(source: str) -> list[Drawing]:
    """Corrections from a drawing file, a database's address, or the default database ("").

    Raises ValueError or OSError, with what is wrong, when there are none.
    """
    if source.endswith((".jsonl", ".jsonl.gz")):
        return read_drawings(source)
    with contextlib.closing(Corrections.open(source or None)) as store:
        corrections = [correction.drawing() for correction in store.all()]
    if not corrections:
        raise ValueError(
            "the database holds no corrections yet: correct the network on the page first, "
            "or give a drawing file, FILE.jsonl"
        )
    return corrections


def hold_out(corrections: Sequence[Drawing], seed: int) -> tuple[list[Drawing], list[Drawing]]:
    """Corrections to learn from and, where there are 30 or more, a fifth to be scored on.

    With fewer all are learned from: every one counts, and the score of a handful says nothing.
    """
    if len(corrections) < ENOUGH:
        return list(corrections), []
    order = torch.randperm(len(corrections), generator=torch.Generator().manual_seed(seed))
    count = len(corrections) // HELD_OUT
    return [corrections[i] for i in order[count:]], [corrections[i] for i in order[:count]]


def learn(
    model: MLP,
    corrections: Sequence[Drawing],
    drawings: Sequence[Drawing],
    root: Path,
    settings: FineTuning,
    seed: int,
) -> Learned:
    """Fine-tune `model` on corrections and score it, before and after.

    MNIST from `root`, `drawings` and images of no digit are rehearsed, without what
    `training_data` holds out of them. `root` may hold the pen digits' test part, to score.
    """
    generator = torch.Generator().manual_seed(seed)
    learned_from, held_out = hold_out(corrections, seed)
    data = training_data(root, drawings, OUTLIERS, generator)
    sets = {**data.validation, "test": load_mnist(root, train=False)}
    if (Path(root) / TEST_WRITERS).exists():
        sets["pen-digit test writers"] = render_drawings(read_drawings(Path(root) / TEST_WRITERS))
    if held_out:
        sets["held-out corrections"] = render_drawings(held_out)
    new = finetune(model, learned_from, rehearsal(data), settings, generator)
    scores = [_score(name, model, new, dataset) for name, dataset in sets.items()]
    images, labels = sets["test"]
    confusion = training.confusion_matrix(training.predict(new, images).argmax(1), labels)
    return Learned(new, scores, len(learned_from), len(held_out), confusion)


def rehearsal(data: TrainingData) -> torch.Tensor:
    """(N, 28, 28) uint8: all images that a training fits, of digits and of none."""
    return torch.cat([data.fitting[0], data.no_digits])


def _score(what: str, before: MLP, after: MLP, dataset: Dataset) -> Score:
    accuracies = (training.evaluate(model, dataset)[1] for model in (before, after))
    return Score(what, *accuracies, len(dataset[0]))


def save(
    learned: Learned, directory: Path, parent: Path, settings: FineTuning, **provenance: object
) -> None:
    """Write the network to `directory`, its scores beside it.

    `parent` holds the network that it learned from; `provenance` is what is added to the
    card: "seed", "date", "versions". The verdicts' thresholds stay the parent's: they were
    chosen on MNIST and drawings, where a clone has MNIST alone, and the network was held to
    its earlier answers, confidence included, on what it rehearsed.
    """
    config = weights.load(parent)[1]
    before = config["provenance"]
    data = before.get("parent", before)["data"]  # of the first network, however long the line
    origin = {
        "directory": str(parent),
        "sha256": hashlib.sha256((parent / weights.MODEL_FILE).read_bytes()).hexdigest(),
        "date": before["date"],
        "data": data,
    }
    card = {
        "data": f"{learned.count} corrections, learned by the network of {origin['date']} "
        f"that was in {parent}; before, {data}",
        "parent": origin,
        "corrections": learned.count,
        "recipe": {"name": "corrections", **dataclasses.asdict(settings)},
        "scores": _card_scores(learned),
        "confusion": learned.confusion.tolist(),
        **provenance,
    }
    weights.save(learned.model, directory, card, config["thresholds"])
    _write_scores(directory / runs.METRICS_FILE, learned.scores)


def _card_scores(learned: Learned) -> dict[str, float]:
    """As any training names them, each beside what it was before."""
    scores = {}
    for score in learned.scores:
        name = score.what.replace(" ", "_").replace("-", "_")
        scores[f"{name}_accuracy"] = round(score.after, 4)
        scores[f"{name}_accuracy_before"] = round(score.before, 4)
    return scores


def _write_scores(path: Path, scores: Sequence[Score]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in dataclasses.fields(Score))
        writer.writerows(dataclasses.astuple(score) for score in scores)
