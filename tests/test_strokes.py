"""Drawings from outside are checked before anything else sees them."""

import gzip
import json

import numpy as np
import pytest

from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.errors import UserError


def test_a_drawing_becomes_arrays_of_points():
    first, second = parse_strokes([[[1, 2], [3.5, 4]], [], [(5, 6)]])
    assert first.dtype == np.float64
    assert first.tolist() == [[1, 2], [3.5, 4]]
    assert second.tolist() == [[5, 6]]
    (stroke,) = parse_strokes([np.array([[1, 2], [3, 4]], np.int16)])
    assert stroke.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "not nothing"),
        ("7", "not a str"),
        ({"strokes": []}, "not a dict"),
        (np.array(5), "not a int"),
        ([1, 2], "stroke 1: .* not a int"),
        ([[[0, 0]], None], "stroke 2: .* not nothing"),
        ([np.array(5.0)], "stroke 1: .* not a float"),
        ([[[0, 0]], [1, 2]], r"stroke 2 .*\[x, y\] pairs"),
        ([[[1]]], r"\[x, y\] pairs"),
        ([[[1, 2, 3]]], r"\[x, y\] pairs"),
        ([[["1", "2"]]], r"\[x, y\] pairs"),
        ([[[None, 2]]], r"\[x, y\] pairs"),
        ([[[True, False]]], r"\[x, y\] pairs"),
        ([[[[1, 2], [3, 4]]]], r"\[x, y\] pairs"),
        ([[[10**400, 1]]], "beyond"),
        ([[[float("nan"), 1]]], "not finite"),
        ([[[1, float("-inf")]]], "not finite"),
        ([[[0, 1_000_001]]], "beyond ±1000000"),
        ([[[-1_000_001, 0]]], "beyond ±1000000"),
        ([[[0, 0]]] * 101, "at most 100"),
        ([[[0, 0]] * 7999, [[0, 0]] * 2], "at most 8000"),
        ([["unread"], [[0, 0]] * 8000], "at most 8000"),  # counted before any point is looked at
    ],
)
def test_bad_drawings_are_refused_with_a_reason(value, says):
    with pytest.raises(UserError, match=says):
        parse_strokes(value)


def test_a_drawing_at_the_limits_is_accepted():
    """The limits of docs/serving.md: 100 strokes, 8,000 points, ±1,000,000."""
    assert len(parse_strokes([[[0, 0]]] * 100)) == 100
    assert len(parse_strokes([[[1_000_000, -1_000_000]] * 8000])[0]) == 8000


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_drawing_file_round_trips(tmp_path, name):
    drawings = [
        Drawing(3, parse_strokes([[[1, 2], [3, 4.5]], [[5, 6]]]), {"writer": "7", "when": None}),
        Drawing(0, parse_strokes([[[0, 0]]])),
    ]
    write_drawings(tmp_path / name, drawings)
    first, second = read_drawings(tmp_path / name)
    assert (first.label, first.extra) == (3, {"writer": "7", "when": None})
    assert [stroke.tolist() for stroke in first.strokes] == [[[1, 2], [3, 4.5]], [[5, 6]]]
    assert (second.label, second.extra) == (0, {})


def test_drawings_of_no_digit_have_no_label(tmp_path):
    letter = Drawing(None, parse_strokes([[[0, 0], [1, 9]]]), {"character": "A"})
    write_drawings(tmp_path / "a.jsonl", [letter])
    assert "label" not in json.loads((tmp_path / "a.jsonl").read_text())
    (read,) = read_drawings(tmp_path / "a.jsonl", digits=False)
    assert (read.label, read.extra) == (None, {"character": "A"})
    with pytest.raises(UserError, match="line 1: expected"):
        read_drawings(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text('{"character": "A"}')
    with pytest.raises(UserError, match=r"line 1: expected \{\"strokes\""):
        read_drawings(tmp_path / "a.jsonl", digits=False)


GOOD = '{"label": 1, "strokes": [[[0, 0], [0, 9]]]}'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("7", "expected"),
        ('{"label": 1}', "expected"),
        ('{"label": 10, "strokes": [[[0, 0]]]}', "label is 10"),
        ('{"label": true, "strokes": [[[0, 0]]]}', "label is True"),
        ('{"label": 1, "strokes": [[[0]]]}', "stroke 1"),
        ('{"label": 1, "strokes": [[]]}', "no ink"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, says):
    (tmp_path / "a.jsonl").write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    with pytest.raises(UserError, match=rf"a\.jsonl, line 3: .*{says}"):
        read_drawings(tmp_path / "a.jsonl")


def test_damaged_files_are_refused(tmp_path):
    whole = gzip.compress(f"{GOOD}\n".encode() * 1000)
    files = {"cut.gz": whole[:-20], "latin": b'{"label": "\xe9"}'}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"{name}.*damaged"):
            read_drawings(tmp_path / name)
    (tmp_path / "empty").write_bytes(b"\n\n")
    with pytest.raises(UserError, match="holds no drawings"):
        read_drawings(tmp_path / "empty")
