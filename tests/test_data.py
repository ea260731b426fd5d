"""MNIST and drawings as tensors: files checked, split by a seed, rendered."""

import shutil

import pytest
import torch
from torchvision.datasets import MNIST

from mnist_core.drawing.framing import frame_strokes
from mnist_core.drawing.strokes import Drawing, parse_strokes
from mnist_core.errors import UserError
from mnist_core.training import data
from mnist_core.training.data import (
    contributor_of,
    load_mnist,
    render_drawings,
    render_restyled,
    render_variants,
    split,
    split_drawings,
    training_data,
)
from mnist_core.training.negatives import NEGATIVE_CHARACTERS
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


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nothing listens there


def test_a_wrong_checksum_is_refused_with_its_remedy(copy, offline):
    file = copy / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(UserError, match=r"missing or damaged.*git checkout"):
        load_mnist(copy, train=False)
    file.write_bytes(content)
    assert len(load_mnist(copy, train=False)[1]) == 10_000


def test_a_damaged_unpacked_file_is_refused_with_its_remedy(copy):
    load_mnist(copy, train=False)
    unpacked = copy / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    unpacked.write_bytes(unpacked.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"damaged.*rm -f .*-ubyte"):
        load_mnist(copy, train=False)


def test_files_that_cannot_be_read_or_downloaded_are_refused(tmp_path, offline):
    with pytest.raises(UserError, match=r"missing or damaged.*git checkout"):
        load_mnist(tmp_path, train=True)
    with pytest.raises(UserError, match=r"there is no folder .*none; expected the one that holds"):
        load_mnist(tmp_path / "none", train=True)
    assert not (tmp_path / "none").exists()


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


def test_drawings_are_held_out_by_contributor():
    fitting, held_out = split_drawings(drawings(400, writer=lambda i: f"c{i % 20}-{i % 40:03}"))
    contributors = [{contributor_of(drawing) for drawing in part} for part in (fitting, held_out)]
    assert (len(contributors[0]), len(contributors[1])) == (18, 2)
    assert not contributors[0] & contributors[1]


def test_contributors_are_held_out_until_a_tenth_of_the_drawings_is():
    some = drawings(1000, writer=lambda i: "big-1" if i < 500 else f"c{i % 25}-{i % 2}")
    for seed in range(10):
        _, held_out = split_drawings(some, seed)
        names = {contributor_of(drawing) for drawing in held_out}
        assert len(held_out) <= 100 or names == {"big"}
        assert names


def test_the_contributor_is_the_beginning_of_a_writers_name():
    named = {"apb-017": "apb", "12": "12", 12: 12, "a-b-c": "a", None: None}
    for writer, contributor in named.items():
        assert contributor_of(Drawing(1, [], {"writer": writer})) == contributor


@pytest.mark.parametrize("writer", [{}, {"writer": lambda i: "me"}, {"writer": lambda i: i % 2}])
def test_drawings_by_few_writers_are_held_out_one_by_one(writer):
    fitting, held_out = split_drawings(drawings(50, **writer))
    assert (len(fitting), len(held_out)) == (45, 5)
    with pytest.raises(UserError, match="at least 2"):
        split_drawings(drawings(1))


def test_the_split_is_the_same_wherever_it_is_made():
    _, held_out = split_drawings(drawings(60, writer=lambda i: f"w{i % 30}"))
    assert sorted({drawing.extra["writer"] for drawing in held_out}) == ["w11", "w18", "w25"]
    _, held_out = split_drawings(drawings(30))
    assert [drawing.label for drawing in held_out] == [2, 4, 7]


@pytest.mark.parametrize("no_name", [None, ["a"], {"a": 1}, True, 1.5])
def test_drawings_without_a_name_belong_to_no_writer(no_name):
    named = drawings(120, writer=lambda i: i % 12)
    unnamed = drawings(50, writer=lambda i: no_name) + drawings(50)
    fitting, held_out = split_drawings([*named, *unnamed])
    assert (len(fitting), len(held_out)) == (110 + 90, 10 + 10)
    ids = set(map(id, held_out))
    assert len({one.extra["writer"] for one in named if id(one) in ids}) == 1
    assert sum(id(one) in ids for one in named) == 10


def test_two_drawings_are_enough_to_train_on():
    fitting, held_out = split_drawings(drawings(2))
    assert (len(fitting), len(held_out)) == (1, 1)


def test_mnists_validation_images_are_the_tenth_that_is_held_out(mnist):
    images, labels = data.mnist_validation(ROOT / "data")
    places = split(60_000)[1]
    assert torch.equal(images, mnist[0][places])
    assert torch.equal(labels, mnist[1][places])


def test_the_fingerprint_is_of_all_that_a_training_sees():
    def made() -> data.TrainingData:
        train_set, validation = (
            (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.tensor([1, 2])) for _ in range(2)
        )
        negatives = torch.zeros(2, 2, 28, 28, dtype=torch.uint8)
        return data.TrainingData(train_set, {"validation": validation}, *negatives, "")

    found = {made().fingerprint()}
    for changed in range(6):
        other = made()
        tensors = [*other.train_set, *other.validation["validation"]]
        tensors += [other.negatives, other.held_out_negatives]
        tensors[changed].view(-1)[-1] = 9
        found.add(other.fingerprint())
    assert len(found) == 7
    assert made().fingerprint() in found


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


def test_who_drew_much_does_not_crowd_out_the_others():
    some = drawings(110, writer=lambda i: "often" if i < 100 else "seldom")
    images, labels = render_restyled(some, 80, torch.Generator().manual_seed(0))
    often, seldom = 100 * 3, 10 * 14  # 80 / 100**0.75 and 80 / 10**0.75, rounded
    assert images.shape == (often + seldom, 28, 28)
    assert labels.tolist() == [i % 10 for i in range(100) for _ in range(3)] + [
        i % 10 for i in range(10) for _ in range(14)
    ]
    assert len(images.unique(dim=0)) > 0.9 * len(images)
    most, _ = render_restyled(drawings(1), 100, torch.Generator().manual_seed(0))
    assert len(most) == data.MAX_COPIES


def test_writers_of_a_few_drawings_give_almost_as_many_images_as_others(monkeypatch, mnist):
    monkeypatch.setattr(data, "load_mnist", lambda *_, **__: (mnist[0][:100], mnist[1][:100]))
    digits = drawings(200, writer=lambda i: f"c{i % 5}-1")  # 40 of each, 36 to train on
    seen, _ = split_drawings(digits)
    made = training_data("", digits, 0, torch.Generator().manual_seed(0))
    maybe = 3 * sum(drawing.label == 1 for drawing in seen)  # ones that might be sevens
    restyled = len(made.train_set[0]) - 90 - maybe
    assert 10 * len(seen) <= restyled < 11 * len(seen)  # 150 / 36 ** 0.75, or 34
    labels = made.train_set[1][-maybe:]
    assert labels.tolist() == [1] * (2 * maybe // 3) + [7] * (maybe // 3)
    ones, _, sevens = made.train_set[0][-maybe:].chunk(3)
    assert torch.equal(ones, sevens)


def test_negatives_leave_out_held_out_contributors_and_what_looks_like_digits(monkeypatch, mnist):
    monkeypatch.setattr(data, "load_mnist", lambda *_, **__: (mnist[0][:100], mnist[1][:100]))
    digits = drawings(200, writer=lambda i: f"c{i % 20}-1")
    held_out = {contributor_of(drawing) for drawing in split_drawings(digits)[1]}
    letters = [
        Drawing(None, one.strokes, {"character": character, "writer": one.extra["writer"]})
        for character in ("A", "O", "a", "l")
        for one in digits[:20]
    ]
    made = training_data("", digits, 10, torch.Generator().manual_seed(0), letters)
    known = 2 * (20 - len(held_out))  # A and a; O and l might be digits
    copies = round(data.NEGATIVES_PER_WRITER / 2**0.75)  # two letters a writer
    assert len(made.negatives) == 10 + known * min(copies, data.MAX_COPIES)
    assert len(made.held_out_negatives) == 2 * len(held_out)
    assert f"{known} letters" in made.description
    assert set(made.validation) == {"validation", "drawings", "styles"}
    assert len(made.validation["styles"][0]) >= len(made.validation["drawings"][0])
    alone = training_data("", [], 0, torch.Generator().manual_seed(0), letters)
    assert alone.held_out_negatives is None
    assert len(alone.negatives) == 40 * min(copies, data.MAX_COPIES)


def test_no_character_that_looks_like_a_digit_is_called_none():
    assert not set(NEGATIVE_CHARACTERS) & set("0123456789OoDQIil|Zz?SsGbBgqYy")
    assert set("AEFHKMNPRWXadefhkmnprwx") <= set(NEGATIVE_CHARACTERS)
