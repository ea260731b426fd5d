"""The network as browsers read it: a unit's weights are whole numbers, -127..127, times its step.

All networks are rounded to that grid, and scored then: Python and ui/recognizer/ answer the same.
"""

import copy
import json
import struct
import zlib

import torch

from mnist_core.network.model import MLP

MAGIC = b"MLP8bit1"  # the last sign is the version: another one needs another address as well


def quantize(model: MLP) -> MLP:
    """A copy of a network without batch normalisation, rounded to the grid; twice is like once."""
    new = copy.deepcopy(model).eval()
    for layer in new.layers[::2]:
        whole, steps = _on_grid(layer.weight.data)
        layer.weight.data = whole * steps
    return new


def browser_file(model: MLP, config: dict, **more: object) -> bytes:
    """`model`, rounded, and what browsers need of its config; little-endian and without gaps.

    MAGIC, the CRC-32 of all that follows, a header's length, the header, JSON, with what is told
    `more`; then for each layer its steps and its biases, float32, and its whole numbers, inputs x
    units, int8. A unit with a weight that is NaN has the step NaN, and whole numbers 0 there.
    """
    needed = {key: config[key] for key in ("name", "hidden", "thresholds")}
    header = json.dumps(needed | more).encode()
    content = struct.pack("<I", len(header)) + header
    for layer in model.layers[::2]:
        whole, steps = _on_grid(layer.weight.data)
        content += torch.cat([steps.flatten(), layer.bias.data]).numpy().astype("<f4").tobytes()
        content += whole.nan_to_num().T.numpy().astype("i1").tobytes()
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def read_header(file: bytes) -> dict | None:
    """The header of what `browser_file` gave; None where it is cut short or damaged."""
    if file[8:12] != struct.pack("<I", zlib.crc32(file[12:])):
        return None
    (length,) = struct.unpack_from("<I", file, 12)
    return json.loads(file[16 : 16 + length])


def _on_grid(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(units, inputs) float32 -> as many whole numbers, float32 too, and (units, 1) steps.

    A step has 17 bits, which with a whole number's 7 fit float32's 24: so the product is exact,
    and the largest weight divided by 127 gives the step again.
    """
    largest = weights.abs().amax(1, keepdim=True).clamp(min=1e-30)  # all may be 0
    mantissa, exponent = torch.frexp(largest / 127)
    steps = torch.ldexp((mantissa * 2**17).round(), exponent - 17)
    return (weights / steps).round(), steps
