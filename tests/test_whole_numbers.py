"""The experiment that puts numbers together from single digits, and counts how they are read."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from experiments import whole_numbers
from mnist_core.drawing.strokes import Drawing, write_drawings
from mnist_core.errors import UserError
from mnist_core.recognizer import Number
from tests.conftest import call
from tests.drawings import DRAWINGS


@pytest.fixture
def drawings():
    """Two writers' digits; one of them has few."""
    pools = {"a": DRAWINGS, "b": {0: DRAWINGS[0]}}
    return [
        Drawing(digit, [np.array(stroke) for stroke in strokes], {"writer": writer})
        for writer, pool in pools.items()
        for digit, strokes in pool.items()
    ]


def test_numbers_stand_from_left_to_right(drawings, recognizer):
    """By one writer; as many strokes as drawn, or fewer where the pen stays down."""
    writers = whole_numbers.Writers(drawings)
    assert writers.names == ["a"]
    assert writers.choose([6], np.random.default_rng(0)) is None
    chance = np.random.default_rng(1)
    found = whole_numbers.some_numbers(writers, 60, [2, 3], chance)
    read = [recognizer.predict_number([s.tolist() for s in strokes]) for _, strokes in found]
    texts = ["".join(map(str, digits)) for digits, _ in found]
    assert {len(text) for text in texts} == {2, 3}
    assert np.mean([one.number == text for one, text in zip(read, texts, strict=True)]) > 0.8
    _, n, right, *_ = whole_numbers.number_row("", read, [digits for digits, _ in found])
    assert (n, float(right[:-1]) > 80) == (60, True)


def test_the_calibration_error_is_confidence_less_accuracy():
    confidence, right = np.array([0.95, 0.95, 0.95, 0.35]), np.array([True, True, False, False])
    error = whole_numbers.calibration_error(confidence, right)
    assert error == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.35)
    row = whole_numbers.number_row("none", [Number([], [], [], 1.0)], [[1]])
    assert row[:3] == ["none", 1, "0.00%"]


def test_a_sheet_is_drawn_and_what_is_missing_is_said(drawings, tmp_path):
    named = [replace(one, extra={"writer": str(place)}) for place in range(10) for one in drawings]
    write_drawings(tmp_path / "digits.jsonl", named)
    sheet = tmp_path / "sheet.png"
    files = ("--drawings", tmp_path / "digits.jsonl", "--not-digits", tmp_path / "none.jsonl")
    few = call(whole_numbers.__file__, "--drawings", tmp_path / "none.jsonl", *files[2:])
    assert (few.returncode, "none.jsonl can't be read" in few.stderr) == (2, True)
    done = call(whole_numbers.__file__, *files, "--sheet", sheet)
    assert done.returncode == 0, done.stderr
    assert np.asarray(Image.open(sheet)).min() == 0
    with pytest.raises(UserError, match="more than five different signs"):
        whole_numbers.Writers(drawings[-1:])
