"""Import a network that another program saved as a PyTorch state dict.

It must be a perceptron on MNIST's 784 pixels with ReLU between layers. Names don't matter: the
shapes of the tensors tell the order of the layers. Inputs that were normalised are tried.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mnist_core.drawing.framing import PIXELS, to_input
from mnist_core.errors import UserError
from mnist_core.network import DIGITS, MAX_LAYERS, MAX_WIDTH
from mnist_core.network.model import MLP

FILES = ("model.safetensors", "pytorch_model.bin")  # what save_pretrained writes to a folder
# Raised for a file that is damaged, holds a whole model or is something else.
LOAD_ERRORS = (OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError)
LOAD_ERRORS += (SafetensorError, UnpicklingError)
REMEDY = "save it with torch.save(model.state_dict(), FILE)"
BIASES = (("weight", "bias"), ("W", "b"), ("w", "b"), ("kernel", "bias"))  # name by weight's name
PLAIN = "pixels from 0 to 1"
# What networks subtract from pixels in [0, 1] and then divide by.
NORMALISATIONS = {
    PLAIN: (0, 1),
    "pixels normalised by mean 0.1307 and standard deviation 0.3081": (0.1307, 0.3081),
    "pixels from -1 to 1": (0.5, 0.5),
    "pixels from -0.5 to 0.5": (0.5, 1),
    "pixels from 0 to 255": (0, 1 / 255),
    "inverted pixels from 0 to 1": (1, -1),
    "inverted pixels from -1 to 1": (0.5, -0.5),
    "inverted pixels from 0 to 255": (1, -1 / 255),
}
MIN_GAIN = 0.001  # of the accuracy, to take an input for normalised


def read_state_dict(path: Path) -> MLP:
    """Load the network in a .safetensors file, a file of torch.save, or a folder with one.

    The state dict may be part of a checkpoint, such as Lightning's. Raises UserError if the file
    can't be read, holds more than plain values and tensors or has another architecture.
    """
    if path.is_dir():
        path = next((path / name for name in FILES if (path / name).exists()), path / FILES[0])
    try:
        if path.suffix == ".safetensors":  # keeps no order of its own
            content = dict(sorted(load_file(path).items(), key=_natural_order))
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except LOAD_ERRORS as error:
        raise UserError(f"{path} can't be read, or holds more than tensors: {REMEDY}") from error
    if not isinstance(content, dict):
        found = type(content).__name__
        raise UserError(f"{path} holds a {found}; expected names and tensors: {REMEDY}")
    found = dict(_state_dicts(content, "the file"))
    models = {place: model for place, one in found.items() if (model := _to_mlp(one))}
    if len(models) == 1:
        return models.popitem()[1]
    if models:
        raise UserError(
            f"{path} holds several networks, in {', '.join(models)}; save one: {REMEDY}"
        )
    tensors = max(found.values(), key=len, default={})
    shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in tensors.items())
    found = f"another architecture, {shapes:.500}" if shapes else f"no tensors in {[*content][:5]}"
    expected = "the layers of a perceptron, 784 -> ... -> 10"
    raise UserError(f"{path} holds {found}; expected {expected}")


def fold_normalisation(model: MLP, images: torch.Tensor, labels: torch.Tensor) -> tuple[MLP, str]:
    """Fold the normalisation of the input that `model` expects into its first layer.

    Of NORMALISATIONS it is the one with which `model` reads most of (N, 28, 28) uint8 `images`.
    Returns the network for pixels in [0, 1], and the normalisation's name.
    """
    folded, inputs, scores = {}, to_input(images), {}
    for name, (mean, deviation) in NORMALISATIONS.items():
        folded[name] = model.fused()
        with torch.no_grad():
            first = folded[name].layers[0]
            first.weight /= deviation
            first.bias -= first.weight.sum(1) * mean
            scores[name] = (folded[name](inputs).argmax(1) == labels).float().mean().item()
    best = max(scores, key=scores.get)
    name = best if scores[best] >= scores[PLAIN] + MIN_GAIN else PLAIN
    return folded[name], name


def _natural_order(item: tuple[str, object]) -> list:
    """A sort key that puts layer 10 after layer 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", item[0])]


def _state_dicts(content: dict, place: str) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield the dicts of tensors in a checkpoint, each with its place there."""
    tensors = {str(name): value for name, value in content.items() if torch.is_tensor(value)}
    if tensors:
        yield place, tensors
    for name, value in content.items():
        if isinstance(value, dict) and "optim" not in str(name):  # their momentum has shapes, too
            yield from _state_dicts(value, repr(name))


def _to_mlp(tensors: dict[str, torch.Tensor]) -> MLP | None:
    """The network of these tensors; None if they are not a perceptron's, or something is left."""
    weights = {name: tensor for name, tensor in tensors.items() if tensor.ndim == 2}
    order = _in_order(weights) if len(weights) <= MAX_LAYERS + 1 else None
    if not order or any(len(tensors[name]) > MAX_WIDTH for name in order):
        return None
    statistics = [name.removesuffix("running_mean") for name in tensors if "running_mean" in name]
    model = MLP([len(tensors[name]) for name in order[:-1]], batch_norm=bool(statistics))
    modules = list(model.named_modules())
    linears = [name for name, module in modules if isinstance(module, nn.Linear)]
    norms = [name for name, module in modules if isinstance(module, nn.BatchNorm1d)]
    renamed, left = {}, dict(tensors)
    for ours, name in zip(linears, order, strict=True):
        renamed[f"{ours}.weight"] = weight = left.pop(name)
        biases = [name.replace(a, b) for a, b in BIASES if a in name]
        bias = next((one for one in biases if one in left), None)
        renamed[f"{ours}.bias"] = left.pop(bias) if bias else torch.zeros(len(weight))
    for ours, prefix in zip(norms, statistics, strict=False):
        for name in [name for name in left if name.startswith(prefix)]:
            renamed[f"{ours}.{name.removeprefix(prefix)}"] = left.pop(name)
    try:
        model.load_state_dict(renamed)
    except RuntimeError:
        return None
    return None if left else model.eval()


def _in_order(weights: dict[str, torch.Tensor], width: int = PIXELS) -> list[str] | None:
    """Names of all `weights`, each for as many inputs as the one before has outputs, up to 10.

    Where several orders fit, it is the one nearest to the file's.
    """
    if not weights:
        return [] if width == DIGITS else None
    for name, tensor in weights.items():
        if tensor.shape[1] == width:
            rest = {other: weights[other] for other in weights if other != name}
            if (following := _in_order(rest, len(tensor))) is not None:
                return [name, *following]
    return None
