"""Save, load and install networks.

A network is one file, model.safetensors, with its config in the metadata: layer sizes, thresholds
of the verdicts and provenance. README.md beside it is its model card, for people only. On the Hub a
network's address is hf://USER/NAME.
"""

import hashlib
import json
import struct
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from mnist_core import extras, paths
from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.network import MAX_LAYERS, MAX_WIDTH
from mnist_core.network.model import MLP
from mnist_core.network.model_card import model_card
from mnist_core.network.quantize import quantize

MODEL_FILE = "model.safetensors"
FILES = (MODEL_FILE, "README.md")
HUB = "hf://"
PROVENANCE = ("data", "recipe", "seed", "scores", "date", "versions")
TRAIN = "Train a network, or name the folder of another one"
CONVERT = "If another program saved it, convert it first"
# A wheel carries the shipped network inside the package, a clone beside it.
WHEEL_WEIGHTS, CLONE_WEIGHTS = (folder / "weights" for folder in Path(__file__).parents[1:3])
SHIPPED = WHEEL_WEIGHTS if WHEEL_WEIGHTS.is_dir() else CLONE_WEIGHTS
SHIPPED_NAME = "9f0168b0"  # see `name_of`; any other name means that weights/ was changed
PREVIOUS = "previous"  # folder inside the installed network's: the network used before it
MAX_BYTES = 2**29  # the largest network allowed, eight layers of 4096 units, takes 483 MB
# What safetensors raises for a damaged file; KeyError for an unknown tensor type.
LOAD_ERRORS = (SafetensorError, KeyError, TypeError, ValueError, RuntimeError)


def save(model: MLP, directory: str | Path, provenance: dict, thresholds: dict[str, float]) -> None:
    """Write `model` to `directory`, replacing any network there in one step.

    `provenance` has "data" (str), "recipe" (dict), "seed" (int, None if unknown), "scores" (dict of
    floats), "date" (ISO 8601), "versions" (dict), and optionally "confusion" (10 rows of 10 counts
    on test images, a row for each digit), "files" (names of drawing files) and "command", which
    trains it again. `thresholds` are those of `calibration.choose_thresholds`. Raises UserError if
    `directory` can't be written or a key is missing.
    """
    config = {"hidden": list(model.hidden), "thresholds": thresholds, "provenance": provenance}
    if fault := _fault(config):
        raise UserError(f"the config of the network to save {fault}")
    # Only one key: safetensors writes several in random order, and `name_of` hashes the bytes.
    metadata = {"config": json.dumps(config)}
    contents = save_tensors(model.state_dict(), metadata), model_card(config).encode()
    _write(directory, dict(zip(FILES, contents, strict=True)))


def load(directory: str | Path | None = None) -> tuple[MLP, dict]:
    """Load a network and its config from a folder, from hf://USER/NAME, or (None) the one in use.

    The network is quantized and in evaluation mode; the config also has "name", see `name_of`.
    Raises UserError if the file is missing, damaged or another program's, or the Hub fails.
    """
    directory = directory or in_use()
    if str(directory).startswith(HUB):
        extras.check("train")
        from mnist_core.network import hub

        directory = hub.fetch(str(directory))
    directory = Path(directory)
    path = directory / MODEL_FILE
    if directory.is_file():
        raise UserError(f"{directory} is a file; expected a folder with {MODEL_FILE}. {CONVERT}")
    content, tensors = _read_tensors(path)
    config = _read_config(content, path)
    model = MLP(config["hidden"])
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        why = f"the hidden sizes {config['hidden']} of its config ({' '.join(str(error).split())})"
        raise UserError(f"{path} does not fit {why}. {TRAIN}") from error
    return quantize(model), config | {"name": name_of(content)}


def name_of(content: bytes) -> str:
    """The name of the network in a file: the first eight hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:8]


def _read_tensors(path: Path) -> tuple[bytes, dict[str, torch.Tensor]]:
    """Read the file once; return its bytes and tensors."""
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise OSError(0, f"it has {size:,} bytes; expected at most {MAX_BYTES:,}")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"no network in {path.parent}: {MODEL_FILE} is missing. {TRAIN}") from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    try:
        return content, load_tensors(content)
    except LOAD_ERRORS as error:
        why = "is damaged, not a safetensors file or has tensors of an unknown type"
        raise UserError(f"{path} {why} ({error}). {TRAIN}") from error


def _read_config(content: bytes, path: Path) -> dict:
    """Check and return the config in the metadata of a valid safetensors file.

    The file begins with the length of its JSON header (https://github.com/huggingface/safetensors).
    """
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__")
    try:
        config = json.loads(metadata["config"])
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path} has no config in its metadata. {CONVERT}") from error
    if fault := _fault(config if isinstance(config, dict) else {}):
        raise UserError(f"the config in {path} {fault}. {TRAIN}")
    return config


def _fault(config: dict) -> str | None:
    """Describe what is wrong with a config; None if nothing is."""
    hidden, thresholds, provenance = map(config.get, ("hidden", "thresholds", "provenance"))
    is_list = isinstance(hidden, list) and len(hidden) <= MAX_LAYERS
    if not is_list or not all(type(width) is int and 1 <= width <= MAX_WIDTH for width in hidden):
        return f'has "hidden" {hidden!r:.200}; expected a list of layer sizes such as [128, 64]'
    limits = map(thresholds.get, ("digit", "sure")) if isinstance(thresholds, dict) else [None]
    if not all(isinstance(limit, int | float) and 0 <= limit <= 1 for limit in limits):
        return 'has no "thresholds" "digit" and "sure" from 0 to 1'
    known = provenance if isinstance(provenance, dict) else {}
    missing = [name for name in PROVENANCE if name not in known]
    return f'has no "provenance" with {", ".join(missing)}' if missing else None


# The installed network -------------------------------------------------------


def in_use() -> Path:
    """Return the folder of the installed network, or of the shipped one if there is none."""
    installed = paths.installed()
    return installed if (installed / MODEL_FILE).exists() else SHIPPED


def install(source: str | Path) -> None:
    """Use the network in `source` from now on; the one used before goes to PREVIOUS.

    Installing the shipped network removes the installed one. Raises UserError if the folder of the
    installed network can't be written.
    """
    installed, new, old = paths.installed(), _read(source), _read(in_use())
    if new != old:
        _write(installed / PREVIOUS, old)
    if new != _read(SHIPPED):
        _write(installed, new)
        return
    try:
        for name in FILES:
            (installed / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"can't remove {installed / name}: {error.strerror}") from error


def _read(directory: str | Path) -> dict[str, bytes]:
    """Read those FILES that exist, by name."""
    files = (Path(directory) / name for name in FILES)
    return {file.name: file.read_bytes() for file in files if file.exists()}


def _write(directory: str | Path, contents: dict[str, bytes]) -> None:
    make_directory(directory)
    for name, content in contents.items():
        with atomic_write(Path(directory) / name) as file:
            file.write(content)
