"""MNIST as tensors, its files checked; and the split."""

import shutil

import pytest
import torch
from torchvision.datasets import MNIST

from mnist_core.data import (
    load_mnist,
    render_drawings,
    render_variants,
    split,
    split_drawings,
)
from mnist_core.framing import frame_strokes
from mnist_core.strokes import Drawing, parse_strokes
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
    with pytest.raises(ValueError, match=r"t10k-labels.*md5.*git checkout"):
        load_mnist(copy, train=False)


def test_a_damaged_unpacked_file_is_named_with_its_remedy(copy):
    load_mnist(copy, train=False)
    unpacked = copy / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    unpacked.write_bytes(unpacked.read_bytes()[:1000])
    with pytest.raises(OSError, match=r"damaged.*rm -f .*-ubyte"):
        load_mnist(copy, train=False)


def test_absent_files_that_cannot_be_fetched_are_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nothing listens there
    with pytest.raises(OSError, match=r"missing or damaged.*git checkout"):
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
    with pytest.raises(ValueError, match="at least 2"):
        split_drawings(drawings(1))


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
