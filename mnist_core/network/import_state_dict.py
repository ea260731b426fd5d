"""A network that another program saved, a state dict, as this project's MLP.

It must be a perceptron on the same input: 784 pixels in [0, 1], ink bright, ReLU between layers.
Names don't matter: the first tensors are the first layer's, as they stand in the file.
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

FILES = ("model.safetensors", "pytorch_model.bin")  # of a folder that save_pretrained wrote
# What is raised for a file that is damaged, holds a whole model or is none of these.
DAMAGE = (OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError)
DAMAGE += (SafetensorError, UnpicklingError)
SAVE = "save it with torch.save(model.state_dict(), FILE)"


def read_state_dict(path: Path) -> MLP:
    """The network in a .safetensors file, a state dict's file or a folder with one.

    Raises UserError where it can't be read, holds more than tensors or is of another architecture.
    """
    if path.is_dir():
        path = next((path / name for name in FILES if (path / name).exists()), path / FILES[0])
    try:
        if path.suffix == ".safetensors":  # its tensors stand in any order
            tensors = dict(sorted(load_file(path).items(), key=_natural))
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}") from error
    except DAMAGE as error:
        raise UserError(f"{path} can't be read, or holds more than tensors: {SAVE}") from error
    if not isinstance(tensors, dict) or not all(
        isinstance(tensor, torch.Tensor) for tensor in tensors.values()
    ):
        what = list(tensors)[:5] if isinstance(tensors, dict) else type(tensors).__name__
        raise UserError(f"{path} holds {what}; expected a state dict, names and tensors: {SAVE}")
    return _to_mlp(tensors, path)


def _natural(item: tuple[str, object]) -> list:
    """A key to sort by in which layer 10 comes after layer 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", item[0])]


def _to_mlp(tensors: dict[str, torch.Tensor], path: Path) -> MLP:
    widths = [len(tensor) for tensor in tensors.values() if tensor.ndim == 2][:-1]
    if len(widths) <= MAX_LAYERS and all(1 <= width <= MAX_WIDTH for width in widths):
        model = MLP(widths, any(name.endswith("running_mean") for name in tensors))
        layers, own = (
            list(dict.fromkeys(map(_layer, names))) for names in (tensors, model.state_dict())
        )
        names = dict(zip(layers, own, strict=False))
        renamed = {f"{names.get(_layer(n))}.{n.rpartition('.')[2]}": t for n, t in tensors.items()}
        try:
            model.load_state_dict(renamed)
            return model.eval()
        except RuntimeError:
            pass
    found = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in tensors.items())
    raise UserError(
        f"{path} is of another architecture: it holds {found:.500}; expected the layers of a "
        "perceptron, 784 -> ... -> 10, each with weight and bias"
    )


def _layer(name: str) -> str:
    return name.rpartition(".")[0]
