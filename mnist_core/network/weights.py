"""Save and load a network: one file, model.safetensors, and the model card README.md beside it.

The file's metadata carry the config: the layer sizes, the verdicts' thresholds and where the
network came from. So tensors and config can't be of two different networks. The card is for
people; nothing reads it. Networks are shared on the Hugging Face Hub as hf://USER/NAME; which
classes its library raises depends on its version, so each failure there is a UserError.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub import EvalResult, HfApi, ModelCardData, get_token, snapshot_download
from huggingface_hub.utils import validate_repo_id
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from mnist_core import paths
from mnist_core.drawing.framing import PIXELS
from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.network import DIGITS, MAX_LAYERS, MAX_WIDTH
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.tables import table

MODEL_FILE = "model.safetensors"
CARD_FILE = "README.md"
FILES = (MODEL_FILE, CARD_FILE)
HUB = "hf://"
PROVENANCE = ("data", "recipe", "seed", "scores", "date", "versions")
REMEDY = "Train a network with: python scripts/train.py --install"
CONVERT = "Convert another program's network with: python scripts/weights.py convert {} runs/mine"
# A wheel carries the shipped network inside the package, a clone beside it.
WHEEL_WEIGHTS, CLONE_WEIGHTS = (folder / "weights" for folder in Path(__file__).parents[1:3])
SHIPPED = WHEEL_WEIGHTS if WHEEL_WEIGHTS.is_dir() else CLONE_WEIGHTS
SHIPPED_NAME = "d2860c8c"  # as `name_of` gives it: it tells whether a clone's weights/ was changed
PREVIOUS = "previous"  # in the folder of the installed network: the one that was used before it
# Eight hidden layers of 4096 units in float32, the largest that is allowed, take 483 MB.
MAX_BYTES = 2**29
# What loading raises for a file without tensors for PyTorch; KeyError where a type is unknown.
DAMAGE = (SafetensorError, KeyError, TypeError, ValueError, RuntimeError)


def save(model: MLP, directory: str | Path, provenance: dict, thresholds: dict[str, float]) -> None:
    """Write `model` to `directory`, made if need be; killed, it leaves the old network or the new.

    `provenance` says where the network came from: "data" (str), "recipe" (dict), "seed" (int; None
    where it is not known), "scores" (dict of floats), "date" (ISO 8601), "versions" (dict) and,
    once it is tested, "confusion" (a row for each digit of the test set: how often it was read as
    which). "files", names of those with drawings, and the "command" that trains it again may be
    there. `thresholds` are the verdicts', as `calibration.choose_thresholds` gives them. Raises
    UserError when `directory` can't be written or something of this is missing.
    """
    config = {"hidden": list(model.hidden), "thresholds": thresholds, "provenance": provenance}
    if fault := _fault(config):
        raise UserError(f"the config of the network to save {fault}")
    # One key: safetensors writes several in random order, and the name is made of the bytes.
    metadata = {"config": json.dumps(config)}
    contents = save_tensors(model.state_dict(), metadata), _card(config).encode()
    _write(directory, dict(zip(FILES, contents, strict=True)))


def in_use() -> Path:
    """The folder of the network to use: the installed one, or the shipped one where none is."""
    installed = paths.installed()
    return installed if (installed / MODEL_FILE).exists() else SHIPPED


def install(source: str | Path) -> None:
    """Use the network in `source` from now on; the one used until now is kept in PREVIOUS.

    The shipped network is not copied: the installed one is removed, and so the shipped one is used.
    Raises UserError where the folder of the installed network can't be written.
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


def move_old_install() -> str | None:
    """Copy a network that an earlier release installed into weights/ to `paths.installed()`.

    Gives the sentence to show to the user; None where there is none to copy, or no place for it:
    then it is used from weights/. Raises UserError, as `load` does, where it is damaged.
    """
    installed, found = paths.installed(), _read(SHIPPED)
    if SHIPPED != CLONE_WEIGHTS or installed.exists() or MODEL_FILE not in found:
        return None
    if name_of(found[MODEL_FILE]) == SHIPPED_NAME:
        return None
    load(SHIPPED)
    try:
        if previous := _read(SHIPPED / PREVIOUS):
            _write(installed / PREVIOUS, previous)
        _write(installed, found)
    except UserError:  # a container's disk is read-only
        return None
    return (
        f"The network that was installed in {SHIPPED} is in {installed} from now on, and is used "
        f"from there. To have the shipped one in the clone again: git checkout -- {SHIPPED}"
    )


def _read(directory: str | Path) -> dict[str, bytes]:
    """The contents of those FILES that are there."""
    paths = (Path(directory) / name for name in FILES)
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def _write(directory: str | Path, contents: dict[str, bytes]) -> None:
    make_directory(directory)
    for name, content in contents.items():
        with atomic_write(Path(directory) / name) as file:
            file.write(content)


def name_of(content: bytes) -> str:
    """The name of the network in a file: eight hex digits, the beginning of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:8]


def load(directory: str | Path | None = None) -> tuple[MLP, dict]:
    """The network in `directory`, at hf://USER/NAME on the Hub, or in use, and its config.

    The network is ready to evaluate, and rounded if it was not; its config has a "name", see
    `name_of`. Raises UserError when the file is missing, can't be had from the
    Hub, is damaged or is not this project's.
    """
    directory = directory or in_use()
    directory = fetch(str(directory)) if str(directory).startswith(HUB) else Path(directory)
    path = directory / MODEL_FILE
    if directory.is_file():
        convert = CONVERT.format(directory)
        raise UserError(f"{directory} is a file; expected a folder with {MODEL_FILE}. {convert}")
    content, tensors = _read_tensors(path)
    config = _read_config(content, path)
    model = MLP(config["hidden"])
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        why = f"the hidden sizes {config['hidden']} of its config ({' '.join(str(error).split())})"
        raise UserError(f"{path} does not fit {why}. {REMEDY}") from error
    return quantize(model), config | {"name": name_of(content)}


def _read_tensors(path: Path) -> tuple[bytes, dict[str, torch.Tensor]]:
    """What a file holds, and its tensors: read once, so that name, tensors and config agree."""
    try:
        if (size := path.stat().st_size) <= MAX_BYTES:
            content = path.read_bytes()
            return content, load_tensors(content)
    except FileNotFoundError as error:
        reason = f"no network in {path.parent}: {MODEL_FILE} is missing. {REMEDY}"
        raise UserError(reason) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    except MemoryError as error:
        raise UserError(f"there is not enough memory to read {path}") from error
    except DAMAGE as error:
        why = "is damaged, not a safetensors file or of tensors of an unknown type"
        raise UserError(f"{path} {why} ({error}). {REMEDY}") from error
    raise UserError(f"{path} has {size:,} bytes; expected at most {MAX_BYTES:,}. {REMEDY}")


def _read_config(content: bytes, path: Path) -> dict:
    """The config in a valid safetensors file's metadata, checked.

    The file begins with the length of its JSON header (https://github.com/huggingface/safetensors).
    """
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__")
    try:
        config = json.loads(metadata["config"])
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        convert = CONVERT.format(path.parent)
        raise UserError(f"{path} carries no config: another program's? {convert}") from error
    if fault := _fault(config if isinstance(config, dict) else {}):
        raise UserError(f"the config in {path} {fault}. {REMEDY}")
    return config


def _fault(config: dict) -> str | None:
    """What is wrong with a config, where something is."""
    hidden, thresholds, provenance = map(config.get, ("hidden", "thresholds", "provenance"))
    if not (
        isinstance(hidden, list)
        and len(hidden) <= MAX_LAYERS
        and all(type(width) is int and 1 <= width <= MAX_WIDTH for width in hidden)
    ):
        return (
            f'is not this project\'s: its "hidden" is {hidden!r:.200}, expected a list of layer '
            "sizes such as [128, 64]"
        )
    limits = map(thresholds.get, ("digit", "sure")) if isinstance(thresholds, dict) else [None]
    if not all(isinstance(limit, int | float) and 0 <= limit <= 1 for limit in limits):
        return 'has no "thresholds" "digit" and "sure"'
    known = provenance if isinstance(provenance, dict) else {}
    missing = [name for name in PROVENANCE if name not in known]
    return f'has no "provenance" with {", ".join(missing)}' if missing else None


# The Hugging Face Hub --------------------------------------------------------


def check_token(repository: str) -> None:
    """Raise UserError unless the Hub answers and knows us: better before a long training."""
    if get_token() is None:
        raise UserError(
            f"no token to push to {repository} with. Make one that may write at "
            "https://huggingface.co/settings/tokens, then: hf auth login (or set HF_TOKEN)"
        )
    with _one_line(f"can't push to {repository}"):
        validate_repo_id(repository)
        HfApi().whoami()


def push(directory: Path, repository: str) -> str:
    """Upload the network in `directory` to `repository`, made if need be; its address."""
    with _one_line(f"can't push to {repository}"):
        api = HfApi()
        address = api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=directory, allow_patterns=list(FILES))
    return str(address)


def fetch(place: str) -> Path:
    """The folder with the network of hf://USER/NAME in the library's cache, which works offline."""
    with _one_line(f"can't load a network from {place}"):
        return Path(snapshot_download(place.removeprefix(HUB), allow_patterns=list(FILES)))


@contextmanager
def _one_line(failure: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{failure}: {reason or type(error).__name__}") from error


# The model card --------------------------------------------------------------

SOURCES = {  # what networks learn from, by the beginning of the files' names
    "mnist": "MNIST (LeCun, Cortes, Burges, 1998): scanned digits of adults and pupils in the USA",
    "pendigits": "UCI pen digits (Alpaydin, Alimoglu, 1998; CC BY 4.0): 30 adults, one tablet",
    "unipen": "part of UNIPEN train_r01_v07 (Guyon et al., 1994; doi 10.5281/zenodo.1195803; "
    "CC BY 4.0): tablets of the 1990s, mostly right-handed adults of a few countries",
}


LIMITS = """Reads one digit, drawn or in a picture, in MNIST's frame
(`mnist_core/drawing/framing.py`). People whose hands differ from those above, children or other
countries say, are read less well than the scores say. Not for cheques, exams or anything that
nobody checks.

A letter that resembles no digit should be called "no digit" or be unsure; where people's letters
were held out, the scores say how many were called a sure digit. O, I, l, Z, S, b, q and their like
are read as the digits that they resemble."""


def _metadata(scores: dict[str, float]) -> ModelCardData:
    """What the Hub shows beside the card."""
    kind = "image-classification"
    accuracy = scores.get("test_accuracy")
    result = EvalResult(kind, "mnist", "MNIST", "accuracy", accuracy, dataset_split="test")
    return ModelCardData(
        library_name="pytorch",
        license="cc-by-4.0",
        pipeline_tag=kind,
        datasets=["mnist"],
        metrics=["accuracy"],
        model_name="Handwritten digits",
        eval_results=[] if accuracy is None else [result],
    )


def _card(config: dict) -> str:
    """The Hub's metadata and a page of Markdown."""
    provenance, thresholds = config["provenance"], config["thresholds"]
    sizes = " -> ".join(map(str, (PIXELS, *config["hidden"], DIGITS)))
    files = [] if provenance["seed"] is None else ["mnist", *provenance.get("files", [])]
    known = [text for name, text in SOURCES.items() if any(f.startswith(name) for f in files)]
    sources = "\n".join(f"- {text}" for text in known)
    seed, date = provenance["seed"], provenance["date"]
    trained = "" if seed is None else f" Seed {seed}. Trained {date}."
    command = f"Made by `{provenance['command']}`." if "command" in provenance else ""
    tables = ""
    for key in ("recipe", "scores", "versions"):
        rows = [(name.replace("_", " "), value) for name, value in provenance[key].items()]
        tables += f"\n## {key.title()}\n\n{table(('what', 'value'), rows)}"
    return f"""---
{_metadata(provenance["scores"]).to_yaml()}
---

# Handwritten digits: a multilayer perceptron

28x28 pixels, flattened: {sizes}, ReLU between, log-probabilities out. Weights: CC BY 4.0.

Data: {provenance["data"]}.{trained}
{command}

{sources}

## Use and limits

{LIMITS}

## Verdicts

An answer is called sure when the leading digit is at least {thresholds["sure"]:.1%} ahead of the
runner-up, and what was drawn is called no digit when those two together have less than
{thresholds["digit"]:.1%}. Both were chosen on held-out data
(`mnist_core/network/calibration.py`).
{tables}"""
