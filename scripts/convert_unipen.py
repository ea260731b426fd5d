"""Turn collections in UNIPEN's text format into drawing files.

    python scripts/convert_unipen.py
    python scripts/convert_unipen.py --release train_r01_v07.tgz
    python scripts/train.py --drawings data/pendigits-train.jsonl.gz data/unipen-digits.jsonl.gz \\
        --not-digits data/unipen-characters.jsonl.gz

Without --release it fetches and turns the UCI pen digits: Alpaydin and Alimoglu, "Pen-Based
Recognition of Handwritten Digits", 1998, CC BY 4.0; the pen's path for 10,992 digits by 44
writers. The 14 writers of the test part are in no other part: train on the training part alone.
--release is UNIPEN's own: Guyon et al., "UNIPEN Project of On-Line Data Exchange and Recognizer
Benchmarks", 1994; train_r01_v07 at doi.org/10.5281/zenodo.1195803, CC BY 4.0, a folder or its
archive. Exit code 2 when a file can't be had or is not in the format.
"""

import argparse
import hashlib
import http.client
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import Drawing, parse_strokes, write_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory

SOURCE = (
    "https://raw.githubusercontent.com/choucavalier/pendigits-hmm/"
    "03382e1457941714439d40b67e53eaf117fe4d08/data/"
)
SHA256 = {
    "pendigits-train": "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
    "pendigits-test": "ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081",
}
SIDE = 1000  # of a converted drawing: its longer side
CATEGORIES = ("1a", "1b", "1c", "1d")  # digits, upper case, lower case, symbols, each by itself


def main() -> None:
    parser = argparse.ArgumentParser(description="Make drawing files of pen collections.")
    add = parser.add_argument
    add("--source", default=SOURCE, help="folder or address with the two files of the pen digits")
    add("--release", type=Path, help="UNIPEN's folder or archive, to convert that instead")
    add("--output", type=Path, default=ROOT / "data", help="folder to write to")
    args = parser.parse_args()
    try:
        made = read_release(args.release) if args.release else read_pendigits(args.source)
        make_directory(args.output)
        for name, drawings in made.items():
            path = args.output / f"{name}.jsonl.gz"
            write_drawings(path, drawings)
            print(f"wrote {len(drawings)} drawings to {path}")
    except UserError as error:
        parser.exit(2, f"convert_unipen.py: {error}\n")


def read_pendigits(source: str) -> dict[str, list[Drawing]]:
    """Both parts of the UCI pen digits by name."""
    with tempfile.TemporaryDirectory() as folder:
        for name, sha256 in SHA256.items():
            (Path(folder) / name).write_bytes(fetch(source, name, sha256))
        return {name: list(read_unipen(Path(folder) / name)) for name in SHA256}


def fetch(source: str, name: str, sha256: str) -> bytes:
    """The file `name` from a folder or an address. Raises UserError, with a remedy."""
    place = source + name if "://" in source else (Path(source) / name).resolve().as_uri()
    try:
        with urllib.request.urlopen(place, timeout=60) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"can't fetch {place} ({error}). Without a network, give the folder that holds the "
            "two files: --source FOLDER"
        ) from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise UserError(
            f"{place} is not the collection's file: its sha256 is {found}, expected {sha256}"
        )
    return content


def read_release(release: Path) -> dict[str, list[Drawing]]:
    """The single digits and the single letters and symbols of a release: a folder or an archive."""
    with ExitStack() as stack:
        if release.is_file():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                shutil.unpack_archive(release, folder, filter="data")
            except (OSError, ValueError, EOFError, shutil.ReadError) as error:
                raise UserError(f"{release} can't be unpacked ({error})") from error
            release = folder
        files = [p for p in sorted(release.rglob("data/??/*/*.dat")) if p.parts[-3] in CATEGORIES]
        if not files:
            raise UserError(f"{release} holds no data/1a/*/*.dat: give UNIPEN's train_r01_v07")
        drawings = [drawing for file in tqdm(files, unit=" files") for drawing in read_unipen(file)]
    digits = [drawing for drawing in drawings if drawing.label is not None]
    others = [drawing for drawing in drawings if drawing.label is None]
    return {"unipen-digits": digits, "unipen-characters": others}


# The format ------------------------------------------------------------------

Component = tuple[bool, list[list[float]]]  # whether the pen was down, and where it went


@dataclass
class Segment:
    """A character: which components it is made of, as 3-5 or 3,7:20-8; or those after its line."""

    line: int
    delineation: str
    label: str
    first: int  # number of the component that follows
    writer: str = ""


def read_unipen(path: Path) -> list[Drawing]:
    """The single characters of a UNIPEN file. Raises UserError that names the file and the line."""
    segments: list[Segment] = []
    components: list[Component] = []
    down, writer, columns = None, path.stem, (0, 1)
    for file, number, line in _lines(path):
        keyword, *words = line.split() or [""]
        try:
            if keyword in (".PEN_DOWN", ".PEN_UP"):
                down, empty = keyword == ".PEN_DOWN", True
            elif keyword.startswith("."):
                down = None
                if keyword == ".COORD":
                    columns = words.index("X"), words.index("Y")
                elif keyword == ".WRITER_ID" and words:
                    writer = words[0]
                elif keyword == ".SEGMENT" and file == path:
                    label = line[line.index('"') + 1 : line.rindex('"')]
                    segments.append(Segment(number, words[1], label, len(components)))
                elif keyword == ".COMMENT" and segments and len(words) == 3:
                    segments[-1].writer = words[1]  # the pen digits': label, writer, serial number
            elif keyword and down is not None:
                x, y = (float([keyword, *words][column]) for column in columns)
                if empty:
                    components.append((down, []))
                components[-1][1].append([x, -y])
                empty = False
        except (ValueError, IndexError) as error:
            raise UserError(f"{file}, line {number}: {line.strip()!r:.60} is not UNIPEN") from error
    followers = [segment.first for segment in segments[1:]] + [len(components)]
    drawings = []
    for segment, end in zip(segments, followers, strict=True):
        segment.writer = segment.writer or f"{path.parent.name}-{writer}"
        try:
            own = components[segment.first : end] or _chosen(segment.delineation, components)
            drawings += _drawings(segment, own)
        except (UserError, ValueError) as error:
            raise UserError(f"{path}, line {segment.line}: {error}") from error
    return drawings


def _lines(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[Path, int, str]]:
    """Each line with its file and number; those of an included file where it is included."""
    try:
        text = path.read_text("latin-1")
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        yield path, number, line
        if line.startswith(".INCLUDE"):
            name = line.split(maxsplit=1)[-1].strip()
            found = (folder / "include" / name for folder in path.parents)
            for file in [file for file in found if file.is_file() and file not in above][:1]:
                yield from _lines(file, (*above, path, file))


def _chosen(delineation: str, components: list[Component]) -> list[Component]:
    """The components that a segment names; 3:20 is point 20 of the third."""
    chosen = []
    for part in delineation.split(","):
        ends = [[*map(int, end.split(":"))] for end in part.split("-")]
        (first, *start), (last, *stop) = ends[0], ends[-1]
        if last >= len(components):
            raise UserError(f"component {last} is named; there are {len(components)}")
        for number in range(first, last + 1):
            down, points = components[number]
            points = points[: stop[0] + 1] if stop and number == last else points
            chosen.append((down, points[start[0] :] if start and number == first else points))
    return chosen


def _drawings(segment: Segment, components: list[Component]) -> list[Drawing]:
    """The drawing of a single character, SIDE long; none of words and of what has no ink."""
    strokes = parse_strokes([points for down, points in components if down])
    if not strokes or len(segment.label.replace("\\", "", 1)) > 1:
        return []
    points = np.concatenate(strokes)
    scale = SIDE / max(float(np.ptp(points, axis=0).max()), 1e-9)
    strokes = [np.rint((stroke - points.min(0)) * scale).astype(int) for stroke in strokes]
    if segment.label in set("0123456789"):
        return [Drawing(int(segment.label), strokes, {"writer": segment.writer})]
    return [Drawing(None, strokes, {"character": segment.label, "writer": segment.writer})]


if __name__ == "__main__":
    main()
