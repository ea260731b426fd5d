"""Imports point one way, transitively: what a room loads is what its place in the design allows."""

import json
import subprocess
import sys

from tests.conftest import ROOT

# Each may load those before it and itself; nothing of Gradio's. The server may load them all,
# the page's document and Gradio.
CHAIN = [
    "mnist_core/drawing", "mnist_core/network", "mnist_core/training", "mnist_core/corrections",
]  # fmt: skip
APART = {"app", "scripts", "experiments", "tests"}  # nothing imports these
OURS = {"mnist_core", "serving", "ui"} | APART
LOAD = """
import importlib, json, sys
for names in json.load(sys.stdin):
    for name in names:
        importlib.import_module(name)
    print(json.dumps(list(sys.modules)))
"""


def modules_of(room: str) -> list[str]:
    """The dotted names of the modules in a folder and below it."""
    parts = [f.relative_to(ROOT).with_suffix("").parts for f in (ROOT / room).rglob("*.py")]
    assert parts
    return sorted(".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts)


def loaded_by(*steps: list[str]) -> list[set[str]]:
    """All modules that a fresh Python has loaded after each step's were imported."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD], input=json.dumps(steps), capture_output=True, text=True,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


def rooms(loaded: set[str]) -> set[str]:
    """The rooms of this project that `loaded` modules are in; mnist_core's own files are none."""
    names = [name.split(".") for name in loaded if name.split(".")[0] in OURS]
    found = {"/".join(n[:2]) if n[0] == "mnist_core" else n[0] for n in names}
    return {room for room in found if (ROOT / room).is_dir() and room != "mnist_core"}


def test_a_room_loads_nothing_that_stands_above_it():
    *rest, whole = loaded_by(*map(modules_of, [*CHAIN, "serving"]))
    for place, loaded in enumerate(rest, start=1):
        assert rooms(loaded) == set(CHAIN[:place])
        assert not {"gradio", "app"} & loaded
    assert rooms(whole) == {*CHAIN, "ui", "serving"}
    assert "app" not in whole


def test_the_page_loads_neither_network_nor_server():
    (loaded,) = loaded_by(modules_of("ui"))
    assert rooms(loaded) == {"ui"}
    assert not {"torch", "mnist_core", "app"} & loaded


def test_drawings_recipes_and_corrections_need_no_pytorch():
    names = ["mnist_core.drawing.strokes", "mnist_core.corrections.store"]
    names += ["mnist_core.training.recipes"]
    (loaded,) = loaded_by(names)
    assert "torch" not in loaded
