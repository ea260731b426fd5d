"""Fine-tune a network on corrections: a few drawings that it misread, or read right but unsure.

Every batch also holds images that it must not forget (Robins, "Catastrophic Forgetting, Rehearsal
and Pseudorehearsal", 1995), with its own earlier answers as targets (Li and Hoiem, "Learning
without Forgetting", 2016). docs/corrections.md has the results and what else was tried.
"""

import contextlib
import copy
import dataclasses
import hashlib
import json
from collections import Counter
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

TEST_WRITERS = "pendigits-test.jsonl.gz"  # optional, in the data folder, for scores
MANY_WRITERS = 10  # from which whole writers are held out instead of single drawings
HELD_OUT_SHARE = 5  # one of five writers, or of five drawings of a writer
ALWAYS_LEARNED = 4  # the first drawings of each writer, where single drawings are held out
NEGATIVES = 1000  # in the rehearsal
MAX_COPIES = 64  # of each correction, augmented and in random pen widths
POOL = 8192  # images that batches are drawn from, of corrections and of the rehearsal each
BITS = 6  # of a weight: rounded to 4, a network loses what it has just learned
SEED = 0


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """The hyperparameters of a fine-tuning."""

    steps: int = 120
    learning_rate: float = 1e-4  # Adam's, falling to 0 along a cosine
    corrected: int = 64  # images of corrections in a batch
    rehearsed: int = 192  # rehearsed images in a batch
    distillation_weight: float = 30.0  # of the loss on rehearsed images


@dataclasses.dataclass(frozen=True)
class Learned:
    """A network that learned from `count` corrections; `held_out` others scored it."""

    model: MLP
    scores: dict[str, tuple[float, float, int]]  # accuracy before and after, number of images
    count: int
    held_out: int
    confusion: torch.Tensor  # (10, 10), on MNIST's test images


def read_corrections(source: str) -> list[Drawing]:
    """Read corrections from a drawing file, a database's URL or, for "", the default database."""
    if source.endswith((".jsonl", ".jsonl.gz")):
        return read_drawings(source)
    with contextlib.closing(Corrections(source or None, create=False)) as store:
        corrections = [correction.drawing() for correction in store.all()]
    if not corrections:
        raise UserError("there are no corrections yet: correct the network, or name a drawing file")
    return corrections


def hold_out(corrections: Sequence[Drawing]) -> tuple[list[Drawing], list[Drawing]]:
    """Split corrections into those to learn from and about a fifth to score on.

    Of ten or more named writers, whole writers are held out. Of fewer, and of drawings without a
    writer, single drawings are, but never the first four of a writer. Hashes decide, so that new
    corrections move no earlier one to the other side, until there are ten writers.
    """
    writers = [data.writer_of(correction) for correction in corrections]
    many = len({*writers} - {None}) >= MANY_WRITERS
    learned_from, held_out, counts = [], [], Counter()
    for correction, writer in zip(corrections, writers, strict=True):
        counts[writer] += 1
        if many and writer is not None:
            chosen = _drawn(str(writer))
        else:
            chosen = counts[writer] > ALWAYS_LEARNED and _drawn(_strokes_json(correction))
        (held_out if chosen else learned_from).append(correction)
    return (learned_from, held_out) if learned_from else (held_out, [])


def _drawn(text: str) -> bool:
    """Choose one text of HELD_OUT_SHARE, always the same ones."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return int(digest, 16) % HELD_OUT_SHARE == 0


def distinct(corrections: Sequence[Drawing]) -> list[Drawing]:
    """Drop repeated strokes with the same label, which could be on both sides of `hold_out`."""
    first: dict[tuple[int | None, str], Drawing] = {}
    for correction in corrections:
        first.setdefault((correction.label, _strokes_json(correction)), correction)
    return list(first.values())


def _strokes_json(correction: Drawing) -> str:
    return json.dumps([stroke.tolist() for stroke in correction.strokes])


def learn(
    model: MLP,
    corrections: Sequence[Drawing],
    drawings: Sequence[Drawing],
    root: Path,
    settings: FineTuning,
) -> Learned:
    """Fine-tune `model` on corrections, and score it before and after.

    It rehearses MNIST from `root`, `drawings` and negatives, except held-out ones.
    """
    generator = torch.Generator().manual_seed(SEED)
    learned_from, held_out = hold_out(distinct(corrections))
    known = data.training_data(root, drawings, NEGATIVES, generator)
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
    """Return a quantized copy of `model`, without batch normalisation, trained on `corrections`.

    The loss holds its answers to the images `rehearsal`, (N, 28, 28) uint8, to those of `model`.
    """
    if len(corrections) > POOL:
        some = torch.randperm(len(corrections), generator=generator)[:POOL]
        corrections = [corrections[i] for i in some.tolist()]
    copies = min(MAX_COPIES, POOL // len(corrections))
    images, labels = data.render_variants(corrections, copies, generator)
    inputs = to_input(augment(images, generator))
    chosen = torch.randint(len(rehearsal), (POOL,), generator=generator)
    changed = augment(rehearsal[chosen], generator)  # (POOL, 28, 28)
    rehearsed, answers = to_input(changed), trainer.predict(model, changed).clone()
    new = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(new.parameters(), lr=settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    for _ in range(settings.steps):
        corrected = torch.randint(len(inputs), (settings.corrected,), generator=generator)
        repeated = torch.randint(len(rehearsed), (settings.rehearsed,), generator=generator)
        log_probabilities = new(torch.cat([inputs[corrected], rehearsed[repeated]]))
        learned, kept = log_probabilities.split([len(corrected), len(repeated)])
        # Kullback-Leibler divergence: how far the answers moved.
        moved = F.kl_div(kept, answers[repeated], reduction="batchmean", log_target=True)
        loss = F.nll_loss(learned, labels[corrected]) + settings.distillation_weight * moved
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return quantize(new, BITS)


def save(
    learned: Learned, directory: Path, parent: Path, config: dict, settings: FineTuning
) -> None:
    """Save the network and its scores to `directory`. Raises UserError.

    `config` is that of the network in `parent`. The thresholds stay: they were chosen on more data
    than this repository has.
    """
    scores = {}
    rows = []
    for what, (before, after, count) in learned.scores.items():
        name = f"{what.replace(' ', '_').replace('-', '_')}_accuracy"
        scores |= {name: round(after, 4), f"{name}_before": round(before, 4)}
        rows.append({"what": what, "before": before, "after": after, "count": count})
    first = config["provenance"]
    origin = {"data": first["data"], "validation_accuracy": learned.scores["validation"][0]}
    origin |= first.get("parent", {})  # the network before the first of several fine-tunings
    provenance = {
        "data": f"{learned.count} corrections, on top of the network of {first['date']} in "
        f"{parent}; that one: {origin['data']}",
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
