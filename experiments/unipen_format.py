"""Read single characters of UNIPEN's text format, in which the pen digits come as well."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mnist_core.drawing.strokes import Drawing, parse_strokes
from mnist_core.errors import UserError

SIDE = 1000  # the longer side of a converted drawing

Component = tuple[bool, list[list[float]]]  # whether the pen was down, and its points
Segment = tuple[str, str, int]  # its components, as 3,7:20-8; its label; the component that follows


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
