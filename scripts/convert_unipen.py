"""Turn collections in UNIPEN's text format into drawing files.

    python scripts/convert_unipen.py
    python scripts/convert_unipen.py --release train_r01_v07.tgz

By itself it fetches the UCI pen digits: Alpaydin and Alimoglu, "Pen-Based Recognition of
Handwritten Digits", 1998, CC BY 4.0; 10,992 digits by 44 writers. The 14 writers of the test part
are in no other part: train on the training part alone. --release is UNIPEN's own, train_r01_v07 at
doi.org/10.5281/zenodo.1195803 (Guyon et al., 1994, CC BY 4.0), a folder or its archive. Exit code 2
when a file can't be had or is not in the format.
"""

import argparse
import http.client
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

SOURCE = (
    "https://raw.githubusercontent.com/choucavalier/pendigits-hmm/"
    "03382e1457941714439d40b67e53eaf117fe4d08/data/"
)
SHA256 = {
    "pendigits-train": "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
    "pendigits-test": "ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081",
}


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make drawing files of pen collections.")
    add = parser.add_argument
    add("--source", default=SOURCE, help=f"folder or address with {' and '.join(SHA256)}")
    add("--release", type=Path, help="UNIPEN's folder or archive, to convert that instead")
    add("--output", type=Path, default=ROOT / "data", help="folder to write to")
    return parser


if __name__ == "__main__":  # what is mistyped is told at once: the imports below take seconds
    argument_parser().parse_args()

import numpy as np
from torch.hub import download_url_to_file
from tqdm import tqdm

from mnist_core.drawing.strokes import Drawing, parse_strokes, write_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory

SINGLE = "data/1[abcd]/*/*.dat"  # a release's digits, capitals, small letters and symbols
SIDE = 1000  # the longer side of a converted drawing


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            if args.release:
                made = read_release(unpacked(args.release, folder))
            else:
                paths = [fetch(args.source, name, Path(folder)) for name in SHA256]
                made = {path.name: read_unipen(path) for path in paths}
        make_directory(args.output)
        for name, drawings in made.items():
            path = args.output / f"{name}.jsonl.gz"
            write_drawings(path, drawings)
            print(f"wrote {len(drawings)} drawings to {path}")
    except UserError as error:
        parser.exit(2, f"convert_unipen.py: {error}\n")


def fetch(source: str, name: str, folder: Path) -> Path:
    """The pen digits' file `name`, copied from a folder or an address. Raises UserError."""
    place = source + name if "://" in source else (Path(source) / name).resolve().as_uri()
    try:
        download_url_to_file(place, str(folder / name), SHA256[name], progress=False)
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"can't fetch {place} ({error}). Without a network, give a folder that holds "
            f"{' and '.join(SHA256)}: --source FOLDER"
        ) from error
    except RuntimeError as error:
        raise UserError(f"{place} is not the collection's file: {error}") from error
    return folder / name


def unpacked(release: Path, folder: str) -> Path:
    """The release's own folder, or `folder` with its archive's content."""
    if release.is_dir():
        return release
    try:
        if tarfile.is_tarfile(release):
            with tarfile.open(release) as archive:
                # Nothing outside the folder, where Python is recent enough to see to it.
                safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                archive.extractall(folder, **safely)
        else:
            shutil.unpack_archive(release, folder)
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise UserError(f"{release} can't be unpacked ({error})") from error
    return Path(folder)


def read_release(folder: Path) -> dict[str, list[Drawing]]:
    """A release's single digits, and its single letters and symbols."""
    files = sorted(folder.rglob(SINGLE))
    if not files:
        raise UserError(f"{folder} holds no {SINGLE}: give UNIPEN's train_r01_v07")
    shown = tqdm(files, unit=" files", disable=None)
    drawings = [drawing for file in shown for drawing in read_unipen(file)]
    return {
        "unipen-digits": [one for one in drawings if one.label is not None],
        "unipen-characters": [one for one in drawings if one.label is None],
    }


# The format ------------------------------------------------------------------


@dataclass
class Segment:
    """A character: which of the pen's components it is made of, as 3-5 or 3,7:20-8."""

    line: int
    delineation: str
    label: str
    first: int  # number of the component after it: the pen digits' own follow their segment
    writer: str = ""


Component = tuple[bool, list[list[float]]]  # whether the pen was down, and where it went


def read_unipen(path: Path) -> list[Drawing]:
    """The single characters of a UNIPEN file. Raises UserError that names the file and the line."""
    segments, components, writer = scan(path)
    ends = [segment.first for segment in segments[1:]] + [len(components)]
    drawings = []
    for segment, end in zip(segments, ends, strict=True):
        segment.writer = segment.writer or f"{path.parent.name}-{writer}"
        try:
            own = components[segment.first : end] or chosen(segment.delineation, components)
            drawings += to_drawing(segment, own)
        except (UserError, ValueError) as error:
            raise UserError(f"{path}, line {segment.line}: {error}") from error
    return drawings


def scan(path: Path) -> tuple[list[Segment], list[Component], str]:
    """The file's own segments, the components in it and in what it includes, and their writer."""
    segments: list[Segment] = []
    components: list[Component] = []
    down, begun, writer, columns = None, False, path.stem, (0, 1)
    for file, number, line in lines(path):
        try:
            match line.split():
                case [".PEN_DOWN" | ".PEN_UP" as keyword, *_]:
                    down, begun = keyword == ".PEN_DOWN", False
                case [".COORD", *names]:
                    columns = names.index("X"), names.index("Y")
                case [".WRITER_ID", name, *_]:
                    writer = name
                case [".SEGMENT", _, delineation, *_] if file == path:
                    label = line[line.index('"') + 1 : line.rindex('"')]
                    segments.append(Segment(number, delineation, label, len(components)))
                    down = None
                case [".COMMENT", _, name, _] if segments:  # of the pen digits
                    segments[-1].writer = name
                case [keyword, *_] if keyword.startswith("."):
                    down = None
                case [_, _, *_] as values if down is not None:
                    if not begun:
                        components.append((down, []))
                    x, y = (float(values[column]) for column in columns)
                    components[-1][1].append([x, -y])
                    begun = True
        except (ValueError, IndexError) as error:
            raise UserError(f"{file}, line {number}: {line.strip()!r:.60} is not UNIPEN") from error
    return segments, components, writer


def lines(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[Path, int, str]]:
    """Each line with its file and number; those of a file that is included in its place."""
    try:
        text = path.read_text("latin-1")
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        yield path, number, line
        if line.startswith(".INCLUDE "):
            found = (folder / "include" / line[9:].strip() for folder in path.parents)
            for file in [file for file in found if file.is_file() and file not in above][:1]:
                yield from lines(file, (*above, path, file))


def chosen(delineation: str, components: list[Component]) -> list[Component]:
    """The components that a segment names; 3:20 is point 20 of the third, counted from 0."""
    found = []
    for part in delineation.split(","):
        ends = [[*map(int, end.split(":"))] for end in part.split("-")]
        (first, *start), (last, *stop) = ends[0], ends[-1]
        if last >= len(components):
            raise UserError(f"it names component {last}, and there are {len(components)}")
        for number in range(first, last + 1):
            down, points = components[number]
            points = points[: stop[0] + 1] if stop and number == last else points
            found.append((down, points[start[0] :] if start and number == first else points))
    return found


def to_drawing(segment: Segment, components: list[Component]) -> list[Drawing]:
    """The drawing of a single character; none of a word, or where there is no ink."""
    strokes = parse_strokes([points for down, points in components if down])
    if not strokes or len(segment.label.removeprefix("\\")) != 1:
        return []
    points = np.concatenate(strokes)
    scale = SIDE / max(float(np.ptp(points, axis=0).max()), 1e-9)
    strokes = [np.rint((stroke - points.min(0)) * scale).astype(int) for stroke in strokes]
    if segment.label in "0123456789":
        return [Drawing(int(segment.label), strokes, {"writer": segment.writer})]
    return [Drawing(None, strokes, {"character": segment.label, "writer": segment.writer})]


if __name__ == "__main__":
    main()
