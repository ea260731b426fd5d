"""Round a network to a few bits a weight, and write it as the file that browsers load.

A unit's weights become whole numbers, from -127 to 127 with 8 bits and from -7 to 7 with 4, times a
step of its own. Networks are scored after rounding, so that Python and JavaScript give the same
answers. The file has a byte for each whole number; compressed, few bits take little room.
"""

import copy
import json
import struct
import zlib

import torch

from mnist_core.network.model import MLP

MAGIC = b"MLP8bit1"  # the last character is the version; a new version needs a new address too
GZIP = 16 + zlib.MAX_WBITS  # zlib's number for gzip's header and its largest window


def quantize(model: MLP, bits: int = 8) -> MLP:
    """A copy of a network without batch normalisation, rounded to `bits` a weight.

    A unit that is rounded already, to as many bits or fewer, stays as it is.
    """
    new = copy.deepcopy(model).eval()
    for layer in new.layers[::2]:
        whole, steps = _whole_and_steps(layer.weight.data, bits)
        layer.weight.data = whole * steps
    return new


def best_steps(weights: torch.Tensor, bits: int) -> torch.Tensor:
    """The (units, 1) steps that round (units, inputs) weights with the least squared error.

    No step is so large that the largest weight becomes less than the largest whole number, so that
    the step can be found again from the rounded weights.
    """
    largest = _largest(weights) / max_whole(bits)
    steps, least = largest, torch.full_like(largest, torch.inf)
    for share in torch.linspace(1, 0.25, 31).tolist():
        tried = _round_step(share * largest)
        error = (round_to(weights, tried, bits) - weights).square().sum(1, keepdim=True)
        steps, least = torch.where(error < least, tried, steps), torch.minimum(error, least)
    return steps


def round_to(weights: torch.Tensor, steps: torch.Tensor, bits: int) -> torch.Tensor:
    """Round (units, inputs) weights to multiples of (units, 1) steps, as far as `bits` go."""
    most = max_whole(bits)
    return (weights / steps).round().clamp(-most, most) * steps


def max_whole(bits: int) -> int:
    """The largest whole number: with as many below zero as above."""
    return 2 ** (bits - 1) - 1


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


def compressed_file(model: MLP, config: dict) -> bytes:
    """`browser_file`, gzipped with Huffman codes alone.

    Sequences of weights recur only by chance: gzip's search for them makes the file a tenth larger.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP, zlib.DEF_MEM_LEVEL, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(browser_file(model, config)) + packer.flush()


def read_header(file: bytes) -> dict | None:
    """The header of a `browser_file`; None if the file is cut short or damaged."""
    if file[8:12] != struct.pack("<I", zlib.crc32(file[12:])):
        return None
    (length,) = struct.unpack_from("<I", file, 12)
    return json.loads(file[16 : 16 + length])


def _whole_and_steps(weights: torch.Tensor, bits: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Split (units, inputs) weights into whole numbers, as float32, and (units, 1) steps.

    A step has 17 significant bits; with the 7 of a whole number they fit float32's 24. So the
    product is exact, and the largest weight divided by the largest whole number gives the same
    step again.
    """
    largest = _largest(weights)
    steps = _round_step(largest / max_whole(bits)) if bits == 8 else best_steps(weights, bits)
    for fewer in range(bits, 1, -1):  # last the fewest bits that a unit is rounded to already
        coarse = _round_step(largest / max_whole(fewer))
        exact = (round_to(weights, coarse, fewer) == weights).all(1, keepdim=True)
        steps = torch.where(exact, coarse, steps)
    return (weights / steps).round().clamp(-max_whole(bits), max_whole(bits)), steps


def _largest(weights: torch.Tensor) -> torch.Tensor:
    return weights.abs().amax(1, keepdim=True).clamp(min=1e-30)  # a unit may be all 0


def _round_step(steps: torch.Tensor) -> torch.Tensor:
    mantissa, exponent = torch.frexp(steps)
    return torch.ldexp((mantissa * 2**17).round(), exponent - 17)
