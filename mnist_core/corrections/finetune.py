"""Learn from corrections: a few drawings that the network misread, or read right but unsure.

A trained network goes on for some seconds. What it must not forget is rehearsed in every batch
(Robins, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", 1995), and there it is held to
its own earlier answers, not to labels (Li and Hoiem, "Learning without Forgetting", 2016), so that
it stays as sure as it was. docs/corrections.md shows what this achieves and what else was tried.
"""

import contextlib
import copy
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional as F

from mnist_core.corrections.store import Corrections
from mnist_core.drawing.framing import to_input
from mnist_core.drawing.strokes import Drawing, read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training import data, trainer
from mnist_core.training.augment import augment
from mnist_core.training.finish import date_and_versions
from mnist_core.training.run import write_metrics

TEST_WRITERS = "pendigits-test.jsonl.gz"  # in the data folder, where it may be put, to score
HELD_OUT = 5  # of so many writers about one is held out
OUTLIERS = 1000  # images of no digit among the rehearsal
COPIES = 64  # at most, of each correction, changed and in random pen widths
BITS = 6  # of a weight: rounded to 4, a network loses what it has just learned
SEED = 0  # of order and changes
POOL = 8192  # images to draw the batches from: of corrections at most so many, of the rest so many


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """How a network learns from corrections."""

    steps: int = 120
    learning_rate: float = 1e-4  # Adam's at first; it falls to 0 along a cosine
    corrected: int = 64  # images of corrections in a batch,
    rehearsed: int = 192  # beside so many that are rehearsed
    distillation_weight: float = 30.0  # of the loss on the rehearsed images


@dataclasses.dataclass(frozen=True)
class Learned:
    """A network that learned from `count` corrections, `held_out` more being kept to score it."""

    model: MLP
    scores: dict[str, tuple[float, float, int]]  # accuracies before and after, of so many images
    count: int
    held_out: int
    confusion: torch.Tensor  # (10, 10), of MNIST's test images


def read_corrections(source: str) -> list[Drawing]:
    """Corrections from a drawing file, a database's address, or the default database ("")."""
    if source.endswith((".jsonl", ".jsonl.gz")):
        return read_drawings(source)
    with contextlib.closing(Corrections(source or None, create=False)) as store:
        corrections = [correction.drawing() for correction in store.all()]
    if not corrections:
        raise UserError(
            "no correction was kept yet: correct the network first, or name a drawing file, "
            "FILE.jsonl"
        )
    return corrections


def hold_out(corrections: Sequence[Drawing]) -> tuple[list[Drawing], list[Drawing]]:
    """Corrections to learn from, and those of about a fifth of the writers to be scored on.

    A hash of the writer, or of the strokes, decides: what comes later changes no side. Where nobody
    would be left to learn from, all are learned from and none is held out.
    """
    sides: tuple[list[Drawing], list[Drawing]] = [], []
    for correction in corrections:
        writer = data.writer_of(correction)
        key = _written(correction) if writer is None else str(writer)
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        sides[int(digest, 16) % HELD_OUT == 0].append(correction)
    return sides if sides[0] else (sides[1], [])


def distinct(corrections: Sequence[Drawing]) -> list[Drawing]:
    """Same strokes with the same label once: else they might stand on both sides of `hold_out`."""
    first: dict[tuple[int | None, str], Drawing] = {}
    for correction in corrections:
        first.setdefault((correction.label, _written(correction)), correction)
    return list(first.values())


def _written(correction: Drawing) -> str:
    return json.dumps([stroke.tolist() for stroke in correction.strokes])


def learn(
    model: MLP,
    corrections: Sequence[Drawing],
    drawings: Sequence[Drawing],
    root: Path,
    settings: FineTuning,
) -> Learned:
    """Fine-tune `model` on corrections and score it, before and after.

    MNIST from `root`, `drawings` and images of no digit are rehearsed, but for what is held out.
    """
    generator = torch.Generator().manual_seed(SEED)
    learned_from, held_out = hold_out(distinct(corrections))
    known = data.training_data(root, drawings, OUTLIERS, generator)
    sets = {**known.validation, "test": data.load_mnist(root, train=False)}
    if (root / TEST_WRITERS).exists():
        sets["pen-digit test writers"] = data.render_drawings(read_drawings(root / TEST_WRITERS))
    if held_out:
        sets["held-out corrections"] = data.render_drawings(held_out)
    rehearsal = torch.cat([known.train_set[0], known.negatives])
    new = finetune(model, learned_from, rehearsal, settings, generator)
    scores = {
        name: (*(trainer.evaluate(one, dataset)[1] for one in (model, new)), len(dataset[0]))
        for name, dataset in sets.items()
    }
    images, labels = sets["test"]
    confusion = trainer.confusion_matrix(trainer.predict(new, images).argmax(1), labels)
    return Learned(new, scores, len(learned_from), len(held_out), confusion)


def finetune(
    model: MLP,
    corrections: Sequence[Drawing],
    rehearsal: torch.Tensor,
    settings: FineTuning,
    generator: torch.Generator,
) -> MLP:
    """A copy of `model`, rounded to the grid, that has learned from `corrections`.

    `model` is one for use, without batch normalisation. `rehearsal`, (N, 28, 28) uint8, are
    images whose answers are to stay as they are.
    """
    if len(corrections) > POOL:
        some = torch.randperm(len(corrections), generator=generator)[:POOL]
        corrections = [corrections[i] for i in some.tolist()]
    copies = min(COPIES, POOL // len(corrections))
    images, labels = data.render_variants(corrections, copies, generator)
    inputs = to_input(augment(images, generator))
    chosen = torch.randint(len(rehearsal), (POOL,), generator=generator)
    changed = augment(rehearsal[chosen], generator)  # (POOL, 28, 28)
    rehearsed, answers = to_input(changed), trainer.predict(model, changed).clone()
    new = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(new.parameters(), lr=settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    for _ in range(settings.steps):
        ours = torch.randint(len(inputs), (settings.corrected,), generator=generator)
        old = torch.randint(len(rehearsed), (settings.rehearsed,), generator=generator)
        log_probabilities = new(torch.cat([inputs[ours], rehearsed[old]]))
        learned, kept = log_probabilities.split([len(ours), len(old)])
        # Kullback and Leibler's divergence: how far the answers have moved.
        moved = F.kl_div(kept, answers[old], reduction="batchmean", log_target=True)
        loss = F.nll_loss(learned, labels[ours]) + settings.distillation_weight * moved
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return quantize(new, BITS)


def save(
    learned: Learned, directory: Path, parent: Path, config: dict, settings: FineTuning
) -> None:
    """Write the network to `directory`, its scores beside it. Raises UserError.

    `config` is that of the network in `parent`. The verdicts' thresholds stay its: they were
    chosen on more than a clone has, and the network was held to its earlier answers.
    """
    scores = {}  # as a training names them, each beside what it was before
    rows = []
    for what, (before, after, count) in learned.scores.items():
        name = f"{what.replace(' ', '_').replace('-', '_')}_accuracy"
        scores |= {name: round(after, 4), f"{name}_before": round(before, 4)}
        rows.append({"what": what, "before": before, "after": after, "count": count})
    first = config["provenance"]
    origin = {"data": first["data"], "validation_accuracy": learned.scores["validation"][0]}
    origin |= first.get("parent", {})  # of the first network, however long the line
    provenance = {
        "data": f"{learned.count} corrections, learned by the network of {first['date']} "
        f"that was in {parent}; before, {origin['data']}",
        "parent": {**origin, "directory": str(parent), "name": config["name"]},
        "corrections": learned.count,
        "recipe": {"name": "corrections", **dataclasses.asdict(settings)},
        "seed": SEED,
        "scores": scores,
        "confusion": learned.confusion.tolist(),
        **date_and_versions(),
    }
    weights.save(learned.model, directory, provenance, config["thresholds"])
    write_metrics(directory, rows)
