"""A drawing: a list of strokes, each a list of [x, y] points, y growing downwards.

The unit is the writer's own (the page uses 1000 to a side of its paper): what
reads a drawing looks at its shape and not at its size or place.

A drawing file holds one drawing a line, as JSON, gzipped if its name ends in .gz:
{"label": 3, "strokes": [[[12, 40], [13, 44]], [[20, 9]]]}, with any other keys. What is no
digit has no label, and a "character" where it is known which: {"character": "A", "strokes": ...}.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnist_core.drawing.constants import LIMITS
from mnist_core.errors import UserError
from mnist_core.files import atomic_write, open_checked

# Limits of what is read, well above any digit: a minute of a 120 Hz pen.
MAX_STROKES, MAX_POINTS = LIMITS["strokes"], LIMITS["points"]
MAX_COORDINATE = LIMITS["coordinate"]


@dataclass(frozen=True)
class Drawing:
    """A drawing: its digit, strokes as `parse_strokes` gives them, and a file's other keys."""

    label: int | None  # None for what is no digit
    strokes: list[np.ndarray]
    extra: dict = field(default_factory=dict)


def read_drawings(path: str | Path, digits: bool = True) -> list[Drawing]:
    """All drawings of a file: of digits, or of what is none, whose label is None.

    Raises UserError naming the file, the line and the fault.
    """
    drawings = []
    with open_checked(path, "rt") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    drawings.append(_parse_drawing(line, digits))
            except UserError as error:
                raise UserError(f"{path}, line {number}: {error}") from error
    if not drawings:
        raise UserError(f"{path} holds no drawings")
    return drawings


def write_drawings(path: str | Path, drawings: Iterable[Drawing]) -> None:
    """Write a drawing file. Raises UserError where it can't be written."""
    with atomic_write(path, "wt") as file:
        for drawing in drawings:
            strokes = [stroke.tolist() for stroke in drawing.strokes]
            label = {} if drawing.label is None else {"label": drawing.label}
            record = {**label, "strokes": strokes, **drawing.extra}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


def _parse_drawing(line: str, digit: bool) -> Drawing:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"this is not JSON ({error})") from error
    needed = {"label", "strokes"} if digit else {"strokes"}
    if not isinstance(record, dict) or not needed <= record.keys():
        label = '"label": 0 to 9, ' if digit else ""
        raise UserError(f'expected {{{label}"strokes": [[[x, y], ...], ...]}}')
    label, strokes = record.pop("label", None), parse_strokes(record.pop("strokes"))
    if not strokes:
        raise UserError("the drawing has no ink: leave the line out")
    return Drawing(check_label(label) if digit else None, strokes, record)


def check_label(value: object) -> int:
    """`value`, where it is a digit. Raises UserError for all else."""
    if type(value) is not int or not 0 <= value <= 9:
        raise UserError(f"the label is {value!r:.40}; expected a digit, 0 to 9")
    return value


def parse_strokes(value: object) -> list[np.ndarray]:
    """Check a drawing from outside and return its strokes as (n, 2) float64 arrays, n >= 1.

    `value` is a list of strokes as it comes from JSON; tuples and arrays do as well. A stroke
    without points is left out. Raises UserError that says what was found and what was expected.
    """
    value = _plain(value)
    if not isinstance(value, list | tuple):
        raise UserError(
            f"a drawing is a list of strokes such as [[[12, 40], [13, 44]]], not {_kind(value)}"
        )
    if len(value) > MAX_STROKES:
        raise UserError(
            f"the drawing has {len(value)} strokes; at most {MAX_STROKES} are read: send fewer",
            code="too_many_strokes",
        )
    value = [_plain(stroke) for stroke in value]
    points = 0  # counted before any of them is looked at
    for number, stroke in enumerate(value, start=1):
        if not isinstance(stroke, list | tuple):
            raise UserError(f"stroke {number} is {_kind(stroke)}; expected a list of [x, y] points")
        points += len(stroke)
    if points > MAX_POINTS:
        raise UserError(
            f"the drawing has {points} points; at most {MAX_POINTS} are read: thin them out",
            code="too_many_points",
        )
    return [_parse_stroke(stroke, number) for number, stroke in enumerate(value, 1) if stroke]


def _parse_stroke(value: list | tuple, number: int) -> np.ndarray:
    """One stroke as an (n, 2) float64 array, n >= 1."""
    if not all(_is_point(point) for point in value):
        raise UserError(f"stroke {number} holds something else than [x, y] pairs of numbers")
    # NaN compares false and is refused too.
    if not all(abs(coordinate) <= MAX_COORDINATE for point in value for coordinate in point):
        raise UserError(
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
