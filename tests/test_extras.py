"""Without an extra of pyproject.toml, what needs it says how to install it; strokes need none."""

import importlib.metadata
import json
import re

import pytest

from mnist_core.extras import PACKAGES
from tests.conftest import ROOT, run
from tests.drawings import DRAWINGS

BLOCK = f"import sys; sys.modules.update(dict.fromkeys({sorted(PACKAGES['page'])} + ['cv2']))\n"
LIBRARY = """
import json, numpy
from mnist_core import Recognizer
from mnist_core.network import weights

def refusal(function, *arguments):
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)

recognizer = Recognizer.load("weights")
digit = recognizer.predict_strokes(json.loads(sys.argv[1])).digit
refusals = [
    refusal(recognizer.predict_image, numpy.eye(30)),
    refusal(weights.load, "hf://USER/NAME"),
    refusal(__import__, "mnist_core.training.data"),
]
print(json.dumps([digit, refusals]))
"""
SCRIPT = "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


def advice(extra: str) -> str:
    return f'of the extra [{extra}]. Install them: pip install "draw-a-digit[{extra}]"'


def test_strokes_are_read_without_any_extra_and_the_rest_names_its_own():
    done = run("-c", BLOCK + LIBRARY, json.dumps(DRAWINGS[7]), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    digit, (picture, hub, training) = json.loads(done.stdout)
    assert digit == 7
    assert advice("pictures") in picture
    assert advice("train") in hub
    assert advice("train") in training


@pytest.mark.parametrize(
    ("script", "extra"),
    [
        ("app.py", "page"),
        ("scripts/train.py", "train"),
        ("scripts/finetune.py", "train"),
        ("scripts/evaluate.py", "train"),
        ("scripts/weights.py restore shipped", "train"),
        ("scripts/corrections.py list", "train"),
    ],
)
def test_a_script_says_in_one_line_what_it_lacks(script, extra):
    done = run("-c", BLOCK + SCRIPT, *script.split(), cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert advice(extra) in done.stderr


def test_the_packages_are_those_of_the_project():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = {*project["dependencies"], *(line for each in extras.values() for line in each)}
    required = set((ROOT / "requirements.txt").read_text().splitlines())
    assert {line for line in required if line[0] != "#"} == lines - {"draw-a-digit[train]"}
    distributions = importlib.metadata.packages_distributions()
    extras["page"] += extras["train"]
    bounds = {"draw-a-digit[train]", "h11", "jinja2", "python-multipart"}  # of what Gradio brings
    for extra, packages in PACKAGES.items():
        known = {re.split("[<>=]", line)[0] for line in extras[extra]}
        assert {distributions[package][0].lower() for package in packages} == known - bounds
