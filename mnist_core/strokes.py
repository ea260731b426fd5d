"""A drawing: a list of strokes, each a list of [x, y] points, y growing downwards.

The unit is the writer's own (the page uses 1000 to a side of its paper): what
reads a drawing looks at its shape and not at its size or place.

A drawing file holds one drawing a line, as JSON, gzipped if its name ends in .gz:
{"label": 3, "strokes": [[[12, 40], [13, 44]], [[20, 9]]]}, with any other keys.
"""

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

# Limits of what is read, well above any digit: a minute of a 120 Hz pen.
MAX_STROKES = 100
MAX_POINTS = 8_000
MAX_COORDINATE = 1_000_000


@dataclass(frozen=True)
class Drawing:
    """A labelled drawing: strokes as `parse_strokes` gives them, and a file's other keys."""

    label: int
    strokes: list[np.ndarray]
    extra: dict = field(default_factory=dict)


def read_drawings(path: str | Path) -> list[Drawing]:
    """All drawings of a file, or none: raises ValueError naming the file, the line and the fault.

    A file that can't be opened raises OSError.
    """
    drawings = []
    number = 0
    try:
        with _open(path, "rt") as lines:
            for line in lines:
                number += 1
                if line.strip():
                    drawings.append(_parse_drawing(line))
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}, after line {number}: the file is damaged ({error})") from error
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: {error}") from error
    if not drawings:
        raise ValueError(f"{path} holds no drawings")
    return drawings


def write_drawings(path: str | Path, drawings: Iterable[Drawing]) -> None:
    """Write a drawing file, beside its place first, so that nobody meets half a file."""
    with replacing(path, "wt") as file:
        for drawing in drawings:
            strokes = [stroke.tolist() for stroke in drawing.strokes]
            record = {"label": drawing.label, "strokes": strokes, **drawing.extra}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


@contextmanager
def replacing(path: str | Path, mode: str) -> Iterator[IO]:
    """A file, text ("wt") or bytes ("wb"), that takes the place of `path` when it is complete."""
    path = Path(path)
    unfinished = path.with_name(f".unfinished-{path.name}")
    with _open(unfinished, mode) as file:
        yield file
    os.replace(unfinished, path)


def _open(path: str | Path, mode: str) -> IO:
    opener = gzip.open if str(path).endswith(".gz") else open
    return opener(path, mode, encoding="utf-8" if "t" in mode else None)


def _parse_drawing(line: str) -> Drawing:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is not JSON ({error})") from error
    if not isinstance(record, dict) or not {"label", "strokes"} <= record.keys():
        raise ValueError('expected {"label": 0 to 9, "strokes": [[[x, y], ...], ...]}')
    label = record.pop("label")
    if type(label) is not int or not 0 <= label <= 9:
        raise ValueError(f"the label is {label!r}; expected a digit, 0 to 9")
    strokes = parse_strokes(record.pop("strokes"))
    if not strokes:
        raise ValueError("the drawing has no ink: leave the line out")
    return Drawing(label, strokes, record)


def parse_strokes(value: object) -> list[np.ndarray]:
    """Check a drawing from outside and return its strokes as (n, 2) float64 arrays, n >= 1.

    `value` is a list of strokes as it comes from JSON; tuples and arrays do as
    well. A stroke without points is left out. Raises ValueError that says what
    was found and what was expected.
    """
    value = _plain(value)
    if not isinstance(value, list | tuple):
        raise ValueError(
            f"a drawing is a list of strokes such as [[[12, 40], [13, 44]]], not {_kind(value)}"
        )
    if len(value) > MAX_STROKES:
        raise ValueError(
            f"the drawing has {len(value)} strokes; at most {MAX_STROKES} are read: send fewer"
        )
    strokes = [_parse_stroke(stroke, number) for number, stroke in enumerate(value, start=1)]
    points = sum(map(len, strokes))
    if points > MAX_POINTS:
        raise ValueError(
            f"the drawing has {points} points; at most {MAX_POINTS} are read: thin them out"
        )
    return [stroke for stroke in strokes if len(stroke)]


def _parse_stroke(value: object, number: int) -> np.ndarray:
    """One stroke as an (n, 2) float64 array, n >= 0."""
    value = _plain(value)
    if not isinstance(value, list | tuple):
        raise ValueError(f"stroke {number} is {_kind(value)}; expected a list of [x, y] points")
    if len(value) > MAX_POINTS:
        raise ValueError(
            f"stroke {number} has {len(value)} points; at most {MAX_POINTS} are read: thin them out"
        )
    if not all(_is_point(point) for point in value):
        raise ValueError(f"stroke {number} holds something else than [x, y] pairs of numbers")
    # NaN compares false and is refused too.
    if not all(abs(coordinate) <= MAX_COORDINATE for point in value for coordinate in point):
        raise ValueError(
            f"stroke {number} has a coordinate that is not finite or beyond ±{MAX_COORDINATE}"
        )
    return np.array(value, np.float64).reshape(-1, 2)


def _is_point(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(type(number) in (int, float) for number in value)
    )


def _plain(value: object) -> object:
    """Arrays as lists; anything else as it is."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
