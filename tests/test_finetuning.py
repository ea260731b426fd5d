"""Learning from corrections: what is learned, what is kept, and what train.py says of it."""

import csv
import re

import numpy as np
import pytest
import torch

from mnist_core import data, finetuning, learning, weights
from mnist_core.data import render_drawings, select, split
from mnist_core.finetuning import FineTuning, finetune
from mnist_core.model import MLP
from mnist_core.strokes import Drawing, parse_strokes, write_drawings
from mnist_core.training import evaluate
from scripts import learn_writer, train
from tests.conftest import ROOT
from tests.drawings import DRAWINGS
from tests.test_comparisons import call, rows


def mirrored_threes(count: int, seed: int) -> list[Drawing]:
    """3s written the wrong way round, as children do, each with a shaking hand of its own."""
    random = np.random.default_rng(seed)
    (three,) = (np.array(stroke) * [-1, 1] for stroke in DRAWINGS[3])
    hands = [three @ (np.eye(2) + random.normal(0, 0.06, (2, 2))) for _ in range(count)]
    return [Drawing(3, parse_strokes([hand.tolist()])) for hand in hands]


def confirmed() -> list[Drawing]:
    return [Drawing(digit, parse_strokes(strokes)) for digit, strokes in DRAWINGS.items()]


def differing(first: MLP, second: MLP) -> int:
    """How many of the weights' tensors differ."""
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return sum(not torch.equal(one, other) for one, other in pairs)


# Learning --------------------------------------------------------------------


def test_an_odd_style_is_learned_and_mnist_kept(recognizer, mnist):
    training, validation = (select(mnist, part) for part in split(len(mnist[0])))
    model = recognizer.model
    odd = render_drawings(mirrored_threes(40, seed=1))
    assert evaluate(model, odd)[1] < 0.3
    corrections = [*mirrored_threes(8, seed=0), *confirmed()]
    generator = torch.Generator().manual_seed(0)
    new = finetune(model, corrections, training[0], FineTuning(), generator)
    assert evaluate(new, odd)[1] > 0.9
    assert evaluate(new, render_drawings(confirmed()))[1] == 1
    assert evaluate(new, validation)[1] > evaluate(model, validation)[1] - 0.002
    assert differing(model, weights.load(ROOT / "weights")[0]) == 0  # it stays as it was


def test_the_same_seed_gives_the_same_weights(mnist, monkeypatch):
    monkeypatch.setattr(finetuning, "POOL", 100)
    torch.manual_seed(0)
    model, settings = MLP((16,)).eval(), FineTuning(steps=3)
    first, again, other = (
        finetune(model, confirmed(), mnist[0], settings, torch.Generator().manual_seed(seed))
        for seed in (5, 5, 6)
    )
    assert differing(first, again) == 0
    assert differing(first, other) == 4


@pytest.mark.parametrize(("count", "held_out"), [(1, 0), (29, 0), (30, 6), (104, 20)])
def test_a_fifth_is_held_out_where_there_are_enough(count, held_out):
    corrections = mirrored_threes(count, seed=0)
    learned_from, scored_on = learning.hold_out(corrections, seed=0)
    assert len(scored_on) == held_out
    assert {*map(id, learned_from), *map(id, scored_on)} == {*map(id, corrections)}
    assert len(learned_from) + len(scored_on) == count


# train.py --corrections ------------------------------------------------------


@pytest.fixture
def little_data(monkeypatch):
    """2,000 of MNIST's images, few outliers, and as little made of them and of corrections."""
    load = data.load_mnist

    def load_few(root, train: bool) -> data.Dataset:
        return tuple(tensor[:2000] for tensor in load(root, train))

    for module in (data, learning, learn_writer):
        monkeypatch.setattr(module, "load_mnist", load_few)
    monkeypatch.setattr(learning, "OUTLIERS", 20)
    monkeypatch.setattr(finetuning, "POOL", 100)
    monkeypatch.setattr(finetuning, "COPIES", 4)


@pytest.fixture
def learn(monkeypatch, tmp_path, little_data):
    """Call train.py's main in this process, on little data, to install in `tmp_path`/weights."""
    threads = torch.get_num_threads()
    monkeypatch.setattr(train, "FineTuning", lambda: FineTuning(steps=2, learning_rate=1e-5))
    monkeypatch.setattr(train, "WEIGHTS", tmp_path / "weights")

    def main(*arguments: object) -> None:
        places = ("--from", ROOT / "weights", "--output", tmp_path / "run")
        call(monkeypatch, train, "--threads", 1, *places, *arguments)

    yield main
    torch.set_num_threads(threads)


@pytest.fixture
def corrections(tmp_path):
    path = tmp_path / "mine.jsonl"
    write_drawings(path, [*mirrored_threes(24, seed=0), *confirmed()])
    return path


def refused(learn, capsys, *arguments: object, code: int = 2) -> str:
    """The one line that train.py ends with."""
    with pytest.raises(SystemExit) as ended:
        learn(*arguments)
    message = capsys.readouterr().err
    assert ended.value.code == code, message
    assert message.count("\n") == 1
    return message


def test_before_and_after_are_reported_and_kept(learn, corrections, capsys, tmp_path):
    learn("--corrections", corrections, "--drawings", corrections, "--install")
    printed = capsys.readouterr().out
    assert re.search(r"^corrections +26 learned from, 6 held out$", printed, re.MULTILINE)
    for name, count in (
        ("validation", "200"), ("drawings", "3"), ("test", "2,000"), ("held-out corrections", "6")
    ):  # fmt: skip
        shares = rf"^{name} +\d+\.\d\d% +\d+\.\d\d%  {count}$"
        assert re.search(shares, printed, re.MULTILINE), (name, printed)
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        assert {"validation", "test"} < {row["what"] for row in csv.DictReader(file)}
    _, config = weights.load(tmp_path / "weights")
    provenance = config["provenance"]
    assert provenance["corrections"] == 26
    assert provenance["parent"]["directory"] == str(ROOT / "weights")
    assert config["thresholds"] == weights.load(ROOT / "weights")[1]["thresholds"]
    assert "26 corrections" in (tmp_path / "weights" / "README.md").read_text()


def test_few_corrections_are_all_learned_from(learn, tmp_path, capsys):
    write_drawings(tmp_path / "few.jsonl.gz", confirmed())
    learn("--corrections", tmp_path / "few.jsonl.gz")
    assert "8 learned from; fewer than 30, so none is held out" in capsys.readouterr().out
    assert not (tmp_path / "weights").exists()


def test_what_cost_too_much_is_not_installed_without_force(
    learn, corrections, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr(learning, "finetune", lambda *_: MLP((16,)).eval())
    message = refused(learn, capsys, "--corrections", corrections, "--install", code=4)
    assert re.search(r"not installed: it lost \d\d\.\d\d points on MNIST's test images", message)
    assert "--force" in message
    assert not (tmp_path / "weights").exists()
    weights.load(tmp_path / "run")  # it can still be tried
    learn("--corrections", corrections, "--install", "--force")
    assert weights.load(tmp_path / "weights")[0].hidden == (16,)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "holds no drawings"),
        ('{"label": 3}\n', "mine.jsonl, line 1"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(learn, capsys, tmp_path, content, says):
    if content is not None:
        (tmp_path / "mine.jsonl").write_text(content)
    assert says in refused(learn, capsys, "--corrections", tmp_path / "mine.jsonl")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--corrections", "mine.jsonl", "--epochs", 3), "leave out --epochs"),
        (("--corrections", "mine.jsonl", "--resume", "runs/x"), "leave out --resume"),
        (("--recipe", "tutorial", "--force"), "leave out --from --force"),
    ],
)
def test_what_does_not_go_together_is_refused(learn, capsys, arguments, says):
    assert says in refused(learn, capsys, *arguments)


# scripts/learn_writer.py -----------------------------------------------------


def test_people_are_taught_one_by_one(tmp_path, monkeypatch, little_data):
    monkeypatch.setattr(learn_writer, "FineTuning", lambda: FineTuning(steps=2))
    file = tmp_path / "people.jsonl"
    people = [
        Drawing(drawing.label, drawing.strokes, {"writer": writer})
        for writer in ("a", "b")
        for drawing in [*mirrored_threes(16, seed=0), *8 * confirmed()]
    ]
    write_drawings(file, people)
    call(monkeypatch, learn_writer, "--drawings", file, "--seeds", 2, "--output", tmp_path)
    page = (tmp_path / "corrections.md").read_text(encoding="utf-8")
    (corrects,) = rows(page, "corrects")
    assert float(corrects[1].split()[0]) > 5  # most of the 3s that were not shown
    assert [row[0] for row in rows(page, "a") + rows(page, "b")] == ["a", "b"]
    assert rows(page, "a")[0][3] == "80"  # half of 80, twice
    assert (tmp_path / "corrections.png").exists()


def test_what_is_saved_is_never_counted():
    labels = torch.arange(100) % 10
    probabilities = torch.rand(100, 10, generator=torch.Generator().manual_seed(0))
    for choose in learn_writer.PROTOCOLS.values():
        saved, rest = choose(probabilities, labels, list(range(100)))
        assert len(saved) == 20
        assert not set(saved) & set(rest)
    saved, rest = learn_writer.worst_of_half(probabilities, labels, list(range(100)))
    assert set(rest) == set(range(50, 100))
    misread = (probabilities.argmax(1) != labels)[:50].nonzero().flatten().tolist()
    assert saved == misread[:20]  # they come first, in the order they are drawn


def test_a_file_without_writers_is_refused(tmp_path, monkeypatch, capsys):
    write_drawings(tmp_path / "x.jsonl", confirmed())
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, learn_writer, "--drawings", tmp_path / "x.jsonl", "--output", tmp_path)
    assert ended.value.code == 2
    assert '"writer"' in capsys.readouterr().err
