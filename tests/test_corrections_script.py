"""scripts/corrections.py: what it shows, writes and changes, and how it refuses."""

import csv
import gzip

import pytest
import torch

from mnist_core.corrections import store as module
from mnist_core.corrections.store import Corrections
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.network import weights
from mnist_core.training.data import render_drawings
from scripts import corrections as script
from tests.conftest import ROOT, call
from tests.drawings import DRAWINGS

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
def command(url):
    """Run the script in this process; returns its exit code and what it printed."""

    def command(name: str, *arguments: object, database: str = url) -> tuple[int, str, str]:
        done = call(script, name, "--database", database, *arguments)
        return done.returncode, done.stdout, done.stderr

    return command


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
    assert last == "3 corrections"
    assert TOKEN not in out


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_drawings_are_exported_and_imported(command, store, tmp_path, name):
    code, out, _ = command("export", tmp_path / name)
    assert (code, out) == (0, f"wrote 3 corrections to {tmp_path / name}\n")
    first, *_ = read_drawings(tmp_path / name)
    assert (first.label, first.extra["answer"], first.extra["network"]) == (7, 1, "best-2026")
    assert "writer" in first.extra  # training can tell people apart
    assert TOKEN not in str(first.extra)
    assert command("import", tmp_path / name)[1] == f"added 0 drawings of {tmp_path / name}\n"
    store.delete_own(TOKEN)
    code, out, _ = command("import", tmp_path / name, tmp_path / name)
    assert (code, out.count("added 3 drawings"), out.count("added 0")) == (0, 1, 1)
    again, *others = store.all()
    assert [one.label for one in others] == [2, 4]
    assert (again.strokes, again.answer, again.probabilities) == (DRAWINGS[7], 1, None)


def test_csv_is_as_kaggle_has_it(command, store, tmp_path):
    for name in ("a.csv", "a.csv.gz"):
        assert command("export", tmp_path / name)[0] == 0
    text = (tmp_path / "a.csv").read_text()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == text
    header, *rows = csv.reader(text.splitlines())
    assert header == ["label", *(f"pixel{number}" for number in range(784))]
    images, _ = render_drawings([one.drawing() for one in store.all()])
    assert [int(row[0]) for row in rows] == [7, 2, 4]
    assert torch.equal(torch.tensor([list(map(int, row[1:])) for row in rows]), images.flatten(1))


def test_relabel_and_delete(command, store):
    assert command("relabel", 2, 3)[0] == 0
    assert [one.label for one in store.all()] == [7, 3, 4]
    assert command("delete", 1, 3, 3)[:2] == (0, "deleted 2\n")
    assert [one.id for one in store.all()] == [2]


def test_mistakes_are_one_line(command, tmp_path, monkeypatch):
    (tmp_path / "bad.jsonl").write_text('{"label": 11, "strokes": []}\n')
    write_drawings(tmp_path / "good.jsonl", [Drawing(3, parse_strokes(DRAWINGS[3]))])
    for arguments, says in (
        (("relabel", 9, 3), "there is no correction 9"),
        (("export", tmp_path / "a.png"), "expected a name that ends in .jsonl"),
        (("export", tmp_path / "none" / "a.csv"), "No such file"),
        (("import", tmp_path / "good.jsonl", tmp_path / "bad.jsonl"), "bad.jsonl, line 1"),
    ):
        code, _, error = command(*arguments)
        assert (code, error.count("\n")) == (2, 1)
        assert error.startswith("corrections.py: ")
        assert says in error
    assert "3 corrections" in command("list")[1]  # nothing of the good file was added
    monkeypatch.setattr(module, "MAX_TOTAL", 2)
    code, _, error = command("import", tmp_path / "good.jsonl")
    assert (code, "good.jsonl: the limit of 0 MB" in error) == (2, True)


def test_nothing_to_show_is_an_error_that_says_so(command, tmp_path):
    command("delete", 1, 2, 3)
    assert command("list")[1].splitlines()[1:] == ["0 corrections"]
    wanted = ["list", "--picture", tmp_path / "a.png"], ["export", tmp_path / "a.csv"], ["review"]
    for arguments in wanted:
        code, _, error = command(*arguments)
        assert (code, "there are no corrections" in error) == (2, True)


def test_only_an_import_creates_a_database(command, tmp_path):
    mistyped = tmp_path / "mistyped.sqlite"
    address = f"sqlite:///{mistyped}"
    for arguments in (["list"], ["review"], ["export", "a.csv"], ["relabel", 1, 2], ["delete", 1]):
        code, _, error = command(*arguments, database=address)
        assert (code, f"there is no file {mistyped}" in error) == (2, True)
        assert not mistyped.exists()
    write_drawings(tmp_path / "a.jsonl", [Drawing(7, parse_strokes(DRAWINGS[7]))])
    assert command("import", tmp_path / "a.jsonl", database=address)[0] == 0
    assert "1 corrections" in command("list", database=address)[1]


def test_review_finds_a_planted_mislabel(command, store, tmp_path):
    store.relabel(2, 3)
    code, out, _ = command("review", "--picture", tmp_path / "a.png")
    assert code == 0
    name = weights.load(ROOT / "weights")[1]["name"]
    judge, _, row, last, _ = out.splitlines()
    assert judge.startswith(f"compared with network {name} of 20")
    assert row.split()[:2] == ["2", "3"]
    assert last == "1 of 3 corrections differ from the network's answer"
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_review_puts_the_least_probable_label_first_and_names_a_judge_that_learned(
    command, tmp_path, monkeypatch
):
    model, config = weights.load(ROOT / "weights")
    weights.save(model, tmp_path, {**config["provenance"], "corrections": 27}, config["thresholds"])
    # Of the labels 7, 2 and 4 the first and the last are misread; the last is less probable.
    answers = torch.full((3, 10), 0.01)
    answers[[0, 1, 2], [7, 2, 4]] = torch.tensor([0.2, 0.9, 0.1])
    answers[[0, 2], [1, 9]] = 0.7
    monkeypatch.setattr(script, "predict", lambda model, images: answers.log())
    _, out, _ = command("review", "--weights", tmp_path)
    assert out.splitlines()[1].startswith("it was trained on 27 corrections itself")
    first, second = (line.split() for line in out.splitlines()[3:5])
    assert first == ["3", "4", "10.0%", "9,", "70.0%"]
    assert second == ["1", "7", "20.0%", "1,", "70.0%"]
    assert "no network in" in command("review", "--weights", tmp_path / "none")[2]
