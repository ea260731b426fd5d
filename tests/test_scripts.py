"""The scripts from the command line: what they make, and how they refuse."""

import contextlib
import fcntl
import hashlib
import http.server
import os
import pty
import re
import shutil
import struct
import sys
import termios
import threading
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
from scripts import convert_unipen, evaluate, train
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
    printed = evaluation("--limit", 60, "--drawings", drawing_file, "--output", output)
    page = (output / "README.md").read_text()
    assert page.startswith(printed.partition("\nwrote ")[0])
    for row in ("| MNIST test |", "mine.jsonl, as strokes |"):
        assert row in page
    assert "Left out" not in page
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
    printed = evaluation("--limit", 60, *files, "--output", output)
    assert re.search(r"letters\.jsonl, as strokes \| (\d+\.\d\d% \| ){3}", printed)
    assert re.search(r"letters\.jsonl, as strokes, those like no digit \| ", printed)
    assert re.search(r"AUROC \d+\.\d\d%; where 95 % of the digits pass, \d+\.\d\d% of", printed)
    page = (output / "README.md").read_text()
    assert re.search(r"^\| `A` \| 2 \|", page, re.MULTILINE)
    assert re.search(r"^\| `\\\|` \| 3 \| 0.00% \| 0.00% \| 100.00% \| 1 \|$", page, re.MULTILINE)
    for person in ("0", "3", "c0", "c3"):  # of a single contributor the writers are shown
        assert re.search(rf"^\| {person} \| \d+\.\d\d% \| 8 \|", page, re.MULTILINE), person
    assert len(list(output.glob("*.png"))) == 7


def test_evaluation_says_what_it_left_out(tmp_path, evaluation):
    assert "Left out: drawings" in evaluation("--limit", 20, "--output", tmp_path / "e")


def test_evaluation_refuses_nothing_to_read_and_nowhere_to_write(evaluation, capsys, tmp_path):
    for options, says in (
        (("--limit", 0), "--limit is 0; expected at least 10 images"),
        (("--output", "/proc"), "can't write to the folder /proc: "),
    ):
        with pytest.raises(SystemExit) as ended:
            evaluation("--output", tmp_path, *options)
        message = capsys.readouterr().err
        assert (ended.value.code, message.count("\n")) == (2, 1)
        assert says in message


def test_evaluation_runs_from_anywhere_and_names_what_is_missing(tmp_path):
    done = run(ROOT / "scripts" / "evaluate.py", "--weights", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("evaluate.py: no network in nowhere: ")
    assert done.stderr.count("\n") == 1


UNIPEN = """.SEGMENT DIGIT 0 ? "7"
.COMMENT 7 12 345
.PEN_DOWN
 100 400
 200 400
.PEN_UP
.DT 100
.PEN_DOWN
 150 350
 150 100
.PEN_UP
"""


@pytest.fixture
def collection(tmp_path, monkeypatch):
    """A collection of one digit, in a folder and served on loopback; its checksums expected."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in convert_unipen.SHA256:
        (folder / name).write_text(UNIPEN)
    sums = dict.fromkeys(convert_unipen.SHA256, hashlib.sha256(UNIPEN.encode()).hexdigest())
    monkeypatch.setattr(convert_unipen, "SHA256", sums)
    return folder


def convert(monkeypatch, *arguments) -> None:
    monkeypatch.setattr("sys.argv", ["convert_unipen.py", *map(str, arguments)])
    convert_unipen.main()


def expect_converted(folder) -> None:
    (drawing,) = read_drawings(folder / "pendigits-train.jsonl.gz")
    assert (drawing.label, drawing.extra) == (7, {"writer": "12"})
    # y grew upwards, and the longer side was 300.
    assert [stroke.tolist() for stroke in drawing.strokes] == [
        [[0, 0], [333, 0]],
        [[167, 167], [167, 1000]],
    ]


def test_the_pen_digits_are_converted_from_a_folder(tmp_path, collection, monkeypatch):
    convert(monkeypatch, "--source", collection, "--output", tmp_path / "data")
    expect_converted(tmp_path / "data")


def test_the_pen_digits_are_fetched_from_an_address(tmp_path, collection, monkeypatch):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=collection)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{served.server_port}/"
        convert(monkeypatch, "--source", address, "--output", tmp_path / "data")
        served.shutdown()
    expect_converted(tmp_path / "data")


@pytest.mark.parametrize("source", ["folder", "http://127.0.0.1:9/"])
def test_what_is_not_the_collection_is_refused(tmp_path, collection, monkeypatch, capsys, source):
    (collection / "pendigits-train").write_text(UNIPEN + "\n")
    with pytest.raises(SystemExit) as ended:
        convert(
            monkeypatch,
            *("--source", collection if source == "folder" else source),
            *("--output", tmp_path / "data"),
        )
    assert ended.value.code == 2
    says = "invalid hash" if source == "folder" else "holds pendigits-train and pendigits-test: --s"
    assert says in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


PEN = """.VERSION 1.0
.COORD Y X T
.WRITER_ID ann
.COMMENT 3 of these
 12 13
.PEN_DOWN
 50 10 1
 40 10 2
.PEN_UP
 45 12 3
.PEN_DOWN
 30 0 4
 30 20 5
.DT 5
.PEN_DOWN
 9 9 6
.PEN_UP
"""
NAMES = """.INCLUDE abc/data/pen.dat
.SEGMENT CHARACTER 0-2 ? "T"
.SEGMENT CHARACTER 0,2 OK "7"
.SEGMENT CHARACTER 2:1 ? "\\\\"
.SEGMENT WORD 0-3 ? "word"
.SEGMENT CHARACTER 1 ? "unlifted"
"""


@pytest.fixture
def release(tmp_path):
    """A UNIPEN release of one file, as it lies on its disc."""
    folder = tmp_path / "release"
    for path, text in (("data/1a/abc/pen.dat", NAMES), ("include/abc/data/pen.dat", PEN)):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize("kind", ["folder", "gztar", "zip"])
def test_a_unipen_release_is_converted(tmp_path, release, monkeypatch, kind):
    if kind != "folder":
        release = shutil.make_archive(str(tmp_path / "archive"), kind, tmp_path, "release")
    convert(monkeypatch, "--release", release, "--output", tmp_path / "data")
    (seven,) = read_drawings(tmp_path / "data" / "unipen-digits.jsonl.gz")
    # Component 1 is the pen's way above the paper, and x stands second.
    assert (seven.label, seven.extra) == (7, {"writer": "abc-ann"})
    expected = [[[500, 0], [500, 500]], [[0, 1000], [1000, 1000]]]
    assert [stroke.tolist() for stroke in seven.strokes] == expected
    t, backslash = read_drawings(tmp_path / "data" / "unipen-characters.jsonl.gz", digits=False)
    assert t.extra == {"character": "T", "writer": "abc-ann"}
    assert len(t.strokes) == 2
    assert backslash.extra["character"] == "\\\\"
    assert [stroke.tolist() for stroke in backslash.strokes] == [[[0, 0]]]  # from point 1 on


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (PEN, PEN.replace("40 10 2", "40 ten 2"), r"include/.*pen\.dat, line 8: '40 ten 2' is not"),
        (
            PEN,
            PEN.replace("40 10 2", "40 nan 2"),
            r"data/1a.*pen\.dat, line 2: stroke 1 has a",
        ),
        (NAMES, NAMES.replace("0-2", "0-9"), r"data/1a.*pen\.dat, line 2: .*component 9"),
        (NAMES, NAMES.replace("0-2", "x"), r"data/1a.*pen\.dat, line 2: "),
        (NAMES, NAMES.replace('"T"', "T"), r"data/1a.*pen\.dat, line 2: .* is not UNIPEN"),
        (NAMES, NAMES.replace("abc/data", "abd/data"), r"pen\.dat, line 2: .*there are 0"),
    ],
)
def test_a_fault_in_a_release_is_named_by_file_and_line(
    tmp_path, release, monkeypatch, capsys, old, new, says
):
    for file in release.rglob("*.dat"):
        if file.read_text() == old:
            file.write_text(new)
    with pytest.raises(SystemExit) as ended:
        convert(monkeypatch, "--release", release, "--output", tmp_path / "data")
    assert ended.value.code == 2
    assert re.search(says, message := capsys.readouterr().err), message
    assert message.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_what_is_no_release_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "text.tgz").write_text("text")
    wrong = ((tmp_path, "holds no data/1"), (tmp_path / "text.tgz", "can't be unpacked"))
    for place, says in wrong:
        with pytest.raises(SystemExit):
            convert(monkeypatch, "--release", place)
        assert says in capsys.readouterr().err
