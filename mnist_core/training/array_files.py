"""Read labelled images from tables and arrays: CSV, idx, .npz, .npy and .pt files.

Programs write them in many ways. Separators, header, place of the labels, size of the images and
range of the pixels are found in the file. Nothing pickled is run.
"""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError
from typing import BinaryIO, TextIO

import numpy as np
import torch
from PIL import Image

from mnist_core.drawing.framing import SIDE, frame_ink
from mnist_core.errors import UserError
from mnist_core.files import open_checked

LABEL_COLUMNS = {"label", "labels", "class", "digit", "target", "y", "number", "category"}
INDEX_COLUMNS = {"", "id", "index", "imageid", "image_id", "unnamed: 0"}
NPY_PAIRS = (("images", "labels"), ("image", "label"), ("data", "labels"), ("data", "targets"),
             ("data", "target"), ("x", "y"), ("X", "y"), ("X", "Y"))  # fmt: skip
# The first range that holds all pixels of a file is taken for theirs. The third one is that of
# pixels normalised by MNIST's mean, 0.1307, and standard deviation, 0.3081.
RANGES = ((0, 1), (-1, 1), (-0.4243, 2.8215), (0, 255))
WORDS = {word: digit for digit, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
)}  # fmt: skip
SIDES = range(8, 65)  # of the square images that are read
TABLES = r"\.(csv|tsv|txt|data?|arff|tra|tes|train|test)(\.gz|\.zip)?$"
EXPECTED = "a label and the 784 pixels of 28 x 28, or those of another square"
REMEDY = "Save it as arrays: numpy.savez('own.npz', images=images, labels=labels)"
# idx, from Yann LeCun's MNIST page: two zeros, the type of the values, the number of dimensions;
# then each dimension as a big-endian uint32; then the values.
IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
# Raised for a file that is damaged or holds more than arrays.
DAMAGED = (EOFError, LookupError, RuntimeError, TypeError, UnpicklingError, ValueError)
DAMAGED += (zipfile.BadZipFile, zlib.error, AttributeError)
Arrays = tuple[np.ndarray, np.ndarray]  # (N, 28, 28) uint8 images, (N,) int64 labels


def reader_of(name: str) -> Callable[[Path], Arrays] | None:
    """The function that reads a file of this name; None for an unknown kind."""
    kinds = {
        r"idx\d|ubyte": read_idx,
        rf"{TABLES}|\.zip$": read_csv,
        r"\.(npz|npy|pth?)$": read_arrays,
    }
    return next((read for kind, read in kinds.items() if re.search(kind, name.lower())), None)


# Tables ----------------------------------------------------------------------


def read_csv(path: Path) -> Arrays:
    """Read a table with a label and the pixels of an image in each line, in any usual dialect.

    Raises UserError with file and line for anything else.
    """
    with _open(path) as file, io.TextIOWrapper(file, _encoding(file), "replace") as text:
        rows = _rows(text)
        first_line, first = next(rows, (1, [""]))
        named = [cell for cell in first if cell]
        # Names differ from each other, pixels don't.
        names = [cell.lower() for cell in first] if len({*named}) == len(named) else []
        keep = [i for i in range(len(first)) if not names or names[i] not in INDEX_COLUMNS]
        labels = [k for k, i in enumerate(keep) if names and names[i] in LABEL_COLUMNS][:1]
        has_ten = not labels and _is_square(len(keep) - 10)  # of which one is 1
        if not has_ten and not _is_square(len(keep) - 1):
            found = f"{len(first)} columns, the first is {first[0][:30]!r}"
            raise UserError(f"{path}, line {first_line}: {found}; expected {EXPECTED}")
        lines, table = [], []
        for number, cells in rows if names else chain([(first_line, first)], rows):
            table.append(_numbers(cells, keep, len(first), f"{path}, line {number}"))
            lines.append(number)
    if not table:
        raise UserError(f"{path} holds no images")
    columns = np.stack(table)
    labels = labels or (_label_columns(columns) if has_ten else [_label_column(columns)])
    return _as_mnist(np.delete(columns, labels, 1), columns[:, labels], path, lines)


def _encoding(file: BinaryIO) -> str:
    return "utf-16" if file.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _rows(text: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each line; the first with many cells tells what separates them."""
    separator = None
    for number, line in enumerate(text, 1):
        line = re.sub("[\"'\r\n]", "", line)
        if not line.strip() or line.startswith(("@", "%", "sep=")):  # of ARFF and Excel
            continue
        separator = separator or next((c for c in "\t;,| " if line.count(c) >= 8 * 8), ",")
        if separator == ";":
            line = line.replace(",", ".")  # a decimal comma
        cells = line.split() if separator == " " else line.split(separator)
        yield number, [cell.strip() for cell in cells]


def _numbers(cells: list[str], keep: list[int], width: int, place: str) -> np.ndarray:
    """The cells of a line whose columns are in `keep`: uint8 where all are bytes, else float32."""
    try:
        if len(cells) != width:
            raise ValueError(f"{len(cells)} columns, where the first line has {width}")
        chosen = [cells[i] for i in keep]
        try:
            return np.frombuffer(bytes(map(int, chosen)), np.uint8)
        except ValueError:
            return np.array([float(WORDS.get(cell.lower(), cell)) for cell in chosen], np.float32)
    except ValueError as error:
        raise UserError(f"{place}: {error}; expected {EXPECTED}") from error


def _label_column(columns: np.ndarray) -> int:
    """The first column or the last: labels are digits, and of more kinds than a corner's pixels."""
    kinds = [{*np.unique(columns[:, i]).tolist()} for i in (0, -1)]
    first, last = (len(kind) if kind <= {*range(10)} else 0 for kind in kinds)
    return 0 if first >= last else columns.shape[1] - 1


def _label_columns(columns: np.ndarray) -> list[int]:
    """The first ten columns if one of them is 1 in each line, else the last ten."""
    first, count = columns[:, :10], columns.shape[1]
    is_one_hot = np.isin(first, (0, 1)).all() and (first.sum(1) == 1).all()
    return [*range(10)] if is_one_hot else [*range(count - 10, count)]


def _is_square(count: int) -> bool:
    return math.isqrt(max(count, 0)) ** 2 == count and math.isqrt(count) in SIDES


# Arrays ----------------------------------------------------------------------


def read_idx(path: Path) -> Arrays:
    """Read the images at `path` and the labels beside it, or the reverse.

    As EMNIST's images are transposed (Cohen et al., "EMNIST", 2017), those of a file whose name
    begins with "emnist" are turned. Raises UserError for anything else.
    """
    images_name = path.name.replace("labels", "images").replace("idx1", "idx3")
    labels_name = images_name.replace("images", "labels").replace("idx3", "idx1")
    images, labels = (_read_values(_beside(path, name)) for name in (images_name, labels_name))
    images, labels = _as_mnist(images, labels, path)
    return images.swapaxes(1, 2).copy() if path.name.startswith("emnist") else images, labels


def _beside(path: Path, name: str) -> Path:
    """The file `name` beside `path`, gzipped or not, or in a folder of its name."""
    stem = name.removesuffix(".gz")
    names = (name, stem, f"{stem}.gz", f"{stem}/{stem}")
    places = [folder / name for folder in (path.parent, path.parent.parent) for name in names]
    found = next((place for place in places if place.is_file()), None)
    if not found:
        raise UserError(f"there is no {path.with_name(name)}; expected images, and labels beside")
    return found


def _read_values(path: Path) -> np.ndarray:
    with _open(path) as file:
        content = file.read()
    kind, dimensions = content[2:4].ljust(2, b"\0")
    start = 4 + 4 * dimensions
    dtype = np.dtype(IDX_TYPES.get(kind, "u1"))
    shape = np.frombuffer(content[4:start].ljust(start - 4), ">u4").tolist()
    if kind not in IDX_TYPES or math.prod(shape) * dtype.itemsize != len(content) - start:
        found = f"its first bytes are {content[:4]}"
        raise UserError(f"{path} is cut short, or not an idx file; {found}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def read_arrays(path: Path) -> Arrays:
    """Read images and labels in a .npz or .pt file, or in two .npy files, as x_train and y_train.

    Where names have "train" in them, only those are read. Raises UserError for anything else.
    """
    try:
        arrays = _load(path)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from error
    except DAMAGED as error:
        why = "is empty, damaged, or holds more than arrays: pickled objects are not run"
        raise UserError(f"{path} {why}; expected images and labels. {REMEDY}") from error
    chosen = {n: a for n, a in arrays.items() if "train" in n.lower()} or arrays
    numeric = [a for a in chosen.values() if a.ndim > 1 and a.dtype.kind in "buif"]
    images = [a for a in numeric if math.prod(a.shape[1:]) >= 8 * 8]
    labels = {n: a for n, a in chosen.items() if a.ndim and math.prod(a.shape[1:]) in (1, 10)}
    labels = {n: a for n, a in labels.items() if images and len(a) == len(images[0])}
    if not labels:
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        found = found[:300] or "no arrays"
        raise UserError(f"{path} holds {found}; expected images and as many labels. {REMEDY}")
    best = min(labels, key=lambda name: not re.search("label|target|class|digit|^y", name.lower()))
    return _as_mnist(images[0], labels[best], path)


def _load(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file}
    if path.suffix == ".npy":
        names = (path.stem.replace(a, b) for pair in NPY_PAIRS for a, b in (pair, pair[::-1]))
        beside = (path.with_stem(name) for name in names if name != path.stem)
        pair = [path, *[place for place in beside if place.is_file()][:1]]
        return {place.stem: np.load(place, allow_pickle=False) for place in pair}
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        content = dict(enumerate([content] if torch.is_tensor(content) else content))
    return {str(name): value.numpy() for name, value in content.items() if torch.is_tensor(value)}


# All -------------------------------------------------------------------------


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unpacked where it is gzipped or a .zip with one table, whatever its name."""
    with open_checked(path, "rb") as file:
        if file.peek(4)[:4] != b"PK\3\4":
            yield file
            return
        try:
            archive = zipfile.ZipFile(file)
            yield archive.open(_only_table(archive, path))
        except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # locked ones are the last
            raise UserError(f"{path} is damaged or locked ({error}): unpack it") from error


def _only_table(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
    tables = [name for name in names if re.search(TABLES, name.lower())] or names
    tables = [name for name in tables if "train" in name.lower()] or tables
    if len(tables) != 1:
        raise UserError(f"{path} holds {names[:5]}; expected one table: unpack it")
    return tables[0]


def _as_mnist(
    images: np.ndarray, labels: np.ndarray, path: Path, lines: Sequence[int] = ()
) -> Arrays:
    """Bring images of any usual shape, range and polarity, and labels, to the form of MNIST's.

    `lines` are those of a table, for errors.
    """

    def place(i: int) -> str:
        return f"{path}, line {lines[i]}" if lines else f"{path}, image {i + 1}"

    shape = " x ".join(map(str, images.shape))
    if images.ndim == 4 and 3 in images.shape[1:4:2]:  # of colours
        images = images.mean(1 if images.shape[1] == 3 else 3)
    elif images.ndim == 4 and images.shape[3] == 4:
        images = images[..., :3].mean(3)
    size = math.prod(images.shape[1:])
    count = len(labels)
    fit = len(images) == count > 0 and labels.size in (count, 10 * count)
    if not fit or not _is_square(size):
        found = f"{shape} pixels for {' x '.join(map(str, labels.shape))} labels"
        raise UserError(f"{path} holds {found}; expected N x 28 x 28 and N labels")
    if labels.size > count:  # ten values, one of them 1
        labels = labels.reshape(count, 10).argmax(1)
    labels = labels.reshape(count)
    try:
        if labels.dtype.kind == "U":
            labels = np.array([WORDS.get(label.lower(), label) for label in labels.tolist()])
        labels = labels.astype(np.float64)
    except ValueError as error:
        raise UserError(f"{path}: a label is no number ({error}); expected 0 to 9") from error
    if (wrong := np.flatnonzero(~np.isin(labels, range(10)))).size:
        raise UserError(f"{place(wrong[0])}: the label is {labels[wrong[0]]:g}; expected 0 to 9")
    images = _as_bytes(images.reshape(count, math.isqrt(size), -1), place)
    border = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    if np.median(border) > 127:
        images = 255 - images  # dark ink on bright paper
    return _scale(images), labels.astype(np.int64)


def _as_bytes(images: np.ndarray, place: Callable[[int], str]) -> np.ndarray:
    low, high = images.min(), images.max()
    fitting = [(bottom, top) for bottom, top in RANGES if bottom <= low and high <= top]
    if not fitting:
        worst = int((~((images >= 0) & (images <= 255))).any((1, 2)).argmax())
        found = f"the pixels go from {images[worst].min():g} to {images[worst].max():g}"
        raise UserError(f"{place(worst)}: {found}; expected 0 to 255, 0 to 1 or -1 to 1")
    bottom, top = fitting[0]
    if images.dtype == np.uint8 and top == 255:
        return images
    return np.rint((images.astype(np.float32) - bottom) * (255 / (top - bottom))).astype(np.uint8)


def _scale(images: np.ndarray) -> np.ndarray:
    """(N, side, side) -> (N, 28, 28): cut if only paper is lost, else scaled to MNIST's frame."""
    side = images.shape[1]
    margin = (side - SIDE) // 2
    if side >= SIDE and side % 2 == 0:
        middle = images[:, margin : side - margin, margin : side - margin]
        if middle.sum(dtype=np.int64) == images.sum(dtype=np.int64):
            return middle.copy()
    # Enlarged smoothly first: small pictures have no sharp squares for pixels.
    larger = (4 * side, 4 * side) if side < SIDE else (side, side)
    pictures = (
        Image.fromarray(image).resize(larger, Image.Resampling.BILINEAR) for image in images
    )
    return np.stack([frame_ink(np.asarray(picture)) for picture in pictures])
