"""Train with rounded weights, so that rounding the finished network costs nothing.

The loss and its gradient are those of the rounded weights, the step is made on the exact ones: the
straight-through estimator (Bengio et al., "Estimating or Propagating Gradients Through Stochastic
Neurons for Conditional Computation", 2013).
"""

import contextlib
from collections.abc import Iterator

from torch import nn

from mnist_core.network.model import MLP
from mnist_core.network.quantize import best_steps, round_to

SHARE = 0.25  # of a recipe's epochs, the last, are trained so


class WeightRounding:
    """Rounds the weights of `model` to `bits` each, with the steps that suit them now.

    Batch normalisation changes nothing: fused, it multiplies all weights of a unit, and its step.
    """

    def __init__(self, model: MLP, bits: int) -> None:
        self.bits = bits
        self.linears = [layer for layer in model.layers if isinstance(layer, nn.Linear)]
        self.steps = [best_steps(linear.weight.data, bits) for linear in self.linears]

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Round the weights while the loss and its gradient are computed, then restore them."""
        exact = [linear.weight.data for linear in self.linears]
        for linear, steps in zip(self.linears, self.steps, strict=True):
            linear.weight.data = round_to(linear.weight.data, steps, self.bits)
        try:
            yield
        finally:
            for linear, weights in zip(self.linears, exact, strict=True):
                linear.weight.data = weights
