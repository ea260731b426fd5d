"""Learning from corrections: what is learned, what is kept, and what finetune.py prints."""

import csv
import re
import subprocess
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch

from mnist_core.corrections import finetune
from mnist_core.corrections.finetune import FineTuning, Learned
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.training import data
from mnist_core.training.data import render_drawings, select, split
from mnist_core.training.trainer import evaluate
from scripts import finetune as script
from tests.conftest import ROOT, call
from tests.drawings import DRAWINGS
from tests.small_training import load_few


def mirrored_threes(count: int, seed: int) -> list[Drawing]:
    """3s written the wrong way round, as children do, each with a shaking hand of its own."""
    random = np.random.default_rng(seed)
    (three,) = (np.array(stroke) * [-1, 1] for stroke in DRAWINGS[3])
    hands = [three @ (np.eye(2) + random.normal(0, 0.06, (2, 2))) for _ in range(count)]
    return [Drawing(3, parse_strokes([hand.tolist()])) for hand in hands]


def confirmed() -> list[Drawing]:
    return [Drawing(digit, parse_strokes(strokes)) for digit, strokes in DRAWINGS.items()]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
    new = finetune.finetune(model, corrections, training[0], FineTuning(), seeded(0))
    assert evaluate(new, odd)[1] > 0.9
    assert evaluate(new, render_drawings(confirmed()))[1] == 1
    assert evaluate(new, validation)[1] > evaluate(model, validation)[1] - 0.002
    assert differing(model, weights.load(ROOT / "weights")[0]) == 0  # it stays as it was


def test_the_same_seed_gives_the_same_weights(mnist, monkeypatch):
    monkeypatch.setattr(finetune, "POOL", 100)
    torch.manual_seed(0)
    model, settings = MLP((16,)).eval(), FineTuning(steps=3)
    first, again, other = (
        finetune.finetune(model, confirmed(), mnist[0], settings, seeded(seed))
        for seed in (5, 5, 6)
    )
    assert differing(first, again) == 0
    assert differing(first, other) == 4


# What is held out ------------------------------------------------------------


def by(writers, each: int) -> list[Drawing]:
    return [
        Drawing(drawing.label, drawing.strokes, {"writer": writer})
        for seed, writer in enumerate(writers)
        for drawing in mirrored_threes(each, seed)
    ]


def sides(corrections: list[Drawing]) -> tuple[set[int], set[int]]:
    learned_from, held_out = finetune.hold_out(corrections)
    assert len(learned_from) + len(held_out) == len(corrections)
    return {*map(id, learned_from)}, {*map(id, held_out)}


def test_nobody_among_few_writers_is_left_out():
    """Two browsers with 20 and 3 corrections, drawn 200 times."""
    first, second = by(["x"], each=20), by(["y"], each=3)
    held_out = 0
    for draw in range(200):
        few = [
            Drawing(one.label, [one.strokes[0] + draw], {"writer": f"{one.extra['writer']}{draw}"})
            for one in [*first, *second]
        ]
        learned_from, others = finetune.hold_out(few)
        counts = Counter(one.extra["writer"][0] for one in learned_from)
        assert counts["x"] >= 8
        assert counts["y"] == 3
        held_out += len(others)
    assert 2 < held_out / 200 < 4.5  # a fifth of 16


def test_about_a_fifth_of_the_drawings_without_a_writer_is_held_out():
    _, held_out = sides(mirrored_threes(500, seed=0))
    assert 75 <= len(held_out) <= 125
    unnamed = [Drawing(8, one.strokes, {"writer": ["a"]}) for one in mirrored_threes(500, seed=0)]
    assert len(sides(unnamed)[1]) == len(held_out)  # what is no name is none


def test_of_many_writers_some_are_held_out_whole_and_always_the_same():
    corrections = by([*map(str, range(20)), "\ud800"], each=2)
    _, held_out = finetune.hold_out(corrections)
    assert [one.extra["writer"] for one in held_out[::2]] == ["0", "1", "14", "18"]
    assert [one.extra["writer"] for one in held_out[1::2]] == ["0", "1", "14", "18"]


@pytest.mark.parametrize(("writers", "each"), [(100, 2), (1, 200)])
def test_new_corrections_move_no_earlier_one_to_the_other_side(writers, each):
    corrections = by(range(writers), each)
    for count in (20, 60, 120):
        some = corrections[:count]
        assert sides(some)[1] == sides(corrections)[1] & {*map(id, some)}


def test_where_nobody_would_be_left_all_are_learned_from(monkeypatch):
    monkeypatch.setattr(finetune, "MANY_WRITERS", 2)
    corrections = by(["1", "14"], each=3)
    assert finetune.hold_out(corrections) == (corrections, [])


def test_the_same_strokes_of_one_label_are_one_correction():
    first = by("abcdefgh", each=2)
    again = [Drawing(one.label, one.strokes, {"writer": "another"}) for one in first]
    other = [Drawing(8, first[0].strokes)]
    found = finetune.distinct([*first, *again, *other])
    assert list(map(id, found)) == list(map(id, [*first, *other]))


def test_a_line_of_corrections_remembers_how_the_first_network_read(tmp_path, recognizer):
    def save(before: float, config: dict) -> dict:
        scores = {"validation": (before, before - 0.001, 6_000)}
        learned = Learned(MLP((4,)), scores, 1, 0, torch.zeros(10, 10))
        finetune.save(learned, tmp_path, tmp_path, config, FineTuning())
        return weights.load(tmp_path)[1]

    config = save(0.99, recognizer.config)
    for before in (0.989, 0.988):
        config = save(before, config)
    parent = config["provenance"]["parent"]
    assert parent["validation_accuracy"] == 0.99
    assert parent["data"] == recognizer.config["provenance"]["data"]
    assert parent["name"] != recognizer.name


# scripts/finetune.py ---------------------------------------------------------


@pytest.fixture
def learn(monkeypatch, tmp_path, home):
    """Call finetune.py in this process: 2,000 of MNIST's images, little made of them, two steps."""
    load_few(monkeypatch.setattr, 2000, data)
    for name, value in {"NEGATIVES": 20, "POOL": 100, "MAX_COPIES": 4}.items():
        monkeypatch.setattr(finetune, name, value)
    monkeypatch.setattr(finetune, "FineTuning", lambda: FineTuning(steps=2, learning_rate=1e-5))
    places = ("--from", ROOT / "weights", "--output", tmp_path / "run")
    return partial(call, script, *places)


@pytest.fixture
def corrections(tmp_path):
    path = tmp_path / "mine.jsonl"
    write_drawings(path, [*by(range(24), each=1), *confirmed()])
    return path


def refused(done: subprocess.CompletedProcess, code: int = 2) -> str:
    """The one line that finetune.py ended with."""
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    return done.stderr


def test_before_and_after_are_reported_and_kept(learn, corrections, tmp_path, home):
    twice = corrections.with_name("twice.jsonl")
    twice.write_text(2 * corrections.read_text())
    learned_from, held_out = map(len, finetune.hold_out(read_drawings(corrections)))
    assert held_out > 2
    printed = learn("--corrections", twice, "--drawings", corrections, "--install").stdout
    assert f" {learned_from} learned from, {held_out} held out\n" in printed
    for name, count in (
        ("MNIST validation", "200"),
        ("drawings", "2"),
        ("MNIST test", "2,000"),
        ("held-out corrections", held_out),
    ):
        shares = rf"^{name} +\d+\.\d\d% +\d+\.\d\d%  {count}$"
        assert re.search(shares, printed, re.MULTILINE), (name, printed)
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        assert {"validation", "test"} < {row["what"] for row in csv.DictReader(file)}
    _, config = weights.load(home / "installed")
    provenance = config["provenance"]
    assert provenance["corrections"] == learned_from
    parent = provenance["parent"]
    assert parent["directory"] == str(ROOT / "weights")
    assert parent["name"] == weights.load(ROOT / "weights")[1]["name"]
    assert config["thresholds"] == weights.load(ROOT / "weights")[1]["thresholds"]
    assert f"{learned_from} corrections" in (home / "installed" / "README.md").read_text()


def test_corrections_by_one_writer_are_all_learned_from(learn, tmp_path, home):
    write_drawings(tmp_path / "few.jsonl.gz", by(["14"], each=4))
    done = learn("--corrections", tmp_path / "few.jsonl.gz")
    assert "4 learned from, too few to hold some out" in done.stdout
    assert not home.exists()


def test_what_cost_too_much_is_not_installed_without_force(
    learn, corrections, tmp_path, home, monkeypatch
):
    monkeypatch.setattr(finetune, "finetune", lambda *_: MLP((16,)).eval())
    message = refused(learn("--corrections", corrections, "--install"), code=4)
    assert re.search(
        r"not installed: it reads \d+\.\d\d% of MNIST's validation images, the (network in use|"
        r"one before its first fine-tuning) \d+\.\d\d%.*wrong labels.*--force",
        message,
    )
    assert not home.exists()
    weights.load(tmp_path / "run")  # it can still be tried
    learn("--corrections", corrections, "--install", "--force")
    assert weights.load()[0].hidden == (16,)


def test_what_a_person_can_mend_is_one_line(learn, corrections, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite")
    assert "no correction was given yet" in refused(learn())
    done = learn("--corrections", corrections, "--drawings", "/nowhere.jsonl")
    assert "/nowhere.jsonl can't be read" in refused(done)
