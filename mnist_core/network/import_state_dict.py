"""Import a network that another program saved as a PyTorch state dict.

It must be a perceptron on the same input: 784 pixels from 0 to 1, ink bright, with ReLU between
layers. Parameter names don't matter, only their order: the first tensors are the first layer's.
"""

import re
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mnist_core.errors import UserError
from mnist_core.network import MAX_LAYERS, MAX_WIDTH
from mnist_core.network.model import MLP

FILES = ("model.safetensors", "pytorch_model.bin")  # what save_pretrained writes to a folder
# Raised for a file that is damaged, holds a whole model or is something else.
LOAD_ERRORS = (OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError)
LOAD_ERRORS += (SafetensorError, UnpicklingError)
REMEDY = "save it with torch.save(model.state_dict(), FILE)"


def read_state_dict(path: Path) -> MLP:
    """Load the network in a .safetensors file, a file of torch.save, or a folder with one.

    Raises UserError if it can't be read, holds more than tensors or has another architecture.
    """
    if path.is_dir():
        path = next((path / name for name in FILES if (path / name).exists()), path / FILES[0])
    try:
        if path.suffix == ".safetensors":  # keeps no order of its own
            tensors = dict(sorted(load_file(path).items(), key=_natural_order))
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except LOAD_ERRORS as error:
        raise UserError(f"{path} can't be read, or holds more than tensors: {REMEDY}") from error
    if not isinstance(tensors, dict) or not all(map(torch.is_tensor, tensors.values())):
        found = list(tensors)[:5] if isinstance(tensors, dict) else type(tensors).__name__
        raise UserError(f"{path} holds {found}; expected names and tensors: {REMEDY}")
    return _to_mlp(tensors, path)


def _natural_order(item: tuple[str, object]) -> list:
    """A sort key that puts layer 10 after layer 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", item[0])]


def _to_mlp(tensors: dict[str, torch.Tensor], path: Path) -> MLP:
    widths = [len(tensor) for tensor in tensors.values() if tensor.ndim == 2][:-1]
    if len(widths) <= MAX_LAYERS and all(1 <= width <= MAX_WIDTH for width in widths):
        model = MLP(widths, any(name.endswith("running_mean") for name in tensors))
        theirs, ours = (list(dict.fromkeys(map(_layer, n))) for n in (tensors, model.state_dict()))
        names = dict(zip(theirs, ours, strict=False))
        renamed = {f"{names.get(_layer(n))}.{n.rpartition('.')[2]}": t for n, t in tensors.items()}
        try:
            model.load_state_dict(renamed)
            return model.eval()
        except RuntimeError:
            pass
    found = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in tensors.items())
    expected = "the layers of a perceptron, 784 -> ... -> 10, each with weight and bias"
    raise UserError(f"{path} holds another architecture, {found:.500}; expected {expected}")


def _layer(name: str) -> str:
    return name.rpartition(".")[0]
