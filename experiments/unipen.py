"""Turn the pen digits and UNIPEN's release into drawing files, as weights/ was trained on.

    python -m experiments.unipen
    python -m experiments.unipen --release train_r01_v07

By itself it downloads the UCI pen digits: Alpaydin and Alimoglu, "Pen-Based Recognition of
Handwritten Digits", 1998, CC BY 4.0; 10,992 digits by 44 writers. The 14 writers of the test part
are in no other part: train on the training part alone. --release is the unpacked folder of
UNIPEN's train_r01_v07, doi.org/10.5281/zenodo.1195803 (Guyon et al., 1994, CC BY 4.0).
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch.hub import download_url_to_file
from tqdm import tqdm

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
SINGLE = "data/1[abcd]/*/*.dat"  # a release's digits, capitals, small letters and symbols
SIDE = 1000  # the longer side of a converted drawing


Component = tuple[bool, list[list[float]]]  # whether the pen was down, and its points
# A character: which components it is made of, as 3-5 or 3,7:20-8; its label; and the index of the
# component that follows in the file, as the pen digits' own follow their segment.
Segment = tuple[str, str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make drawing files of pen collections.")
    parser.add_argument("--release", type=Path, help="UNIPEN's folder, to convert that instead")
    parser.add_argument("--output", type=Path, default=Path("data"), help="folder to write to")
    args = parser.parse_args()
    try:
        files = read_release(args.release) if args.release else download_pen_digits()
        make_directory(args.output)
        for name, drawings in files.items():
            path = args.output / f"{name}.jsonl.gz"
            write_drawings(path, drawings)
            print(f"wrote {len(drawings)} drawings to {path}")
    except (UserError, OSError, RuntimeError) as error:
        parser.exit(2, f"unipen.py: {error}\n")


def download_pen_digits() -> dict[str, list[Drawing]]:
    """The pen digits' two parts. Raises OSError or RuntimeError where a download fails."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, checksum in SHA256.items():
            path = Path(folder) / name
            download_url_to_file(SOURCE + name, str(path), checksum, progress=False)
            found[name] = read_unipen(path)
    return found


def read_release(folder: Path) -> dict[str, list[Drawing]]:
    """A release's single digits, and its single letters and symbols."""
    paths = sorted(folder.rglob(SINGLE))
    if not paths:
        raise UserError(f"{folder} holds no {SINGLE}: give UNIPEN's train_r01_v07, unpacked")
    shown = tqdm(paths, unit=" files", disable=None)
    drawings = [one for path in shown for one in read_unipen(path)]
    return {
        "unipen-digits": [one for one in drawings if one.label is not None],
        "unipen-characters": [one for one in drawings if one.label is None],
    }


def read_unipen(path: Path) -> list[Drawing]:
    """The single characters of a UNIPEN file. Raises UserError where it is not in the format."""
    drawings = []
    try:
        segments, components, writers = scan(path)
        ends = [start for *_, start in segments[1:]] + [len(components)]
        for i, ((delineation, label, start), end) in enumerate(zip(segments, ends, strict=True)):
            own = components[start:end] or select(delineation, components)
            writer = writers.get(i, f"{path.parent.name}-{writers.get(None, path.stem)}")
            drawings += to_drawing(label, writer, own)
    except (ValueError, IndexError) as error:
        raise UserError(f"{path} is not UNIPEN: {error}") from error
    return drawings


def scan(path: Path) -> tuple[list[Segment], list[Component], dict[int | None, str]]:
    """The file's segments, the components of it and its includes, and the writers.

    Writers are those of single segments by index, and by None that of the file.
    """
    segments: list[Segment] = []
    components: list[Component] = []
    writers: dict[int | None, str] = {}
    down, begun, columns = None, False, (0, 1)
    for file, line in lines(path):
        match line.split():
            case [".PEN_DOWN" | ".PEN_UP" as keyword, *_]:
                down, begun = keyword == ".PEN_DOWN", False
            case [".COORD", *names]:
                columns = names.index("X"), names.index("Y")
            case [".WRITER_ID", name, *_]:
                writers[None] = name
            case [".SEGMENT", _, delineation, *_] if file == path:
                label = line[line.index('"') + 1 : line.rindex('"')]
                segments.append((delineation, label, len(components)))
                down = None
            case [".COMMENT", _, name, _] if segments:  # of the pen digits
                writers[len(segments) - 1] = name
            case [keyword, *_] if keyword.startswith("."):
                down = None
            case [_, _, *_] as values if down is not None:
                if not begun:
                    components.append((down, []))
                x, y = (float(values[column]) for column in columns)
                components[-1][1].append([x, -y])
                begun = True
    return segments, components, writers


def lines(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[Path, str]]:
    """Each line with its file; an included file's lines follow their .INCLUDE."""
    for line in path.read_text("latin-1").splitlines():
        yield path, line
        if line.startswith(".INCLUDE "):
            found = (folder / "include" / line[9:].strip() for folder in path.parents)
            for file in [file for file in found if file.is_file() and file not in above][:1]:
                yield from lines(file, (*above, path, file))


def select(delineation: str, components: list[Component]) -> list[Component]:
    """The components that a segment names; 3:20 is point 20 of the third, counted from 0."""
    found = []
    for part in delineation.split(","):
        ends = [[*map(int, end.split(":"))] for end in part.split("-")]
        (first, *start), (last, *stop) = ends[0], ends[-1]
        for number in range(first, last + 1):
            down, points = components[number]
            points = points[: stop[0] + 1] if stop and number == last else points
            found.append((down, points[start[0] :] if start and number == first else points))
    return found


def to_drawing(label: str, writer: str, components: list[Component]) -> list[Drawing]:
    """The drawing of a single character; none of a word, or where there is no ink."""
    strokes = parse_strokes([points for down, points in components if down])
    if not strokes or len(label.removeprefix("\\")) != 1:
        return []
    points = np.concatenate(strokes)
    scale = SIDE / max(float(np.ptp(points, axis=0).max()), 1e-9)
    strokes = [np.rint((stroke - points.min(0)) * scale).astype(int) for stroke in strokes]
    if label in "0123456789":
        return [Drawing(int(label), strokes, {"writer": writer})]
    return [Drawing(None, strokes, {"character": label, "writer": writer})]


if __name__ == "__main__":
    main()
