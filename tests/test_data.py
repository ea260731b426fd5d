"""MNIST as tensors, its files checked; and the split."""

import shutil

import pytest
import torch
from torchvision.datasets import MNIST

from mnist_core.drawing.framing import frame_strokes
from mnist_core.drawing.strokes import Drawing, parse_strokes
from mnist_core.errors import UserError
from mnist_core.training import data
from mnist_core.training.data import (
    load_mnist,
    render_drawings,
    render_variants,
    split,
    split_drawings,
)
from tests.conftest import ROOT

RAW = ROOT / "data" / "MNIST" / "raw"


@pytest.fixture
def copy(tmp_path):
    """The four committed files in a folder of their own, packed."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, _ in MNIST.resources:
        shutil.copy(RAW / name, raw)
    return tmp_path


def test_mnist_is_whole(copy):
    images, labels = load_mnist(copy, train=True)
    assert images.shape == (60_000, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.bincount().tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert load_mnist(copy, train=False)[0].shape == (10_000, 28, 28)


def test_a_wrong_checksum_is_named_with_its_remedy(copy):
    file = copy / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"t10k-labels.*md5.*git checkout"):
        load_mnist(copy, train=False)


def test_a_damaged_unpacked_file_is_named_with_its_remedy(copy):
    load_mnist(copy, train=False)
    unpacked = copy / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    unpacked.write_bytes(unpacked.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"damaged.*rm -f .*-ubyte"):
        load_mnist(copy, train=False)


def test_a_file_that_cannot_be_read_is_one_message(monkeypatch):
    def unreadable(*_) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(data, "check_integrity", unreadable)
    with pytest.raises(UserError, match=r"missing or damaged.*git checkout"):
        load_mnist(ROOT / "data", train=False)


def test_absent_files_that_cannot_be_fetched_are_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nothing listens there
    with pytest.raises(UserError, match=r"missing or damaged.*git checkout"):
        load_mnist(tmp_path, train=True)


def test_the_split_is_a_seeded_partition():
    fitting, held_out = split(1000)
    assert len(held_out) == 100
    assert sorted([*fitting.tolist(), *held_out.tolist()]) == list(range(1000))
    assert torch.equal(split(1000)[1], held_out)
    assert not torch.equal(split(1000, seed=1)[1], held_out)


def drawings(count: int, **extra) -> list[Drawing]:
    strokes = parse_strokes([[[0, 0], [1, 9]]])
    return [
        Drawing(i % 10, strokes, {key: of(i) for key, of in extra.items()}) for i in range(count)
    ]


def test_drawings_are_held_out_by_writer():
    fitting, held_out = split_drawings(drawings(400, writer=lambda i: i % 20))
    writers = [{drawing.extra["writer"] for drawing in part} for part in (fitting, held_out)]
    assert (len(writers[0]), len(writers[1])) == (18, 2)
    assert not writers[0] & writers[1]


@pytest.mark.parametrize("writer", [{}, {"writer": lambda i: "me"}, {"writer": lambda i: i % 2}])
def test_drawings_by_few_writers_are_held_out_one_by_one(writer):
    fitting, held_out = split_drawings(drawings(50, **writer))
    assert (len(fitting), len(held_out)) == (45, 5)
    with pytest.raises(UserError, match="at least 2"):
        split_drawings(drawings(1))


def test_a_file_in_which_all_are_named_is_split_as_it_always_was():
    _, held_out = split_drawings(drawings(60, writer=lambda i: f"w{i % 30}"))
    assert sorted({drawing.extra["writer"] for drawing in held_out}) == ["w2", "w4", "w7"]
    _, held_out = split_drawings(drawings(30))
    assert [drawing.label for drawing in held_out] == [2, 4, 7]


@pytest.mark.parametrize("no_name", [None, ["a"], {"a": 1}, True, 1.5])
def test_drawings_without_a_name_are_no_writer_s(no_name):
    named = drawings(120, writer=lambda i: i % 12)
    unnamed = drawings(50, writer=lambda i: no_name) + drawings(50)
    fitting, held_out = split_drawings([*named, *unnamed])
    assert (len(fitting), len(held_out)) == (110 + 90, 10 + 10)
    ids = set(map(id, held_out))
    assert len({one.extra["writer"] for one in named if id(one) in ids}) == 1
    assert sum(id(one) in ids for one in named) == 10


def test_one_unnamed_drawing_among_many_writers_is_trained_on():
    fitting, _ = split_drawings(drawings(20, writer=lambda i: i % 10) + drawings(1))
    assert not fitting[-1].extra


def test_drawings_are_rendered_as_the_page_does():
    some = drawings(3)
    images, labels = render_drawings(some)
    assert images.dtype == torch.uint8
    assert images[0].tolist() == frame_strokes(some[0].strokes).tolist()
    assert labels.tolist() == [0, 1, 2]


def test_variants_have_random_pens():
    images, labels = render_variants(drawings(2), 5, torch.Generator().manual_seed(0))
    assert images.shape == (10, 28, 28)
    assert len(images.unique(dim=0)) == 10
    assert labels.tolist() == [0] * 5 + [1] * 5
