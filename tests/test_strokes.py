"""Drawings from outside are checked before anything else sees them."""

import numpy as np
import pytest

from mnist_core.strokes import MAX_COORDINATE, MAX_POINTS, MAX_STROKES, parse_strokes


def test_a_drawing_becomes_arrays_of_points():
    first, second = parse_strokes([[[1, 2], [3.5, 4]], [(5, 6)]])
    assert first.dtype == np.float64
    assert first.tolist() == [[1, 2], [3.5, 4]]
    assert second.tolist() == [[5, 6]]


def test_what_has_no_ink_becomes_no_strokes():
    assert parse_strokes([]) == []
    assert parse_strokes([[], []]) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "not nothing"),
        ("7", "not a str"),
        ({"strokes": []}, "not a dict"),
        ([1, 2], "stroke 1 is a int"),
        ([[[0, 0]], None], "stroke 2 is nothing"),
        ([[1, 2]], r"\[x, y\] pairs"),
        ([[[1]]], r"\[x, y\] pairs"),
        ([[[1, 2, 3]]], r"\[x, y\] pairs"),
        ([[[1, 2], [3]]], r"\[x, y\] pairs"),
        ([[["1", "2"]]], r"\[x, y\] pairs"),
        ([[[None, 2]]], r"\[x, y\] pairs"),
        ([[[True, False]]], r"\[x, y\] pairs"),
        ([[[[1, 2], [3, 4]]]], r"\[x, y\] pairs"),
        ([[[10**400, 1]]], r"\[x, y\] pairs"),
        ([[[float("nan"), 1]]], "not finite"),
        ([[[1, float("inf")]]], "not finite"),
        ([[[MAX_COORDINATE + 1, 1]]], "beyond"),
        ([[[0, 0]]] * (MAX_STROKES + 1), f"at most {MAX_STROKES}"),
        ([[[0, 0]] * (MAX_POINTS + 1)], f"at most {MAX_POINTS}"),
        ([[[0, 0]] * (MAX_POINTS - 1), [[0, 0]] * 2], f"at most {MAX_POINTS}"),
    ],
)
def test_bad_drawings_are_refused_with_a_reason(value, says):
    with pytest.raises(ValueError, match=says):
        parse_strokes(value)
