"""Round a network to 8 bits a weight, and write it as the file that browsers load.

A unit's weights become whole numbers from -127 to 127 times a step of its own. Networks are scored
after rounding, so that Python and JavaScript give the same answers.
"""

import copy
import json
import struct
import zlib

import torch

from mnist_core.network.model import MLP

MAGIC = b"MLP8bit1"  # the last character is the version; a new version needs a new address too


def quantize(model: MLP) -> MLP:
    """A rounded copy of a network without batch normalisation; doing it twice changes nothing."""
    new = copy.deepcopy(model).eval()
    for layer in new.layers[::2]:
        whole, steps = _whole_and_steps(layer.weight.data)
        layer.weight.data = whole * steps
    return new


def browser_file(model: MLP, config: dict, **extra: object) -> bytes:
    """The quantized `model` in one file, with name, layer sizes and thresholds from its `config`.

    Little-endian, without gaps: MAGIC; the CRC-32 of what follows; the header's length, uint32;
    the header, JSON, with `extra`; then for each layer its steps and biases, float32, and its
    whole numbers, (inputs, units) int8. A unit with a NaN weight gets the step NaN.
    """
    kept = {key: config[key] for key in ("name", "hidden", "thresholds")}
    header = json.dumps(kept | extra).encode()
    content = struct.pack("<I", len(header)) + header
    for layer in model.layers[::2]:
        whole, steps = _whole_and_steps(layer.weight.data)
        content += torch.cat([steps.flatten(), layer.bias.data]).numpy().astype("<f4").tobytes()
        content += whole.nan_to_num().T.numpy().astype("i1").tobytes()
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def read_header(file: bytes) -> dict | None:
    """The header of a `browser_file`; None if the file is cut short or damaged."""
    if file[8:12] != struct.pack("<I", zlib.crc32(file[12:])):
        return None
    (length,) = struct.unpack_from("<I", file, 12)
    return json.loads(file[16 : 16 + length])


def _whole_and_steps(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Split (units, inputs) weights into whole numbers, as float32, and (units, 1) steps.

    A step has 17 significant bits; with the 7 of a whole number they fit float32's 24. So the
    product is exact, and the largest weight divided by 127 gives the same step again.
    """
    largest = weights.abs().amax(1, keepdim=True).clamp(min=1e-30)  # a unit may be all 0
    mantissa, exponent = torch.frexp(largest / 127)
    steps = torch.ldexp((mantissa * 2**17).round(), exponent - 17)
    return (weights / steps).round(), steps
