"""Labels that deserve a second look: those of drawings which a network reads otherwise.

The network has never seen the drawing that it judges: it is trained on MNIST and on the other
drawings, or it would have learned the wrong label by heart.
"""

from collections.abc import Sequence

import torch

from mnist_core.drawing.strokes import Drawing
from mnist_core.errors import UserError
from mnist_core.network.model import DIGITS, MLP
from mnist_core.training.data import Dataset, join, render_drawings, render_variants, select
from mnist_core.training.trainer import RECIPES, fit, predict

FOLDS = 5
MNIST_IMAGES = 20_000  # beside the drawings; with all 60,000 three times as long
COPIES = 8  # of each drawing, in random pen widths, so that few count among many


def cross_validate(drawings: Sequence[Drawing], mnist: Dataset, seed: int = 0) -> torch.Tensor:
    """(N, 10) probabilities for N >= 2 drawings, each by a network that has not seen it.

    The drawings are dealt into five folds, or into fewer where there are fewer. For each a network
    of the recipe `quick` is trained on the other folds and a random part of `mnist`. Raises
    UserError for fewer than two drawings.
    """
    if len(drawings) < 2:
        raise UserError(f"{len(drawings)} correction to review; at least 2 are needed")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(mnist[0]), generator=generator)[:MNIST_IMAGES]
    some = select(mnist, chosen)
    folds = min(FOLDS, len(drawings))
    fold = torch.randperm(len(drawings), generator=generator) % folds  # of each drawing
    probabilities = torch.empty(len(drawings), DIGITS)
    for number in range(folds):
        others = [drawings[i] for i in torch.where(fold != number)[0]]
        held_out = render_drawings([drawings[i] for i in torch.where(fold == number)[0]])
        train_set = join(some, render_variants(others, COPIES, generator))
        model = _train(train_set, held_out, generator)
        probabilities[fold == number] = predict(model, held_out[0]).exp()
    return probabilities


def _train(train_set: Dataset, held_out: Dataset, generator: torch.Generator) -> MLP:
    """A network after all its epochs; `held_out` chooses nothing."""
    recipe = RECIPES["quick"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        model = MLP(recipe.hidden, recipe.batch_norm)
    for _ in fit(model, train_set, held_out, recipe, generator):
        pass
    return model


def order(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(N,) indices: first where another digit leads, then by how improbable the label is."""
    own = probabilities[torch.arange(len(labels)), labels]  # (N,)
    agrees = probabilities.argmax(1) == labels
    return (own + agrees).argsort()
