"""Save and load a network: model.safetensors, config.json and README.md (the model card).

The layout is the Hugging Face Hub's own, so `MLP.from_pretrained` and
`push_to_hub` work on it. Reading is done here all the same: `from_pretrained`
looks on the network when a directory is missing, takes tensors that do not fit
without a word and prints to standard output.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData
from safetensors import SafetensorError
from safetensors.torch import load_file

from mnist_core import hub
from mnist_core.framing import PIXELS
from mnist_core.model import DIGITS, MAX_LAYERS, MAX_WIDTH, MLP

MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CARD_FILE = "README.md"
FILES = (MODEL_FILE, CONFIG_FILE, CARD_FILE)
MEND = "Train a network with: python scripts/train.py --install"


def save(model: MLP, directory: str | Path, provenance: dict, thresholds: dict[str, float]) -> None:
    """Write `model` to `directory`, made if need be.

    `provenance` says where the network came from and goes into config.json and
    the card: "data" (str), "recipe" (dict), "seed" (int), "scores" (dict of
    floats), "date" (ISO 8601), "versions" (dict) and, once it is tested, "confusion" (a row
    for each digit of the test set: how often it was read as which). So do the verdicts'
    `thresholds`, as `calibration.choose_thresholds` gives them. Each file is written
    beside its place and renamed: an interrupted save leaves the old file or the new one.
    Raises OSError when `directory` can't be written.
    """
    config = {
        "hidden": list(model.hidden),
        "thresholds": thresholds,
        "provenance": provenance,
    }
    with _replacing(Path(directory)) as temporary:
        _card(config).save(temporary / CARD_FILE)
        try:
            model.save_pretrained(temporary, config=config)
        except SafetensorError as error:
            raise OSError(f"{directory} can't be written: {error}") from error
        # safetensors lets the owner alone read its file, but others may run the page.
        shutil.copymode(temporary / CONFIG_FILE, temporary / MODEL_FILE)


def copy(source: str | Path, directory: str | Path) -> None:
    """Copy the network in `source` to `directory`, as safely as `save` writes it."""
    with _replacing(Path(directory)) as temporary:
        for name in FILES:
            shutil.copy(Path(source) / name, temporary / name)


@contextmanager
def _replacing(directory: Path) -> Iterator[Path]:
    """A folder whose files take the place of those in `directory` when they are complete."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".saving-") as temporary:
        yield Path(temporary)
        for name in FILES:
            os.replace(Path(temporary) / name, directory / name)


def load(directory: str | Path) -> tuple[MLP, dict]:
    """The network in `directory`, or at hf://USER/NAME on the Hub, and its config.

    The network is ready to evaluate; its config has a "name", made of its file. Raises
    FileNotFoundError when a file is missing, OSError when the Hub can't give it, and
    ValueError when a file is damaged, is not this project's or does not fit the other.
    """
    place = str(directory)
    directory = hub.fetch(place, FILES) if place.startswith(hub.PREFIX) else Path(directory)
    for name in (CONFIG_FILE, MODEL_FILE):
        if not (directory / name).is_file():
            raise FileNotFoundError(f"no network in {directory}: {name} is missing. {MEND}")
    config = _read_config(directory)
    model = MLP(config["hidden"])
    try:
        tensors = load_file(directory / MODEL_FILE)
    except SafetensorError as error:
        raise ValueError(
            f"{directory / MODEL_FILE} is damaged or not a safetensors file ({error}). " + MEND
        ) from error
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != expected:
        raise ValueError(
            f"{directory / MODEL_FILE} does not fit the hidden sizes {config['hidden']} of "
            f"{CONFIG_FILE}: it holds {found}, expected {expected}. {MEND}"
        )
    model.load_state_dict(tensors)
    config["name"] = hashlib.sha256((directory / MODEL_FILE).read_bytes()).hexdigest()[:8]
    return model.eval(), config


def _read_config(directory: Path) -> dict:
    """config.json, its layer sizes checked."""
    try:
        config = json.loads((directory / CONFIG_FILE).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
        raise ValueError(f"{directory / CONFIG_FILE} is not JSON ({error}). {MEND}") from error
    hidden = config.get("hidden") if isinstance(config, dict) else None
    if (
        not isinstance(hidden, list)
        or len(hidden) > MAX_LAYERS
        or not all(type(width) is int and 1 <= width <= MAX_WIDTH for width in hidden)
    ):
        raise ValueError(
            f'{directory / CONFIG_FILE} is not this project\'s: its "hidden" is {hidden!r}, '
            f"expected a list of layer sizes such as [128, 64]. {MEND}"
        )
    thresholds = config.get("thresholds")
    if not isinstance(thresholds, dict) or not all(
        isinstance(thresholds.get(name), int | float) and 0 <= thresholds[name] <= 1
        for name in ("digit", "sure")
    ):
        raise ValueError(
            f'{directory / CONFIG_FILE} has no "thresholds" with "digit" and "sure": it was '
            f"saved by another version. {MEND}"
        )
    return config


def _card(config: dict) -> ModelCard:
    """The model card: Hub metadata and a page of Markdown."""
    provenance = config["provenance"]
    metadata = ModelCardData(
        library_name="pytorch", pipeline_tag="image-classification", datasets=["mnist"]
    )
    sizes = " -> ".join(map(str, (PIXELS, *config["hidden"], DIGITS)))
    sections = {key: provenance[key] for key in ("recipe", "scores", "versions")}
    thresholds = config["thresholds"]
    tables = "\n\n".join(f"## {key.title()}\n\n{_table(rows)}" for key, rows in sections.items())
    return ModelCard(
        f"""---
{metadata.to_yaml()}
---

# Handwritten digits: a multilayer perceptron

28x28 pixels, flattened: {sizes}, ReLU between, log-probabilities out.

Data: {provenance["data"]}. Seed {provenance["seed"]}. Trained {provenance["date"]}.

## Verdicts

An answer is called sure when the leading digit is at least {thresholds["sure"]:.1%} ahead of the
runner-up, and what was drawn is called no digit when those two together have less than
{thresholds["digit"]:.1%}. Both were chosen on held-out data (`mnist_core/calibration.py`).

{tables}
"""
    )


def _table(rows: dict) -> str:
    lines = [f"| {key.replace('_', ' ')} | {value} |" for key, value in rows.items()]
    return "\n".join(["| what | value |", "|---|---|", *lines])
