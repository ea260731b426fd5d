"""scripts/corrections.py: what it shows, writes and mends, and how it refuses."""

import csv
import gzip
import io
import os
import random
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_core.corrections import export
from mnist_core.corrections import store as module
from mnist_core.corrections.store import Corrections
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.training import plots
from mnist_core.training.data import render_drawings
from scripts import corrections as script
from tests.conftest import ROOT, call, run
from tests.drawings import DRAWINGS
from tests.processes import started

TOKEN = "t" * 16


@pytest.fixture
def url(tmp_path) -> str:
    """The address of a database with three corrections: a 7 read as 1, a 2 and a 4."""
    address = f"sqlite:///{tmp_path}/corrections.sqlite"
    store = Corrections(address)
    for label, answer in ((7, 1), (2, 2), (4, None)):
        probabilities = None if answer is None else [float(digit == answer) for digit in range(10)]
        store.add(TOKEN, label, DRAWINGS[label], answer, probabilities, "best-2026")
    store.close()
    return address


@pytest.fixture
def command(url, monkeypatch, capsys):
    """Run the script in this process; give back its exit code and what it printed."""

    def call(*arguments: object) -> tuple[int, str, str]:
        name, *rest = map(str, arguments)
        monkeypatch.setattr(sys, "argv", ["corrections.py", name, "--database", url, *rest])
        threads, code = torch.get_num_threads(), 0
        try:
            script.main()
        except SystemExit as error:
            code = error.code
        finally:
            torch.set_num_threads(threads)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def store(url):
    opened = Corrections(url)
    yield opened
    opened.close()


def test_list_shows_a_table(command):
    code, out, _ = command("list")
    assert code == 0
    _, first, second, third, last = out.splitlines()
    assert first.split()[3:] == ["7", "1", "best-2026", "tttttt…"]
    assert second.split()[3:5] == ["2", "2"]
    assert third.split()[3:5] == ["4", "-"]
    assert last == "3 of 3 corrections"
    assert TOKEN not in out
    _, out, _ = command("list", "--last", 1)
    assert out.splitlines()[1:] == [third, "1 of 3 corrections"]
    code, _, message = command("list", "--last", 0)
    assert (code, message) == (2, "corrections.py: --last is 0; expected at least 1\n")


def test_list_draws_a_contact_sheet(command, tmp_path, monkeypatch):
    titles = []
    sheet = plots.image_grid
    monkeypatch.setattr(
        plots, "image_grid", lambda images, given: titles.extend(given) or sheet(images, given)
    )
    code, out, _ = command("list", "--picture", tmp_path / "a.png")
    assert (code, titles) == (0, ["#1: 7\nread as 1, 100%", "#2: 2\nread as 2, 100%",
                                  "#3: 4\nnot read"])  # fmt: skip
    assert "drew 3 of them" in out
    picture = Image.open(tmp_path / "a.png").convert("L")
    assert picture.width > picture.height > 50
    assert picture.getextrema() == (0, 255)


def test_a_contact_sheet_grows_and_ends(mnist):
    images = mnist[0][: plots.MAX_IMAGES + 5]
    few, many = (plots.image_grid(images[:n], ["$"] * n) for n in (25, len(images)))
    assert len(few.axes[0].texts) == 25
    assert len(many.axes[0].texts) == plots.MAX_IMAGES
    assert round(many.get_figheight() / few.get_figheight()) == 33  # 100 rows to 3


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_drawings_are_exported_and_imported(command, store, tmp_path, name):
    code, out, _ = command("export", tmp_path / name)
    assert (code, out) == (0, f"wrote 3 corrections to {tmp_path / name}\n")
    first, *_ = read_drawings(tmp_path / name)
    assert (first.label, first.extra["answer"], first.extra["network"]) == (7, 1, "best-2026")
    assert TOKEN not in str(first.extra)
    code, out, _ = command("import", tmp_path / name)
    assert (code, out) == (0, f"added 0 drawings of {tmp_path / name}\n")  # they are there
    store.delete_own(TOKEN)
    code, out, _ = command("import", tmp_path / name, tmp_path / name)
    assert (code, out.count("added 3 drawings"), out.count("added 0")) == (0, 1, 1)
    assert [one.label for one in store.all()] == [7, 2, 4]
    again = next(store.all(last=3))
    assert (again.strokes, again.answer, again.probabilities) == (DRAWINGS[7], 1, None)
    assert (
        "writer" in first.extra
    )  # who it was can't be asked for, but training can tell people apart
    assert "writer" not in again.drawing().extra


def test_csv_is_as_kaggle_has_it(command, store, tmp_path):
    assert command("export", tmp_path / "a.csv")[0] == 0
    assert command("export", tmp_path / "a.csv.gz")[0] == 0
    text = (tmp_path / "a.csv").read_text()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == text
    header, *rows = csv.reader(text.splitlines())
    assert header == ["label", *(f"pixel{number}" for number in range(784))]
    images, _ = render_drawings([one.drawing() for one in store.all()])
    assert [int(row[0]) for row in rows] == [7, 2, 4]
    assert torch.equal(torch.tensor([list(map(int, row[1:])) for row in rows]), images.flatten(1))
    plain = io.StringIO(newline="")
    numbers = [list(map(int, row)) for row in rows]
    csv.writer(plain, lineterminator="\n").writerows([header, *numbers])
    assert text == plain.getvalue()  # no quotes, no spaces, no other ends of lines


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_files_are_as_mnists(command, store, tmp_path, ending):
    code, out, _ = command("export", tmp_path / f"mine-images-idx3-ubyte{ending}")
    assert code == 0
    assert "mine-labels-idx1-ubyte" in out
    for kind in ("images-idx3", "labels-idx1"):
        file = tmp_path / f"mine-{kind}-ubyte{ending}"
        content = file.read_bytes()
        (tmp_path / kind).write_bytes(gzip.decompress(content) if ending else content)
    images, labels = render_drawings([one.drawing() for one in store.all()])
    assert torch.equal(read_image_file(tmp_path / "images-idx3"), images)
    assert torch.equal(read_label_file(tmp_path / "labels-idx1"), labels)
    assert sum(file.name.startswith("mine") for file in tmp_path.iterdir()) == 2
    assert not list(tmp_path.glob(".*"))


def pair_of(number: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels that hold nothing but `number`."""
    return torch.full((count, 28, 28), number).byte(), torch.full((count,), number)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_killed_export_leaves_no_images_with_others_labels(tmp_path, nth, when):
    images, labels = tmp_path / "a-images-idx3-ubyte", tmp_path / "a-labels-idx1-ubyte"
    export.write_idx(images, pair_of(1, 5))
    with started(killed_in_replace, images, nth, when) as process:
        process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert int(read_image_file(images).unique()) == (1 if (nth, when) == (1, "before") else 2)
    assert labels.exists() is ((nth, when) == (2, "after"))  # or else images alone: no pair
    assert export.write_idx(images, pair_of(3, 5)) == labels
    assert set(read_label_file(labels).tolist()) == {3}


def killed_in_replace(images: Path, nth: int, when: str) -> None:
    """Export other numbers, and be killed just before or after the `nth` file takes its place."""
    real, calls = os.replace, []

    def replace_and_die(*paths: object) -> None:
        calls.append(paths)
        if when == "after":
            real(*paths)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        if when == "before":
            real(*paths)

    os.replace = replace_and_die
    export.write_idx(images, pair_of(2, 5))


def test_an_export_that_fails_leaves_the_old_pair(tmp_path, monkeypatch):
    images = tmp_path / "a-images-idx3-ubyte.gz"
    labels = export.write_idx(images, pair_of(1, 5))
    before = images.read_bytes(), labels.read_bytes()
    full = OSError(28, "No space left on device")

    def fail(*_: object) -> None:
        raise full

    monkeypatch.setattr("gzip.GzipFile.flush", fail)
    with pytest.raises(UserError, match="No space left"):
        export.write_idx(images, pair_of(2, 5))
    assert (images.read_bytes(), labels.read_bytes()) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_relabel_and_delete(command, store):
    assert command("relabel", 2, 3)[0] == 0
    assert [one.label for one in store.all()] == [7, 3, 4]
    assert command("delete", 1, 3, 3)[:2] == (0, "removed 2\n")
    assert [one.id for one in store.all()] == [2]


def test_mistakes_are_told_in_a_line(command, tmp_path, monkeypatch):
    (tmp_path / "bad.jsonl").write_text('{"label": 11, "strokes": []}\n')
    write_drawings(tmp_path / "good.jsonl", [Drawing(3, parse_strokes(DRAWINGS[3]))])
    for arguments, says in (
        (("relabel", 9, 3), "there is no correction 9"),
        (("delete", 8, 3), "there is no correction 8 (any others are removed)"),
        (("export", tmp_path / "a.png"), "expected a name that ends in .jsonl"),
        (("export", tmp_path / "none" / "a.csv"), "No such file"),
        (("import", tmp_path / "good.jsonl", tmp_path / "bad.jsonl"), "bad.jsonl, line 1"),
        (("import", tmp_path / "none.jsonl"), "No such file"),
    ):
        code, _, error = command(*arguments)
        assert (code, error.count("\n")) == (2, 1)
        assert error.startswith("corrections.py: ")
        assert says in error
    assert "2 of 2" in command("list")[1]  # nothing of the good file was added
    monkeypatch.setattr(module, "MAX_TOTAL", 2)
    code, _, error = command("import", tmp_path / "good.jsonl")
    assert (code, "good.jsonl: there is room for 0 MB" in error) == (2, True)


def test_nothing_to_show_is_told(command, tmp_path):
    command("delete", 1, 2, 3)
    assert command("list")[1].splitlines()[1:] == ["0 of 0 corrections"]
    wanted = ["list", "--picture", tmp_path / "a.png"], ["export", tmp_path / "a.csv"], ["review"]
    for arguments in wanted:
        code, _, error = command(*arguments)
        assert (code, "there are no corrections" in error) == (2, True)


def test_a_database_that_cannot_be_had_is_told(tmp_path):
    file = ROOT / "scripts" / "corrections.py"
    write_drawings(tmp_path / "a.jsonl", [Drawing(7, parse_strokes(DRAWINGS[7]))])
    url = f"sqlite:///{tmp_path}/none/a.sqlite"
    done = run(file, "import", "--database", url, tmp_path / "a.jsonl")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "unable to open database file" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["review"], ["export", "a.csv"], ["relabel", "1", "2"], ["delete", "1"]],
    ids=lambda arguments: arguments[0],
)
def test_only_an_import_makes_a_database(tmp_path, arguments):
    script_file, mistyped = ROOT / "scripts" / "corrections.py", tmp_path / "mistyped.sqlite"
    address = ["--database", f"sqlite:///{mistyped}"]
    done = call(script_file, *arguments, *address)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"there is no file {mistyped}" in done.stderr
    assert not list(tmp_path.iterdir())
    write_drawings(tmp_path / "a.jsonl", [Drawing(7, parse_strokes(DRAWINGS[7]))])
    assert call(script_file, "import", tmp_path / "a.jsonl", *address).returncode == 0
    assert "1 of 1 corrections" in call(script_file, "list", *address).stdout


def test_review_finds_planted_mislabels(command, store, tmp_path):
    """Sixty drawings, a little different from each other, four of them labelled wrong."""
    dice = random.Random(0)
    drawings = [wobbled(digit, dice) for digit in [0, 2, 3, 4, 5, 7] * 10]
    wrong = {5: 3, 20: 8, 33: 6, 50: 1}
    for place, label in wrong.items():
        drawings[place] = replace(drawings[place], label=label)
    store.add_drawings(drawings)
    code, out, _ = command("review", "--picture", tmp_path / "a.png")
    assert code == 0
    name = weights.load(ROOT / "weights")[1]["name"]
    judge, _, *rows, last = out.splitlines()[:-1]
    assert judge.startswith(f"judge: the network {name} of 20")
    found = {int(row.split()[0]): int(row.split()[1]) for row in rows}
    assert found == {place + 4: label for place, label in wrong.items()}  # after three others
    assert last == "4 of 63 corrections are read otherwise than labelled"
    own = [float(row.split()[2].rstrip("%")) for row in rows]
    assert own == sorted(own)
    assert (tmp_path / "a.png").stat().st_size > 1000


def wobbled(digit: int, dice: random.Random) -> Drawing:
    slant, scale = dice.uniform(-0.2, 0.2), dice.uniform(0.8, 1.2)
    strokes = [[[x + slant * y, scale * y] for x, y in stroke] for stroke in DRAWINGS[digit]]
    return Drawing(digit, parse_strokes(strokes))


def test_review_puts_the_least_probable_label_first_and_names_a_judge_that_learned(
    command, store, tmp_path, monkeypatch
):
    model, config = weights.load(ROOT / "weights")
    weights.save(model, tmp_path, {**config["provenance"], "corrections": 27}, config["thresholds"])
    # Of the labels 7, 2 and 4 the first and the last are not read; the last with less.
    answers = torch.full((3, 10), 0.01)
    answers[[0, 1, 2], [7, 2, 4]] = torch.tensor([0.2, 0.9, 0.1])
    answers[[0, 2], [1, 9]] = 0.7
    monkeypatch.setattr(script, "predict", lambda model, images: answers.log())
    _, out, _ = command("review", "--weights", tmp_path)
    assert out.splitlines()[1].startswith("which learned from 27 corrections itself: --weights")
    first, second = (line.split() for line in out.splitlines()[3:5])
    assert first == ["3", "4", "10.0%", "9,", "70.0%"]
    assert second == ["1", "7", "20.0%", "1,", "70.0%"]
    assert "no network in" in command("review", "--weights", tmp_path / "none")[2]
