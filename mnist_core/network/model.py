"""The multilayer perceptron: 784 pixels -> hidden layers -> ten log-probabilities."""

import copy
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from mnist_core.drawing.framing import PIXELS
from mnist_core.network import DIGITS


class MLP(nn.Module):
    """A multilayer perceptron with ReLU between its layers.

    `hidden` lists the widths of the hidden layers: (128, 64) is 784 -> 128 -> 64 -> 10.
    `batch_norm` adds batch normalisation to each hidden layer; `fused` removes it again.
    """

    def __init__(self, hidden: Sequence[int] = (128, 64), batch_norm: bool = False) -> None:
        super().__init__()
        self.hidden = tuple(hidden)
        widths = (PIXELS, *self.hidden)
        layers: list[nn.Module] = []
        for width, next_width in pairwise(widths):
            norm = [nn.BatchNorm1d(next_width)] if batch_norm else []
            layers += [nn.Linear(width, next_width), *norm, nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], DIGITS))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(N, 784) float32 in [0, 1] -> (N, 10) log-probabilities.

        log_softmax with NLLLoss equals cross-entropy on raw scores. Unlike log(softmax(x)), it
        never takes the logarithm of 0.
        """
        return torch.log_softmax(self.layers(inputs), dim=1)

    @torch.no_grad()
    def fused(self, temperature: float = 1.0) -> "MLP":
        """Return a copy with linear layers and ReLU only, in evaluation mode.

        Its weights include batch normalisation and divide the scores by `temperature`, see
        `calibration.fit_temperature`.
        """
        layers = copy.deepcopy(self.layers).eval()
        linears = [layer for layer in layers if isinstance(layer, nn.Linear)]
        norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm1d)]
        if norms:
            linears = [*map(fuse_linear_bn_eval, linears, norms), linears[-1]]
        plain = MLP(self.hidden)
        for index, linear in enumerate(linears):
            plain.layers[2 * index].load_state_dict(linear.state_dict())
        for parameter in plain.layers[-1].parameters():
            parameter /= temperature
        return plain.eval()
