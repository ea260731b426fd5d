"""The scripts from the command line: what they make, and how they refuse."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch

from mnist_core import Recognizer
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training.recipes import LOSSES, RECIPES, Recipe
from mnist_core.training.trainer import Trainer
from scripts import evaluate, train
from tests.conftest import ROOT, call, run
from tests.drawings import DRAWINGS
from tests.small_training import shrink

TRAIN = ROOT / "scripts" / "train.py"
PLAIN = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}


def test_training_writes_a_network_that_loads(tmp_path):
    output = tmp_path / "new" / "run"
    settings = ("--recipe", "tutorial", "--epochs", 1, "--hidden", 16, "--batch-size", 500)
    # In a process of its own, from another directory, with all of MNIST.
    done = run(TRAIN, *settings, "--output", output, cwd=tmp_path, env=PLAIN)
    assert done.returncode == 0, done.stderr
    chosen, _, rest = done.stdout.partition("\n\n")  # the settings come first
    for row in (
        "recipe +tutorial", "network +784-16-10", "epochs +1", "batch size +500",
        "learning rate +0.01", "seed +0", r"device +\w+",
        "threads +1",
        "data +54000 training images, 6000 validation", f"run directory +{output}",
    ):  # fmt: skip
        assert re.search(f"^{row}$", chosen, re.MULTILINE), row
    numbers = r"training loss \d\.\d{4}  validation loss \d\.\d{4}  validation accuracy \d\d\.\d\d%"
    assert re.match(rf"epoch  1  {numbers}  \d+\.\d s\n", rest)
    _, config = weights.load(output)
    assert config["hidden"] == [16]
    assert config["provenance"]["recipe"]["batch_size"] == 500
    assert config["provenance"]["scores"]["test_accuracy"] > 0.8
    assert Recognizer.load(output).predict_strokes(DRAWINGS[1]).digit is not None


def test_help_reads_well():
    done = call(TRAIN, "--help")
    groups = ["what to train:", "how to run:", "where the result goes:", "recipes:", "examples:"]
    places = [done.stdout.find(f"\n{group}\n") for group in groups]
    assert places[0] > -1
    assert places == sorted(places)
    for name in RECIPES:
        assert re.search(rf"^  {name} +\d+-\d+ +\d+ epochs: ", done.stdout, re.MULTILINE)
    for name in LOSSES:
        assert re.search(rf"^  {name} +\w", done.stdout, re.MULTILINE)
    options = set(re.findall(r"^  (--[\w-]+)", done.stdout, re.MULTILINE))
    assert {"--recipe", "--seed", "--resume", "--install", "--push-to-hub"} <= options
    assert done.stdout.count("(default: ") >= 9
    examples = done.stdout.partition("examples:")[2]
    for line in examples.strip().splitlines():  # every option in them exists
        assert set(re.findall(r" (--[\w-]+)", line)) <= options


def test_on_a_terminal_a_bar_shows_loss_and_speed(monkeypatch):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))  # rows and columns
    images = torch.zeros(1500, 28, 28, dtype=torch.uint8), torch.zeros(1500, dtype=torch.int64)
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(1) as pool, open(theirs, "w") as terminal:
        reading = pool.submit(read_to_the_end, ours)
        monkeypatch.setattr(sys, "stderr", terminal)
        torch.set_num_threads(1)
        recipe = Recipe((64,), 1, 1, 0.01)
        list(Trainer(MLP((64,)), images, recipe, torch.Generator()).fit(images))
        torch.set_num_threads(threads)
        monkeypatch.undo()
        terminal.close()
        shown = reading.result(60)
    assert re.search(r"epoch 1: .*k?/1\.50k \[.*images/s, loss=\d\.\d{4}\]", shown), shown


def read_to_the_end(terminal: int) -> str:
    shown = b""
    with contextlib.suppress(OSError):  # when the other side is closed
        while part := os.read(terminal, 4096):
            shown += part
    os.close(terminal)
    return shown.decode()


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


def main(monkeypatch, capsys, script, *arguments: object) -> str:
    """What a script's main prints, called in this process."""
    monkeypatch.setattr("sys.argv", ["script.py", *map(str, arguments)])
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    script.main()
    return capsys.readouterr().out


def test_drawings_join_the_training_of_the_best_recipe(tmp_path, drawing_file, monkeypatch, capsys):
    shrink(monkeypatch.setattr)
    settings = ("--epochs", 1, "--drawings", drawing_file, "--output", tmp_path / "w")
    printed = main(monkeypatch, capsys, train, *settings)
    assert f"{2700 + 29 * 16} training images, 300 validation, 3 drawings, 3 styles" in printed
    shown = r"^epoch  1 .*  drawings \d+\.\d\d%  styles \d+\.\d\d%  \d"
    assert re.search(shown, printed, re.MULTILINE)
    model, config = weights.load(tmp_path / "w")
    assert len(list(model.parameters())) == 4  # batch normalisation is fused away
    scores = config["provenance"]["scores"]
    assert 0 <= scores["drawings_accuracy"] <= 1
    assert 0 <= scores["validation_calibration_error"] < 0.5


def test_letters_join_too_and_the_card_says_how_many_pass(tmp_path, monkeypatch, capsys):
    shrink(monkeypatch.setattr)
    for name, label in (("digits", 1), ("letters", None)):
        some = [
            Drawing(label, parse_strokes(DRAWINGS[1]), {"writer": f"c{i}", "character": "A"})
            for i in range(20)
        ]
        write_drawings(tmp_path / f"{name}.jsonl", some)
    files = ("--drawings", tmp_path / "digits.jsonl", "--not-digits", tmp_path / "letters.jsonl")
    main(monkeypatch, capsys, train, "--epochs", 1, *files, "--output", tmp_path / "w")
    _, config = weights.load(tmp_path / "w")
    provenance = config["provenance"]
    assert "18 letters and signs" in provenance["data"]
    assert 0 <= provenance["scores"]["letters_called_sure_digits"] <= 1
    assert provenance["files"] == ["digits.jsonl", "letters.jsonl"]
    assert provenance["command"] == (
        "python scripts/train.py --recipe best --seed 0 --epochs 1"
        " --drawings digits.jsonl --not-digits letters.jsonl"
    )


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
        (("--learning-rate", "nan"), "learning_rate is nan"),
        (("--hidden", 128, -1), "hidden sizes are"),
        (("--recipe", "secret"), "invalid choice"),
        (("--threads", -1), "-1 threads; expected at least 1"),
        (("--drawings", "/nowhere.jsonl"), "/nowhere.jsonl can't be read"),
        (("--not-digits", "/nowhere.jsonl"), "/nowhere.jsonl can't be read"),
        (("--data", "/nowhere"), "there is no /nowhere; expected a folder with MNIST/raw or"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, arguments, says):
    assert says in refused(*arguments, "--output", tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_damaged_data_is_refused(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(b"not MNIST")
    message = refused("--data", tmp_path, "--output", tmp_path / "w")
    assert "git checkout" in message
    assert message.count("\n") == 1


def test_a_place_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refused("--recipe", "tutorial", "--output", tmp_path / "file" / "weights")
    assert message == (
        f"train.py: can't make the folder {tmp_path / 'file' / 'weights'}: Not a directory\n"
    )


def test_a_malformed_drawing_file_is_refused(tmp_path, drawing_file):
    drawing_file.write_text(drawing_file.read_text() + '{"label": 3}\n')
    message = refused("--drawings", drawing_file, "--output", tmp_path / "w")
    assert "mine.jsonl, line 33" in message
    assert message.count("\n") == 1


@pytest.fixture
def evaluation(monkeypatch, capsys):
    """Call evaluate.py's main in this process; what it prints."""
    return partial(main, monkeypatch, capsys, evaluate)


def test_evaluation_writes_a_table_and_pictures(tmp_path, drawing_file, evaluation):
    output = tmp_path / "evaluation"
    printed = evaluation("--drawings", drawing_file, "--output", output)
    page = (output / "README.md").read_text()
    assert page.startswith(printed.partition("\nwrote ")[0])
    for row in ("| MNIST test |", "mine.jsonl, as strokes |"):
        assert row in page
    pictures = sorted(file.name for file in output.glob("*.png"))
    assert len(pictures) == 4
    assert all(f"({name})" in page for name in pictures)


def test_evaluation_counts_letters_and_people(tmp_path, drawing_file, evaluation):
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
    printed = evaluation(*files, "--output", output)
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


def test_evaluation_refuses_a_folder_that_it_cannot_write(evaluation, capsys):
    with pytest.raises(SystemExit) as ended:
        evaluation("--output", "/proc")
    message = capsys.readouterr().err
    assert (ended.value.code, message.count("\n")) == (2, 1)
    assert "can't write to the folder /proc: " in message


def test_evaluation_runs_from_anywhere_and_names_what_is_missing(tmp_path):
    done = run(ROOT / "scripts" / "evaluate.py", "--weights", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("evaluate.py: no network in nowhere: ")
    assert done.stderr.count("\n") == 1
