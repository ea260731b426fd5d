"""The multilayer perceptron: 784 pixels -> hidden layers -> ten log-probabilities."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from mnist_core.framing import PIXELS

DIGITS = 10


class MLP(nn.Module, PyTorchModelHubMixin):
    """A multilayer perceptron with ReLU between its layers.

    `hidden` lists the widths of the hidden layers, so (128, 64) is
    784 -> 128 -> 64 -> 10. The hub mixin writes config.json and
    model.safetensors; `weights.py` decides where.
    """

    def __init__(self, hidden: Sequence[int] = (128, 64)) -> None:
        super().__init__()
        self.hidden = tuple(hidden)
        widths = (PIXELS, *self.hidden)
        layers: list[nn.Module] = []
        for width, next_width in pairwise(widths):
            layers += [nn.Linear(width, next_width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], DIGITS))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(N, 784) float32 in [0, 1] -> (N, 10) log-probabilities.

        log_softmax, trained with NLLLoss, is the same mathematics as
        cross-entropy on raw scores, and safe where log(softmax(x)) overflows.
        """
        return torch.log_softmax(self.layers(inputs), dim=1)
