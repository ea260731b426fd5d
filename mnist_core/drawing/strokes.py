"""Drawings: lists of strokes, each a list of [x, y] points in any unit, y growing downwards.

A drawing file holds one drawing a line, as JSON, gzipped if its name ends in .gz:
{"label": 3, "strokes": [[[12, 40], [13, 44]], [[20, 9]]]}, with any other keys. What is no
digit has no label, and a "character" where it is known: {"character": "A", "strokes": ...}.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnist_core.drawing.constants import LIMITS
from mnist_core.errors import UserError
from mnist_core.files import reading, replacing

# Far above any digit: a minute of a 120 Hz pen.
MAX_STROKES, MAX_POINTS = LIMITS["strokes"], LIMITS["points"]
MAX_COORDINATE = LIMITS["coordinate"]


@dataclass(frozen=True)
class Drawing:
    """A drawing: its digit, strokes as `parse_strokes` returns them, and a file's other keys."""

    label: int | None  # None for what is no digit
    strokes: list[np.ndarray]
    extra: dict = field(default_factory=dict)


def read_drawings(path: str | Path, digits: bool = True) -> list[Drawing]:
    """Read a drawing file of digits, or of what is no digit, whose labels are then None.

    Raises UserError that names the file, the line and the fault.
    """
    drawings = []
    with reading(path, "rt") as lines:
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
    with replacing(path, "wt") as file:
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
    if not isinstance(record, dict) or "strokes" not in record or (digit and "label" not in record):
        label = '"label": 0 to 9, ' if digit else ""
        raise UserError(f'expected {{{label}"strokes": [[[x, y], ...], ...]}}')
    label, strokes = record.pop("label", None), parse_strokes(record.pop("strokes"))
    if not strokes:
        raise UserError("the drawing has no ink: leave the line out")
    return Drawing(check_label(label) if digit else None, strokes, record)


def check_label(value: object) -> int:
    """Return `value` if it is a digit; raise UserError otherwise."""
    if type(value) is not int or not 0 <= value <= 9:
        raise UserError(f"the label is {value!r:.40}; expected a digit, 0 to 9")
    return value


def parse_strokes(value: object) -> list[np.ndarray]:
    """Check a drawing from outside; return its strokes as (n, 2) float64 arrays, n >= 1.

    `value` is a list of strokes as JSON gives them, or tuples or arrays. Strokes without points
    are left out. Raises UserError that says what was found and what was expected.
    """
    value = _check_list(value, "a drawing is a list of strokes such as [[[12, 40], [13, 44]]], not")
    if len(value) > MAX_STROKES:
        raise UserError(
            f"the drawing has {len(value)} strokes; at most {MAX_STROKES} are read: send fewer",
            code="too_many_strokes",
        )
    expected = "expected a list of [x, y] points, not"
    strokes = [_check_list(one, f"stroke {n}: {expected}") for n, one in enumerate(value, start=1)]
    points = sum(map(len, strokes))  # counted before any is looked at
    if points > MAX_POINTS:
        raise UserError(
            f"the drawing has {points} points; at most {MAX_POINTS} are read: thin them out",
            code="too_many_points",
        )
    return [_parse_stroke(stroke, n) for n, stroke in enumerate(strokes, start=1) if stroke]


def _check_list(value: object, expected: str) -> list | tuple:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, list | tuple):
        kind = "nothing" if value is None else f"a {type(value).__name__}"
        raise UserError(f"{expected} {kind}")
    return value


def _parse_stroke(value: list | tuple, number: int) -> np.ndarray:
    are_pairs = all(isinstance(point, list | tuple) and len(point) == 2 for point in value)
    coordinates = [coordinate for point in value for coordinate in point] if are_pairs else [None]
    if any(type(coordinate) not in (int, float) for coordinate in coordinates):
        raise UserError(f"stroke {number} holds something else than [x, y] pairs of numbers")
    if not all(abs(coordinate) <= MAX_COORDINATE for coordinate in coordinates):  # nor is NaN
        raise UserError(
            f"stroke {number} has a coordinate that is not finite or beyond ±{MAX_COORDINATE}"
        )
    return np.array(value, np.float64)
