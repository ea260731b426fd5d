"""scripts/corrections.py: what it shows, writes and mends, and how it refuses."""

import csv
import gzip
import random
import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_core import corrections, figures, review
from mnist_core.corrections import Corrections
from mnist_core.data import render_drawings, select
from mnist_core.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from scripts import corrections as script
from tests.conftest import ROOT, run
from tests.drawings import DRAWINGS

TOKEN = "t" * 16


@pytest.fixture
def url(tmp_path) -> str:
    """The address of a database with three corrections: a 7 read as 1, a 2 and a 4."""
    address = f"sqlite:///{tmp_path}/corrections.sqlite"
    store = Corrections.open(address)
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
    opened = Corrections.open(url)
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


def test_list_draws_a_contact_sheet(command, tmp_path, monkeypatch):
    titles = []
    sheet = figures.contact_sheet
    monkeypatch.setattr(
        figures, "contact_sheet", lambda images, given: titles.extend(given) or sheet(images, given)
    )
    code, out, _ = command("list", "--picture", tmp_path / "a.png")
    assert (code, titles) == (0, ["#1: 7\nread as 1, 100%", "#2: 2\nread as 2, 100%",
                                  "#3: 4\nnot read"])  # fmt: skip
    assert "drew 3 of them" in out
    picture = Image.open(tmp_path / "a.png").convert("L")
    assert picture.width > picture.height > 50
    assert picture.getextrema() == (0, 255)


def test_a_contact_sheet_grows_and_ends(mnist):
    images = mnist[0][: figures.CONTACTS + 5]
    few, many = (figures.contact_sheet(images[:n], ["$"] * n) for n in (25, len(images)))
    assert len(few.axes[0].texts) == 25
    assert len(many.axes[0].texts) == figures.CONTACTS
    assert round(many.get_figheight() / few.get_figheight()) == 33  # 100 rows to 3


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_drawings_are_exported_and_imported(command, store, tmp_path, name):
    code, out, _ = command("export", tmp_path / name)
    assert (code, out) == (0, f"wrote 3 corrections to {tmp_path / name}\n")
    first, *_ = read_drawings(tmp_path / name)
    assert (first.label, first.extra["answer"], first.extra["network"]) == (7, 1, "best-2026")
    assert TOKEN not in str(first.extra)
    code, out, _ = command("import", tmp_path / name, tmp_path / name)
    assert (code, out.count("added 3 drawings")) == (0, 2)
    assert [one.label for one in store.all()] == [7, 2, 4] * 3
    assert store.all()[-3].strokes == DRAWINGS[7]
    assert store.all()[-3].answer == 1


def test_csv_is_as_kaggle_has_it(command, store, tmp_path):
    assert command("export", tmp_path / "a.csv")[0] == 0
    assert command("export", tmp_path / "a.csv.gz")[0] == 0
    text = (tmp_path / "a.csv").read_text()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == text
    assert "\r" not in text
    header, *rows = csv.reader(text.splitlines())
    assert header == ["label", *(f"pixel{number}" for number in range(784))]
    images, _ = render_drawings([one.drawing() for one in store.all()])
    assert [int(row[0]) for row in rows] == [7, 2, 4]
    assert torch.equal(torch.tensor([list(map(int, row[1:])) for row in rows]), images.flatten(1))


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
    assert not list(tmp_path.glob(".unfinished*"))


def test_relabel_and_delete(command, store):
    assert command("relabel", 2, 3)[0] == 0
    assert store.get(2).label == 3
    assert command("delete", 1, 3, 3)[:2] == (0, "removed 2\n")
    assert [one.id for one in store.all()] == [2]


def test_mistakes_are_told_in_a_line(command, tmp_path, monkeypatch):
    (tmp_path / "bad.jsonl").write_text('{"label": 11, "strokes": []}\n')
    write_drawings(tmp_path / "good.jsonl", [Drawing(7, parse_strokes(DRAWINGS[7]))])
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
    monkeypatch.setattr(corrections, "MAX_TOTAL", 2)
    code, _, error = command("import", tmp_path / "good.jsonl")
    assert (code, "good.jsonl: There is room for 2" in error) == (2, True)


def test_nothing_to_show_is_told(command, tmp_path):
    command("delete", 1, 2, 3)
    assert command("list")[1].splitlines()[1:] == ["0 of 0 corrections"]
    for arguments in (("list", "--picture", tmp_path / "a.png"), ("export", tmp_path / "a.csv")):
        code, _, error = command(*arguments)
        assert (code, "there are no corrections" in error) == (2, True)
    assert "at least 2 are needed" in command("review")[2]


def test_a_database_that_cannot_be_had_is_told(tmp_path):
    file = ROOT / "scripts" / "corrections.py"
    done = run(file, "list", "--database", f"sqlite:///{tmp_path}/none/a.sqlite")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Its folder must exist" in done.stderr


def test_review_finds_planted_mislabels(command, store, mnist, tmp_path, monkeypatch):
    """Sixty drawings, a little different from each other, four of them labelled wrong."""
    dice = random.Random(0)
    drawings = [wobbled(digit, dice) for digit in [0, 2, 3, 4, 5, 7] * 10]
    wrong = {5: 3, 20: 8, 33: 6, 50: 1}
    for place, label in wrong.items():
        drawings[place] = replace(drawings[place], label=label)
    store.add_drawings(drawings)
    monkeypatch.setattr(review, "MNIST_IMAGES", 4000)
    code, out, _ = command("review", "--picture", tmp_path / "a.png")
    assert code == 0
    rows = [line.split() for line in out.splitlines()[1:] if "%" in line]
    found = {int(id): int(label) for id, label, *_ in rows[:5]}
    planted = {place + 4: label for place, label in wrong.items()}  # after three others
    assert planted.items() <= found.items()
    assert (tmp_path / "a.png").stat().st_size > 1000


def wobbled(digit: int, dice: random.Random) -> Drawing:
    slant, scale = dice.uniform(-0.2, 0.2), dice.uniform(0.8, 1.2)
    strokes = [[[x + slant * y, scale * y] for x, y in stroke] for stroke in DRAWINGS[digit]]
    return Drawing(digit, parse_strokes(strokes))


def test_a_review_is_the_same_each_time_and_order_puts_disagreement_first(mnist):
    few = select(mnist, torch.arange(500))
    drawings = [Drawing(digit, parse_strokes(DRAWINGS[digit])) for digit in (0, 7)]
    first, second = (review.cross_validate(drawings, few, seed=1) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.allclose(first.sum(1), torch.ones(2))
    probabilities = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.55, 0.45], [0.2, 0.8]])
    labels = torch.tensor([0, 0, 0, 0])
    assert review.order(probabilities, labels).tolist() == [3, 1, 2, 0]
