"""A person's own digits, as files of every kind, join a training."""

import gzip
import re
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_core.errors import UserError
from mnist_core.files import open_file
from mnist_core.network import weights
from mnist_core.training import own_data
from mnist_core.training.data import TrainingData, load_mnist
from mnist_core.training.run import Checkpoint
from scripts import train
from tests.conftest import ROOT
from tests.small_training import shrink


@pytest.fixture
def own(mnist):
    """30 images that MNIST does not hold: its own, flipped."""
    return mnist[0][:30].flip(1), mnist[1][:30]


def write_csv(path, dataset) -> None:
    header = ",".join(["label", *(f"pixel{n}" for n in range(784))])
    rows = [
        ",".join(map(str, [label, *image.flatten().tolist()]))
        for image, label in zip(dataset[0], dataset[1].tolist(), strict=True)
    ]
    with open_file(path, "wt") as file:
        file.write("\n".join([header, *rows]))


def write_idx(path, dataset) -> None:
    """The images to `path`, as its name says, and the labels beside it."""
    images, labels = (tensor.numpy().astype(np.uint8) for tensor in dataset)
    for name, array in (
        (path.name, images),
        (path.name.replace("images-idx3", "labels-idx1"), labels),
    ):
        with open_file(path.with_name(name), "wb") as file:
            file.write(struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape))
            file.write(array.tobytes())


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.csv.gz", "a-images-idx3-ubyte", "a-images-idx3-ubyte.gz",
     "emnist-images-idx3-ubyte.gz"],
)  # fmt: skip
def test_files_of_images_are_read(own, tmp_path, name):
    images, labels = own
    written = (images.mT.contiguous(), labels) if name.startswith("emnist") else own
    (write_csv if ".csv" in name else write_idx)(tmp_path / name, written)
    found = own_data.read(tmp_path / name)
    assert torch.equal(found[0], images)
    assert torch.equal(found[1], labels)


def test_mnists_own_files_are_read():
    images, labels = own_data.read(ROOT / "data/MNIST/raw/t10k-images-idx3-ubyte.gz")
    expected = load_mnist(ROOT / "data", train=False)
    assert torch.equal(images, expected[0])
    assert torch.equal(labels, expected[1])


def test_pictures_in_folders_are_read(own, mnist, recognizer, tmp_path):
    for label in (0, 5):
        (tmp_path / str(label)).mkdir()
    (tmp_path / "5" / ".DS_Store").write_text("hidden")
    Image.fromarray(own[0][0].numpy()).save(tmp_path / "5" / "1-as-mnist-has-it.png")
    large = Image.fromarray(255 - mnist[0][0].numpy()).resize((200, 200))
    large.save(tmp_path / "5" / "2-photograph.jpg")
    Image.fromarray(255 - mnist[0][1].numpy()).save(tmp_path / "0" / "small.png")
    images, labels = own_data.read(tmp_path)
    assert labels.tolist() == [0, 5, 5]
    assert torch.equal(images[1], own[0][0])
    assert [recognizer.predict_pixels(image.numpy()).digit for image in images[::2]] == [0, 5]


def test_own_digits_join_once_and_never_mnists(own, mnist):
    few = mnist[0][:50], mnist[1][:50]
    data = TrainingData(few, {"validation": few}, None, None, "MNIST")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_data, "load_mnist", lambda root, train: few)
        both = tuple(torch.cat([own, own, few]) for own, few in zip(own, few, strict=True))
        patch.setattr(own_data, "read", lambda path: both)
        assert own_data.add_own_data(data, ["x/mine.csv"], "") == 110
    assert len(data.train_set[0]) == 50 + 27
    assert len(data.validation["own"][0]) == 3
    assert data.validation["validation"] is few
    added = torch.cat([data.train_set[0][50:], data.validation["own"][0]])
    assert {i.numpy().tobytes() for i in added} == {i.numpy().tobytes() for i in own[0]}
    assert data.description == "MNIST; and 30 images of mine.csv"


HEADER = ",".join(["label", *(f"pixel{n}" for n in range(784))])
ROW = ",".join(["3", *["0"] * 784])
IDX = b"\0\0\x08\x03\0\0\0\x01\0\0\0\x1c\0\0\0\x1c" + bytes(784)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "there is no .*own.csv; expected a folder with MNIST/raw"),
        ({"own.csv": b"a,b"}, r"own.csv, line 1: expected label,pixel0,\.\.\.,pixel783$"),
        ({"own.csv": HEADER.encode()}, "holds no images"),
        ({"own.csv": f"{HEADER}\n{ROW}\n{ROW},0".encode()}, "own.csv, line 3: expected a label"),
        ({"own.csv": f"{HEADER}\n{ROW[:-1]}256".encode()}, "own.csv, line 2: expected a label"),
        ({"own.csv": f"{HEADER}\n12{ROW[1:]}".encode()}, "own.csv, line 2: the label is 12"),
        ({"own.csv": b"\xff\xfe"}, "own.csv is damaged"),
        ({"own.csv.gz": gzip.compress(HEADER.encode())[:-9]}, "own.csv.gz is damaged"),
        ({"own.zip": b""}, "own.zip is of no known kind; expected a folder"),
        ({"a-images-idx3-ubyte": IDX}, "a-labels-idx1-ubyte can't be read: No such file"),
        ({"a-images-idx3-ubyte": IDX[:-1]}, "a-images-idx3-ubyte is cut short, or not an idx"),
        ({"a-images-idx3-ubyte": b""}, "a-images-idx3-ubyte is cut short"),
        ({"a-images-idx3-ubyte": IDX, "a-labels-idx1-ubyte": b"\0\0\x08\x01\0\0\0\x02ab"},
         "holds 1 x 28 x 28 pixels for 2 labels"),
        ({"a-images-idx3-ubyte": IDX, "a-labels-idx1-ubyte": b"\0\0\x08\x01\0\0\0\x01\x0c"},
         "a-labels-idx1-ubyte, label 1 is 12; expected 0 to 9"),
        ({"own/A/x.png": b""}, "own holds A; expected nothing but folders 0 to 9"),
        ({"own/.x": b""}, "own holds no pictures"),
        ({"own/3/x.png": b"no picture"}, "3/x.png: the file is not a picture"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_file_and_line(tmp_path, files, says):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    first = tmp_path / next((name.split("/")[0] for name in files), "own.csv")
    with pytest.raises(UserError, match=says):
        own_data.read(first)


def test_a_picture_without_ink_is_named(tmp_path):
    (tmp_path / "3").mkdir()
    Image.new("L", (50, 50), 255).save(tmp_path / "3" / "white.png")
    with pytest.raises(UserError, match=r"white\.png: the picture holds no ink"):
        own_data.read(tmp_path)


def test_a_training_takes_them_beside_mnist(own, tmp_path, monkeypatch, capsys):
    shrink(monkeypatch.setattr)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    write_csv(tmp_path / "mine.csv", own)
    line = '{"label": 1, "strokes": [[[0, 0], [0, 9]]]}\n'
    (tmp_path / "pen.jsonl").write_text(2 * line)
    places = ("--data", tmp_path / "mine.csv", ROOT / "data", tmp_path / "pen.jsonl")
    options = ("--epochs", "1", *map(str, places), "--output", str(tmp_path / "run"))
    monkeypatch.setattr("sys.argv", ["train.py", *options])
    train.main()
    printed = capsys.readouterr().out
    assert re.search(r"^data .*, 300 validation, 1 drawings, 1 styles, 3 own$", printed, re.M)
    assert re.search(r"^epoch  1 .*  own \d+\.\d\d%  ", printed, re.M)
    _, config = weights.load(tmp_path / "run")
    provenance = config["provenance"]
    assert provenance["data"].endswith("; and 30 images of mine.csv")
    assert provenance["command"].endswith("--data mine.csv data pen.jsonl")
    assert 0 <= provenance["scores"]["own_accuracy"] <= 1
    settings = Checkpoint.load(tmp_path / "run").settings
    assert (settings.data, settings.own) == (str(ROOT / "data"), [str(tmp_path / "mine.csv")])


def test_emnist_s_file_may_be_the_only_place(own, tmp_path, monkeypatch):
    shrink(monkeypatch.setattr)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    file = tmp_path / "emnist-digits-train-images-idx3-ubyte.gz"
    write_idx(file, (own[0].mT.contiguous(), own[1]))
    options = ("--epochs", "1", "--data", str(file), "--output", str(tmp_path / "run"))
    monkeypatch.setattr("sys.argv", ["train.py", *options])
    train.main()
    assert "30 images of emnist" in weights.load(tmp_path / "run")[1]["provenance"]["data"]


def test_few_own_digits_choose_no_epoch():
    rows = [
        {"epoch": n, "validation_accuracy": 0.9 + n / 100, "own_accuracy": n % 2} for n in (1, 2)
    ]
    assert Checkpoint(None, "", rows).best()["epoch"] == 2
