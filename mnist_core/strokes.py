"""A drawing: a list of strokes, each a list of [x, y] points, y growing downwards.

The unit is the writer's own (the page uses 1000 to a side of its paper): what
reads a drawing looks at its shape and not at its size or place.
"""

import numpy as np

# Limits of what is read, well above any digit: a minute of a 120 Hz pen.
MAX_STROKES = 100
MAX_POINTS = 8_000
MAX_COORDINATE = 1_000_000


def parse_strokes(value: object) -> list[np.ndarray]:
    """Check a drawing from outside and return its strokes as (n, 2) float64 arrays, n >= 1.

    `value` is a list of strokes as it comes from JSON; tuples and arrays do as
    well. A stroke without points is left out. Raises ValueError that says what
    was found and what was expected.
    """
    if not isinstance(value, list | tuple | np.ndarray):
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
    if not isinstance(value, list | tuple | np.ndarray):
        raise ValueError(f"stroke {number} is {_kind(value)}; expected a list of [x, y] points")
    if len(value) > MAX_POINTS:
        raise ValueError(
            f"stroke {number} has {len(value)} points; at most {MAX_POINTS} are read: thin them out"
        )
    if len(value) == 0:
        return np.empty((0, 2))
    try:
        points = np.asarray(value)
    except ValueError:  # ragged: its points have different lengths
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise ValueError(f"stroke {number} holds something else than [x, y] pairs of numbers")
    if not np.all(np.abs(points) <= MAX_COORDINATE):  # NaN compares false and is refused too
        raise ValueError(
            f"stroke {number} has a coordinate that is not finite or beyond ±{MAX_COORDINATE}"
        )
    return points.astype(np.float64)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
