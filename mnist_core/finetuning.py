"""Learn from corrections: a few drawings that the network misread, or read right but unsure.

A trained network goes on for some seconds. What it must not forget is rehearsed in every
batch (Robins, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", 1995), and there it
is held to its own earlier answers, not to labels (Li and Hoiem, "Learning without
Forgetting", 2016), so that it stays as sure as it was. Knows drawings and tensors, not
files; docs/corrections.md shows what it achieves and what else was tried.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from mnist_core.augment import augment
from mnist_core.data import render_variants
from mnist_core.framing import to_input
from mnist_core.model import MLP
from mnist_core.strokes import Drawing
from mnist_core.training import predict

COPIES = 64  # at most, of each correction, changed and in random pen widths
POOL = 8192  # images to draw the batches from: of corrections at most so many, of the rest so many


@dataclass(frozen=True)
class FineTuning:
    """How a network learns from corrections."""

    steps: int = 120
    learning_rate: float = 1e-4  # Adam's at first; it falls to 0 along a cosine
    corrected: int = 64  # images of corrections in a batch,
    rehearsed: int = 192  # beside so many that are rehearsed
    keep: float = 30.0  # weight of the loss of the second, beside that of the first


def finetune(
    model: MLP,
    corrections: Sequence[Drawing],
    rehearsal: torch.Tensor,
    settings: FineTuning,
    generator: torch.Generator,
) -> MLP:
    """A copy of `model` that has learned from `corrections`; `model` stays as it was.

    `model` is one for use, without batch normalisation, on the CPU. `rehearsal`,
    (N, 28, 28) uint8, are images whose answers are to stay as they are.
    """
    copies = max(1, min(COPIES, POOL // len(corrections)))
    images, labels = render_variants(corrections, copies, generator)
    inputs = to_input(augment(images, generator))
    chosen = torch.randint(len(rehearsal), (POOL,), generator=generator)
    changed = augment(rehearsal[chosen], generator)  # (R, 28, 28)
    rehearsed, answers = to_input(changed), predict(model, changed).clone()
    new = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(new.parameters(), lr=settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    for _ in range(settings.steps):
        ours = torch.randint(len(inputs), (settings.corrected,), generator=generator)
        old = torch.randint(len(rehearsed), (settings.rehearsed,), generator=generator)
        log_probabilities = new(torch.cat([inputs[ours], rehearsed[old]]))
        learned, kept = log_probabilities.split([len(ours), len(old)])
        loss = F.nll_loss(learned, labels[ours]) + settings.keep * _divergence(kept, answers[old])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return new.eval()


def _divergence(now: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Kullback and Leibler's, a mean over images, of (N, 10) log-probabilities."""
    return F.kl_div(now, before, reduction="batchmean", log_target=True)
