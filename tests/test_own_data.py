"""A person's own digits, as files of every kind, join a training."""

import gzip
import io
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.training import own_data
from mnist_core.training.array_files import WORDS
from mnist_core.training.data import TrainingData
from mnist_core.training.run import Checkpoint
from mnist_core.training.trainer import predict
from tests.conftest import ROOT
from tests.small_training import train_small


@pytest.fixture(scope="module")
def own(mnist):
    """30 images that MNIST does not hold: its own, moved by a pixel."""
    return mnist[0][:30].roll(1, 2), mnist[1][:30]


# Each kind is a function from (N, 28, 28) uint8 images and N labels to files, the first of which,
# or the folder that it is in, is named.


def table(images, labels, separator=",", cell="{}", names=(), label="label", end="\n", last=False):
    """A text table: `names` go before the header's, and a line's number before its cells."""
    columns = [f"pixel{i}" for i in range(len(images[0].reshape(-1)))]
    header = [*names, *([*columns, label] if last else [label, *columns])] if label else []
    lines = [separator.join(header)] if label else []
    for i, (image, digit) in enumerate(zip(images, labels, strict=True)):
        cells = [cell.format(value) for value in image.reshape(-1)]
        digits = [cell.format(digit) if "." in cell else str(digit)]
        row = [*cells, *digits] if last else [*digits, *cells]
        lines.append(separator.join([*[str(i)] * len(names), *row]))
    return (end.join(lines) + end).encode()


def idx(array, kind=8, dtype="u1") -> bytes:
    return (
        struct.pack(f">{1 + array.ndim}I", kind << 8 | array.ndim, *array.shape)
        + array.astype(dtype).tobytes()
    )


def arrays(**given) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **given)
    return file.getvalue()


def array(one) -> bytes:
    file = io.BytesIO()
    np.save(file, one)
    return file.getvalue()


def saved(content) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def zipped(**files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return file.getvalue()


def png(image) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def pictures(images, labels, where="own/{}", **others) -> dict[str, bytes]:
    """Pictures in folders, and other files in the folder of the first."""
    folders = [where.format(label) for label in labels]
    return {
        f"{folder}/{i:02}.png": png(image)
        for i, (folder, image) in enumerate(zip(folders, images, strict=True))
    } | {f"{folders[0]}/{name}": content for name, content in others.items()}


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
KINDS = {
    "Kaggle's csv": lambda x, y: {"a.csv": table(x, y)},
    "Excel": lambda x, y: {"a.csv": b"\xef\xbb\xbf" + table(x, y, end="\r\n")},
    "Excel, semicolons": lambda x, y: {"a.csv": b"sep=;\n" + table(x, y, ";")},
    "Excel, Unicode": lambda x, y: {"a.txt": table(x, y, "\t").decode().encode("utf-16")},
    "tabs": lambda x, y: {"a.tsv": table(x, y, "\t")},
    "pjreddie, no header": lambda x, y: {"a.csv": table(x, y, label="")},
    "no header, label last": lambda x, y: {"a.csv": table(x, y, label="", last=True)},
    "OpenML": lambda x, y: {"a.csv": table(x, y, label="class", last=True)},
    "OpenML's arff": lambda x, y: {"a.arff": b"@DATA\n" + table(x, [f"'{n}'" for n in y], label="",
                                                                last=True)},
    "label called digit": lambda x, y: {"a.csv": table(x, y, label="Digit")},
    "label called target": lambda x, y: {"a.csv": table(x, y, label="target", last=True)},
    "label called y": lambda x, y: {"a.csv": table(x, y, label="y")},
    "pandas, index": lambda x, y: {"a.csv": table(x, y, names=[""])},
    "pandas, numbered": lambda x, y: {"a.csv": b",".join(b"%d" % i for i in range(785)) + b"\n"
                                      + table(x, y, label="")},
    "id column": lambda x, y: {"a.csv": table(x, y, names=["Id"])},
    "empty columns": lambda x, y: {"a.csv": table(x, y, end=",,\n", names=[""])},
    "quoted": lambda x, y: {"a.csv": table(x, y, cell='"{}"', label='"label"')},
    "5.0": lambda x, y: {"a.csv": table(x, y, cell="{:.1f}")},
    "pixels 0 to 1": lambda x, y: {"a.csv": table(x / 255, y)},
    "decimal comma": lambda x, y: {"a.csv": table(x / 255, y, ";").replace(b".", b",")},
    "spaces": lambda x, y: {"a.txt": table(x / 127.5 - 1, y, "  ", "{:.4f}", label="")},
    "one-hot": lambda x, y: {"a.data": table(
        np.hstack([x.reshape(30, -1), np.eye(10, dtype=int)[y]]), [""] * 30, " ", label="")},
    "one-hot first": lambda x, y: {"a.data": table(
        np.hstack([np.eye(10, dtype=int)[y], x.reshape(30, -1)]), [""] * 30, " ", label="")},
    "words": lambda x, y: {"a.csv": table(x, [list(WORDS)[n] for n in y])},
    "Latin-1": lambda x, y: {"a.csv": table(x, y, label="chiffre é").decode().encode("latin-1")},
    "csv.gz": lambda x, y: {"a.csv.gz": gzip.compress(table(x, y))},
    "csv in a zip": lambda x, y: {"a.zip": zipped(train=table(x, y))},
    "Kaggle's zip": lambda x, y: {"a.zip": zipped(mnist_test=b"", mnist_train=table(x, y))},
    "a folder with a table": lambda x, y: {"own/test.csv": b"", "own/train.csv": table(x, y)},
    "idx": lambda x, y: {IMAGES: idx(x), LABELS: idx(y)},
    "idx.gz": lambda x, y: {
        f"{IMAGES}.gz": gzip.compress(idx(x)), f"{LABELS}.gz": gzip.compress(idx(y))},
    "idx, one packed": lambda x, y: {IMAGES: idx(x), f"{LABELS}.gz": gzip.compress(idx(y))},
    "idx.gz, unpacked": lambda x, y: {f"{IMAGES}.gz": idx(x), f"{LABELS}.gz": idx(y)},
    "idx, packed": lambda x, y: {IMAGES: gzip.compress(idx(x)), LABELS: idx(y)},
    "idx, labels named": lambda x, y: {LABELS: idx(y), IMAGES: idx(x)},
    "idx, a folder each": lambda x, y: {
        f"{IMAGES}/{IMAGES}": idx(x), f"{LABELS}/{LABELS}": idx(y)},
    "idx, a folder": lambda x, y: {
        f"own/{IMAGES}/{IMAGES}": idx(x), f"own/{LABELS}/{LABELS}": idx(y),
        "own/t10k-images-idx3-ubyte": b""},
    "idx, dots": lambda x, y: {"images.idx3-ubyte": idx(x), "labels.idx1-ubyte": idx(y)},
    "idx, int32 labels": lambda x, y: {IMAGES: idx(x), LABELS: idx(y, 12, ">i4")},
    "idx, N x 28 x 28 x 1": lambda x, y: {IMAGES: idx(x[..., None]), LABELS: idx(y)},
    "EMNIST's idx": lambda x, y: {
        f"emnist-{IMAGES}": idx(x.swapaxes(1, 2)), f"emnist-{LABELS}": idx(y)},
    "EMNIST, renamed": lambda x, y: {IMAGES: idx(x.swapaxes(1, 2)), LABELS: idx(y)},
    "EMNIST's csv": lambda x, y: {"emnist.csv": table(x.swapaxes(1, 2), y, label="")},
    "Keras' npz": lambda x, y: {"a.npz": arrays(x_test=x[:1], y_test=y[:1], x_train=x, y_train=y)},
    "npz, flat": lambda x, y: {"a.npz": arrays(X=x.reshape(len(x), -1) / 255, y=y)},
    "npz, strings": lambda x, y: {"a.npz": arrays(x=x[:, None], ids=y + 9, y=y.astype(str))},
    "npz, normalised": lambda x, y: {"a.npz": arrays(images=(x / 255 - 0.1307) / 0.3081, labels=y)},
    "npz, dark on bright": lambda x, y: {"a.npz": arrays(images=255 - x, labels=y[:, None])},
    "npz, one-hot": lambda x, y: {"a.npz": arrays(images=x, labels=np.eye(10)[y])},
    "npz, colours": lambda x, y: {"a.npz": arrays(images=np.repeat(x[..., None], 3, 3), labels=y)},
    "npz, colours first": lambda x, y: {"a.npz": arrays(x=np.repeat(x[:, None], 3, 1), y=y)},
    "npz, words": lambda x, y: {"a.npz": arrays(x=x, y=[list(WORDS)[n].title() for n in y])},
    "npz, 32 x 32": lambda x, y: {"a.npz": arrays(images=np.pad(x, ((0, 0), (2, 2), (2, 2))), y=y)},
    "npy": lambda x, y: {"x_train.npy": array(x), "y_train.npy": array(y)},
    "npy, labels named": lambda x, y: {"labels.npy": array(y), "images.npy": array(x)},
    "npy in a folder": lambda x, y: {"own/X.npy": array(x), "own/y.npy": array(y)},
    "torchvision's pt": lambda x, y: {"a.pt": saved((torch.tensor(x), torch.tensor(y)))},
    "pictures": lambda x, y: pictures(x, y),
    "pictures among others": lambda x, y: pictures(x, y, **{"Thumbs.db": b"x", "desktop.ini": b"",
                                                            ".DS_Store": b"", "notes.txt": b"x"}),
    "pictures, some broken": lambda x, y: pictures(x, y, **{"cut.png": png(x[0])[:99],
                                                            "blank.png": png(x[0] * 0)}),
    "pictures, train and test": lambda x, y: {**pictures(x, y, "own/mnist/train/{}"),
                                              **pictures(x[:1], y[:1], "own/mnist/test/{}")},
    "pictures by writer": lambda x, y: pictures(x, y, "own/{}/1"),
    "pictures, digit_3": lambda x, y: pictures(x, y, "own/digit_{}"),
    "pictures, 03": lambda x, y: pictures(x, y, "own/0{}"),
}  # fmt: skip
SAYS = {
    "EMNIST, renamed": "rows and columns are exchanged; they are turned back, as the shipped",
    "EMNIST's csv": "rows and columns are exchanged; they are turned back",
    "pictures among others": "4 of 34 files were skipped, the first is .*/",
    "pictures, some broken": "2 of 32 files were skipped, the first is .*/",
    "pictures, train and test": "1 files such as mnist/test/./00.png were left out",
    "a folder with a table": "1 files such as test.csv were left out",
    "idx, a folder": "1 files such as t10k-images-idx3-ubyte were left out",
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files; return the first, or the folder "own" that it is in."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    first = next(iter(files), "own.csv")
    return folder / ("own" if first.startswith("own/") else first)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_read(own, tmp_path, kind):
    images, labels = (tensor.numpy() for tensor in own)
    found = own_data.read(write(tmp_path, KINDS[kind](images, labels)))
    order = np.argsort(labels, kind="stable") if "pictures" in kind else np.arange(len(labels))
    assert found.labels.tolist() == labels[order].tolist()
    assert np.array_equal(found.images.numpy(), images[order])
    assert len(found.notes) == (kind in SAYS)
    assert not found.notes or re.search(SAYS[kind], found.notes[0])


@pytest.mark.parametrize(("side", "top"), [(8, 16), (16, 1), (20, 255), (56, 255)])
def test_images_of_another_size_are_scaled(own, tmp_path, side, top):
    """Squares that the digit fills, as those of USPS and of scikit-learn's digits."""
    images = np.stack([
        np.asarray(Image.fromarray(image[4:25, 4:25]).resize((side, side)))
        for image in own[0].numpy()
    ])  # fmt: skip
    content = arrays(images=images * (top / 255), labels=own[1])
    found = own_data.read(write(tmp_path, {"a.npz": content}))
    assert found.images.shape == (30, 28, 28)
    right = predict(weights.load(ROOT / "weights")[0], found.images).argmax(1) == own[1]
    assert right.sum() >= (22 if side == 8 else 28)


def test_labels_that_do_not_fit_are_noted(own, tmp_path):
    path = write(tmp_path, {"a.npz": arrays(x=own[0], y=own[1].roll(1))})
    assert "the shipped network reads only" in own_data.read(path).notes[0]


def test_a_picture_of_another_size_is_framed(mnist, recognizer, tmp_path):
    (tmp_path / "5").mkdir()
    large = Image.fromarray(255 - mnist[0][0].numpy()).resize((200, 200))
    large.save(tmp_path / "5" / "photograph.jpg")
    images, labels, _ = own_data.read(tmp_path)
    assert labels.tolist() == [5]
    assert recognizer.predict_pixels(images[0].numpy()).digit == 5


def test_linked_folders_are_read_once(own, tmp_path):
    write(tmp_path, pictures(own[0][:9].numpy(), own[1][:9].tolist(), "else/{}"))
    linked = tmp_path / "own"
    linked.symlink_to(tmp_path / "else")
    (linked / "again").symlink_to(linked)
    (linked / "broken").symlink_to(tmp_path / "gone")
    assert len(own_data.read(linked).images) == 9


def test_own_digits_join_once_and_never_mnists(own, mnist):
    few = mnist[0][:50], mnist[1][:50]
    data = TrainingData(few, {"validation": few}, None, None, "MNIST")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_data, "load_mnist", lambda root, train: few)
        both = tuple(torch.cat([own, own, few]) for own, few in zip(own, few, strict=True))
        patch.setattr(own_data, "read", lambda path: own_data.OwnData(*both, ["turned"]))
        notes = own_data.add_own_data(data, ["x/mine.csv"], "")
    assert notes == ["110 images; those that are MNIST's or repeated are left out", "turned"]
    assert len(data.train_set[0]) == 50 + 27
    assert len(data.validation["own"][0]) == 3
    assert data.validation["validation"] is few
    added = torch.cat([data.train_set[0][50:], data.validation["own"][0]])
    assert {i.numpy().tobytes() for i in added} == {i.numpy().tobytes() for i in own[0]}
    assert data.description == "MNIST; and 30 images of mine.csv"


HEADER = ",".join(["label", *(f"pixel{n}" for n in range(784))]).encode() + b"\n"
ROW = b"3" + b",0" * 784 + b"\n"
IDX = idx(np.zeros((1, 28, 28)))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "there is no .*own.csv; expected pictures in folders 0 to 9, a CSV"),
        ({"a.csv": b"ImageId,Label\n1,2\n"}, "a.csv, line 1: 2 columns, the first is 'ImageId'"),
        ({"a.csv": HEADER[6:]}, "a.csv, line 1: 784 columns, the first is 'pixel0'; exp"),
        ({"a.csv": b""}, "a.csv, line 1: 1 columns, the first is ''"),
        ({"a.csv": HEADER}, "holds no images"),
        ({"a.csv": HEADER + ROW + ROW[:-1] + b",0"}, "a.csv, line 3: 786 columns, where the first"),
        ({"a.csv": HEADER + ROW[:-2] + b"256"}, "a.csv, line 2: the pixels go from 0 to 256; e"),
        ({"a.csv": HEADER + ROW[:-2] + b"nan"}, "a.csv, line 2: the pixels go from nan to nan"),
        ({"a.csv": HEADER + ROW[:-2] + b"x"}, "a.csv, line 2: could not convert .*'x'; expected a"),
        ({"a.csv": HEADER + b"12" + ROW[1:]}, "a.csv, line 2: the label is 12; expected 0 to 9"),
        ({"a.csv": b"\xff\xfe\0"}, "a.csv, line 1: 1 columns, the first is"),
        ({"a.csv.gz": gzip.compress(HEADER)[:-9]}, "a.csv.gz is damaged"),
        ({"a.zip": b"PK\3\4"}, "a.zip is damaged"),
        ({"a.zip": zipped(a=ROW, b=ROW)}, r"a.zip holds \['a.csv', 'b.csv'\]; expected one table"),
        ({"a.xlsx": b""}, r"a.xlsx is of no known kind; expected .*\. Save it"),
        ({"a.pkl": b""}, "a.pkl is of no known kind"),
        ({IMAGES: IDX}, f"there is no .*{LABELS}; expected images, and labels beside"),
        ({IMAGES: IDX[:-1], LABELS: IDX}, f"{IMAGES} is cut short, or not an idx file"),
        ({IMAGES: b"", LABELS: IDX}, f"{IMAGES} is cut short"),
        ({IMAGES: IDX, LABELS: idx(np.zeros(2))}, "holds 1 x 28 x 28 pixels for 2 labels; exp"),
        ({IMAGES: IDX, LABELS: idx(np.full(1, 12))}, "image 1: the label is 12; expected 0 to 9"),
        ({"a.npz": b"PK"}, "a.npz is empty, damaged, or holds"),
        ({"a.npz": arrays(x=np.array([{}]))}, "a.npz is empty, damaged, or holds more"),
        ({"a.pt": b""}, "a.pt is empty, damaged, or holds more than arrays: pickled objects"),
        ({"a.npz": arrays(x=np.zeros((2, 28, 28)))}, r"a.npz holds x \(2, 28, 28\); expected im"),
        ({"x.npy": array(np.zeros((2, 28, 28)))}, r"x.npy holds x \(2, 28, 28\); exp"),
        ({"a.npz": arrays(x=np.zeros((1, 28, 30)), y=np.zeros(1))}, "holds 1 x 28 x 30 pixels"),
        ({"a.npz": arrays(x=np.zeros((1, 28, 28)), y=["A"])}, "a.npz: a label is no number"),
        ({"own/A/x.png": b""}, r"own holds no pictures of digits, but \['A'\]; expected pict"),
        ({"own/3_1.png": b""}, r"own holds no pictures of digits, but \['3_1.png'\]"),
        ({"own/3/x.png": b"x"}, "none of 1 files could be used; 3/x.png: the file is no"),
        ({"own/3/x.png": png(np.full((50, 50), 255, np.uint8))}, "x.png: the picture holds no ink"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_file_and_line(tmp_path, files, says):
    with pytest.raises(UserError, match=says):
        own_data.read(write(tmp_path, files))


def test_a_training_takes_them_beside_mnist(own, tmp_path):
    write(tmp_path, {"mine.csv": table(*(tensor.numpy() for tensor in own))})
    line = '{"label": 1, "strokes": [[[0, 0], [0, 9]]]}\n'
    (tmp_path / "pen.jsonl").write_text(2 * line)
    places = ("--data", tmp_path / "mine.csv", ROOT / "data", tmp_path / "pen.jsonl")
    printed = train_small("--epochs", 1, *places, "--output", tmp_path / "run")
    assert re.search(r"^data .*, 300 validation, 1 drawings, 1 styles, 3 own$", printed, re.M)
    assert re.search(r"^epoch  1 .*  own \d+\.\d\d%  ", printed, re.M)
    _, config = weights.load(tmp_path / "run")
    provenance = config["provenance"]
    assert provenance["data"].endswith("; and 30 images of mine.csv")
    assert provenance["command"].endswith("--data mine.csv data pen.jsonl")
    assert 0 <= provenance["scores"]["own_accuracy"] <= 1
    settings = Checkpoint.load(tmp_path / "run").settings
    assert (settings.data, settings.own) == (str(ROOT / "data"), [str(tmp_path / "mine.csv")])
