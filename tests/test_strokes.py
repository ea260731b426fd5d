"""Drawings from outside are checked before anything else sees them."""

import gzip
import json

import numpy as np
import pytest

from mnist_core.drawing.strokes import (
    MAX_COORDINATE,
    MAX_POINTS,
    MAX_STROKES,
    Drawing,
    parse_strokes,
    read_drawings,
    write_drawings,
)
from mnist_core.errors import UserError


def test_a_drawing_becomes_arrays_of_points():
    first, second = parse_strokes([[[1, 2], [3.5, 4]], [(5, 6)]])
    assert first.dtype == np.float64
    assert first.tolist() == [[1, 2], [3.5, 4]]
    assert second.tolist() == [[5, 6]]


def test_arrays_will_do():
    (stroke,) = parse_strokes([np.array([[1, 2], [3, 4]], np.int16)])
    assert stroke.tolist() == [[1, 2], [3, 4]]
    assert len(parse_strokes(np.zeros((2, 3, 2)))) == 2


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
        ([[["x" * 100_000, 1], [1, 1]]], r"\[x, y\] pairs"),
        ([[[10**400, 1]]], "beyond"),
        (np.array(5), "not a int"),
        ([np.array(5.0)], "stroke 1 is a float"),
        ([[[float("nan"), 1]]], "not finite"),
        ([[[1, float("inf")]]], "not finite"),
        ([[[MAX_COORDINATE + 1, 1]]], "beyond"),
        ([[[-(2**63), 0], [1, 1]]], "beyond"),  # whose absolute value overflows an int64
        ([[[0, 0]]] * (MAX_STROKES + 1), f"at most {MAX_STROKES}"),
        ([[[0, 0]] * (MAX_POINTS + 1)], f"at most {MAX_POINTS}"),
        ([[[0, 0]] * (MAX_POINTS - 1), [[0, 0]] * 2], f"at most {MAX_POINTS}"),
        ([["unread"], [[0, 0]] * MAX_POINTS], f"at most {MAX_POINTS}"),  # counted before read
    ],
)
def test_bad_drawings_are_refused_with_a_reason(value, says):
    with pytest.raises(UserError, match=says):
        parse_strokes(value)


def test_as_much_as_the_docs_promise_is_read():
    """docs/serving.md: 100 strokes, 8,000 points, ±1,000,000."""
    assert len(parse_strokes([[[0, 0]]] * 100)) == 100
    assert len(parse_strokes([[[1_000_000, -1_000_000]] * 8000])[0]) == 8000
    for beyond in ([[[0, 0]]] * 101, [[[0, 0]] * 8001], [[[0, 1_000_001]]], [[[-1_000_001, 0]]]):
        with pytest.raises(UserError):
            parse_strokes(beyond)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_drawing_file_comes_back_with_its_other_keys(tmp_path, name):
    drawings = [
        Drawing(3, parse_strokes([[[1, 2], [3, 4.5]], [[5, 6]]]), {"writer": "7", "when": None}),
        Drawing(0, parse_strokes([[[0, 0]]])),
    ]
    write_drawings(tmp_path / name, drawings)
    first, second = read_drawings(tmp_path / name)
    assert (first.label, first.extra) == (3, {"writer": "7", "when": None})
    assert [stroke.tolist() for stroke in first.strokes] == [[[1, 2], [3, 4.5]], [[5, 6]]]
    assert (second.label, second.extra) == (0, {})
    assert [file.name for file in tmp_path.iterdir()] == [name]


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
        ('{"label": "1", "strokes": [[[0, 0]]]}', "label is '1'"),
        ('{"label": 1, "strokes": [[[0]]]}', "stroke 1"),
        ('{"label": 1, "strokes": [[[0, NaN]]]}', "not finite"),
        ('{"label": 1, "strokes": [[]]}', "no ink"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_half_read(tmp_path, line, says):
    (tmp_path / "a.jsonl").write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    with pytest.raises(UserError, match=rf"a\.jsonl, line 3: .*{says}"):
        read_drawings(tmp_path / "a.jsonl")


def test_what_is_no_digit_is_written_and_read_without_a_label(tmp_path):
    letter = Drawing(None, parse_strokes([[[0, 0], [1, 9]]]), {"character": "A"})
    write_drawings(tmp_path / "a.jsonl", [letter])
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {
        "strokes": [[[0, 0], [1, 9]]],
        "character": "A",
    }
    (read,) = read_drawings(tmp_path / "a.jsonl", digits=False)
    assert (read.label, read.extra) == (None, {"character": "A"})
    with pytest.raises(UserError, match="line 1: expected"):
        read_drawings(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text('{"character": "A"}')
    with pytest.raises(UserError, match=r"line 1: expected \{\"strokes\""):
        read_drawings(tmp_path / "a.jsonl", digits=False)


def test_damaged_files_are_refused(tmp_path):
    whole = gzip.compress(f"{GOOD}\n".encode() * 1000)
    for name, content, says in [
        ("cut.gz", whole[:-20], "damaged"),
        ("text.gz", b"text", "damaged"),
        ("latin", b'{"label": "\xe9"}', "damaged"),
        ("empty", b"\n\n", "holds no drawings"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"{name}.*{says}"):
            read_drawings(tmp_path / name)
