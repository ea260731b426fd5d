"""The recipes and losses to train with: names, settings and notes. Imports no PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mnist_core.errors import UserError
from mnist_core.network import MAX_LAYERS, MAX_WIDTH


class Loss(NamedTuple):
    """A way to write the loss. docs/losses.md measures them."""

    formula: str  # with PyTorch's names
    note: str


LOSSES = {
    "nll": Loss("log_softmax, NLLLoss", "sound"),
    "cross-entropy": Loss("CrossEntropyLoss", "the same as nll"),
    "softmax-cross-entropy": Loss("softmax, CrossEntropyLoss", "softmax twice: learns less"),
    "log-of-softmax": Loss("log(softmax), NLLLoss", "the logarithm of 0 breaks the network"),
}


@dataclass(frozen=True)
class Recipe:
    """The settings of a training except data and seed. Raises UserError for impossible ones."""

    hidden: tuple[int, ...]  # widths of the hidden layers
    epochs: int
    batch_size: int
    learning_rate: float  # Adam's; with one_cycle the largest
    weight_decay: float = 0.0
    one_cycle: bool = False  # the learning rate rises for a tenth of the steps, then falls to 0
    batch_norm: bool = False
    augment: bool = False
    negatives: int = 0  # how many images of no digit to make and train on
    low_precision_matmul: bool = False  # faster, but costs small networks accuracy
    ema_decay: float = 0.0  # of the moving average of the weights; 0 for none
    loss: str = "nll"  # one of LOSSES
    bits: int = 8  # of a finished weight; fewer are trained for in the last epochs (rounding.py)
    distilled: bool = False  # from the shipped network, where no teachers are given

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name)}; expected more than 0")
        if len(self.hidden) > MAX_LAYERS or any(not 1 <= n <= MAX_WIDTH for n in self.hidden):
            raise UserError(
                f"hidden sizes are {self.hidden}; expected up to {MAX_LAYERS} of 1 to {MAX_WIDTH}"
            )
        if self.batch_norm and self.batch_size < 2:
            raise UserError("batch_size is 1; expected at least 2, for batch normalisation")
        if not 2 <= self.bits <= 8:
            raise UserError(f"bits is {self.bits}; expected 2 to 8")
        if self.loss not in LOSSES:
            raise UserError(f"loss is {self.loss!r}; expected one of {', '.join(LOSSES)}")


ONE_CYCLE = {"one_cycle": True, "batch_norm": True}  # high learning rates need batch_norm
FOR_DRAWINGS = {
    "augment": True,
    "negatives": 8000,
    "low_precision_matmul": True,
    "ema_decay": 0.9995,
}
FOR_TINY = {
    "augment": True,
    "low_precision_matmul": True,
    "ema_decay": 0.9995,
    "bits": 4,
    "distilled": True,
}
RECIPES = {  # hidden layers, epochs, batch size, learning rate, weight decay
    "tutorial": Recipe((128, 64), 10, 64, 0.01),
    "quick": Recipe((128, 64), 6, 256, 0.01, **ONE_CYCLE),
    "best": Recipe((1024, 1024), 30, 256, 0.008, 0.01, **ONE_CYCLE, **FOR_DRAWINGS, bits=4),
    "tiny": Recipe((250, 150), 120, 256, 0.008, 0.01, **ONE_CYCLE, **FOR_TINY),
}
DEFAULT = "best"
NOTES = {
    "tutorial": "plain Adam, ten seconds",
    "quick": "98 % of MNIST in a few seconds",
    "best": "reads drawings well, takes minutes",
    "tiny": "99 % of MNIST in a file of 100 kB",
}
# Names of Recipe's fields in runs and networks made before December 2026.
OLD_NAMES = {
    "outliers": "negatives",
    "fast_products": "low_precision_matmul",
    "average": "ema_decay",
}


def recipe_from(saved: Mapping[str, Any]) -> Recipe:
    """Return the recipe with the fields `saved`. Raises KeyError or TypeError for wrong ones."""
    fields = {OLD_NAMES.get(name, name): value for name, value in saved.items()}
    return Recipe(**fields | {"hidden": tuple(fields["hidden"])})


def describe_recipes() -> str:
    """Return a line for each recipe: name, widths of the hidden layers, epochs and note."""
    lines = []
    for name, recipe in RECIPES.items():
        sizes, note = "-".join(map(str, recipe.hidden)), NOTES.get(name, "no entry in NOTES yet")
        lines.append(f"  {name:9} {sizes:10} {recipe.epochs:3} epochs: {note}")
    return "\n".join(lines)
