"""The scripts from the command line: what they make, and how they refuse."""

import os
import re

import pytest

from mnist_core import Recognizer
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.network import weights
from scripts import evaluate
from tests.conftest import ROOT, call, run
from tests.drawings import DRAWINGS

TRAIN = ROOT / "scripts" / "train.py"
PLAIN = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}


def test_training_writes_a_network_that_loads(tmp_path):
    """In a process of its own, from another directory, with all of MNIST."""
    output = tmp_path / "new" / "run"
    settings = ("--recipe", "tutorial", "--epochs", 1, "--hidden", 16, "--batch-size", 500)
    done = run(TRAIN, *settings, "--output", output, cwd=tmp_path, env=PLAIN)
    assert done.returncode == 0, done.stderr
    for row in (r"threads +1", "data +54000 training images, 6000 validation"):
        assert re.search(f"^{row}$", done.stdout, re.MULTILINE), row
    numbers = r"training loss \d\.\d{4}  validation loss \d\.\d{4}  validation accuracy \d\d\.\d\d%"
    assert re.search(rf"^epoch  1  {numbers}  \d+\.\d s$", done.stdout, re.MULTILINE)
    _, config = weights.load(output)
    assert config["provenance"]["recipe"]["batch_size"] == 500
    assert config["provenance"]["scores"]["test_accuracy"] > 0.8
    assert Recognizer.load(output).predict_strokes(DRAWINGS[1]).digit is not None


@pytest.fixture
def drawing_file(tmp_path):
    """The tests' own drawings, each by four writers."""
    path = tmp_path / "mine.jsonl"
    drawings = [
        Drawing(digit, parse_strokes(strokes), {"writer": writer})
        for digit, strokes in DRAWINGS.items()
        for writer in range(4)
    ]
    write_drawings(path, drawings)
    return path


def refused(*arguments) -> str:
    """What train.py says when it refuses `arguments`: one line, exit code 2, no traceback."""
    done = call(TRAIN, *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--epochs", 0), "epochs is 0"),
        (("--hidden", 128, -1), "hidden sizes are"),
        (("--threads", -1), "-1 threads; expected at least 1"),
        (("--drawings", "/nowhere.jsonl"), "/nowhere.jsonl can't be read"),
        (("--data", "/nowhere"), "there is no /nowhere; expected pictures in folders 0 to 9"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, arguments, says):
    assert says in refused(*arguments, "--output", tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_place_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refused("--recipe", "tutorial", "--output", tmp_path / "file" / "weights")
    assert message == (
        f"train.py: can't make the folder {tmp_path / 'file' / 'weights'}: Not a directory\n"
    )


def test_evaluation_counts_letters_and_people(tmp_path, drawing_file):
    letters = tmp_path / "letters.jsonl"
    strokes = {"A": [[[0, 9], [3, 0], [6, 9]], [[1, 5], [5, 5]]], "|": DRAWINGS[1]}
    write_drawings(
        letters,
        [Drawing(None, parse_strokes(strokes[c]), {"character": c}) for c in "AA|||"],
    )
    named = [
        Drawing(one.label, one.strokes, {"writer": f"c{one.extra['writer']}-1"})
        for one in read_drawings(drawing_file)
    ]
    write_drawings(tmp_path / "named.jsonl", named)
    output = tmp_path / "e"
    files = ("--drawings", drawing_file, tmp_path / "named.jsonl", "--not-digits", letters)
    printed = call(evaluate, *files, "--output", output).stdout
    assert re.search(r"letters\.jsonl, as strokes \| (\d+\.\d\d% \| ){3}", printed)
    assert re.search(r"letters\.jsonl, as strokes, those like no digit \| ", printed)
    assert re.search(r"AUROC \d+\.\d\d%; where 95 % of the digits pass, \d+\.\d\d% of", printed)
    page = (output / "README.md").read_text()
    assert re.search(r"^\| `A` \| 0.00% \| 2 \|", page, re.MULTILINE)
    assert re.search(
        r"^\| `\\\|` \| 0.00% \| 3 \| 0.00% \| 0.00% \| 100.00% \| 3 \|$", page, re.MULTILINE
    )
    for person in ("0", "3", "c0", "c3"):  # of a single contributor the writers are shown
        assert re.search(rf"^\| {person} \| \d+\.\d\d% \| 8 \|", page, re.MULTILINE), person
    assert len(list(output.glob("*.png"))) == 7


def test_evaluation_refuses_nothing_to_read_and_nowhere_to_write(tmp_path):
    for options, says in (
        (("--output", "/proc"), "can't write to the folder /proc: "),
        (("--weights", "nowhere"), "no network in nowhere: "),
    ):
        done = call(evaluate, "--output", tmp_path, *options)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert says in done.stderr
