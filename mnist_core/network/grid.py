"""The network as browsers read it: weights in 8 bits, the same numbers as everywhere else.

A unit's weights are whole numbers in -127..127 times a step of its own. A network is rounded to
that grid before it is scored, so that what Python and a browser answer differs in the last bits
of their sums alone. ui/recognizer/network.js reads the file.
"""

import json
import struct
import zlib

import torch
from torch import nn

from mnist_core.network.model import MLP

MAGIC = b"MLP8bit1"  # the last sign is the version: another one needs another address as well
LARGEST = 127
# Bits of a step. With the 7 of a whole number they fit float32's 24, so that their product is
# exact, and the step is found again in the weights: the largest of them divided by 127.
STEP_BITS = 17


def rounded(model: MLP) -> MLP:
    """The network with each unit's weights on its grid; biases stay. Twice is the same as once.

    For a network without batch normalisation, such as `fused` gives.
    """
    new = MLP(model.hidden)
    new.load_state_dict(model.state_dict())
    for layer in _linear_layers(new):
        whole, steps = _on_grid(layer.weight.data)
        layer.weight.data = whole * steps[:, None]
    return new.eval()


def browser_file(model: MLP, config: dict) -> bytes:
    """`model`, rounded, as one file; `config` has its "name", "hidden" and "thresholds".

    MAGIC, the CRC-32 of all that follows, the length of a header and the header, JSON; then for
    each layer its steps and its biases, float32, and its whole numbers, inputs x units, int8.
    Nothing lies between them, and all is little-endian.
    """
    header = json.dumps({key: config[key] for key in ("name", "hidden", "thresholds")}).encode()
    content = struct.pack("<I", len(header)) + header
    for layer in _linear_layers(model):
        whole, steps = _on_grid(layer.weight.data)
        content += torch.stack([steps, layer.bias.data]).numpy().astype("<f4").tobytes()
        content += whole.T.numpy().astype("i1").tobytes()
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def _linear_layers(model: MLP) -> list[nn.Linear]:
    return [layer for layer in model.layers if isinstance(layer, nn.Linear)]


def _on_grid(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(units, inputs) float32 -> as many whole numbers, float32 too, and (units,) steps."""
    largest = weights.abs().amax(1).clamp(min=1e-30)  # a unit may have no weight but 0
    mantissa, exponent = torch.frexp(largest / LARGEST)
    steps = torch.ldexp((mantissa * 2**STEP_BITS).round(), exponent - STEP_BITS)
    return (weights / steps[:, None]).round(), steps
