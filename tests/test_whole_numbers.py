"""The experiment that puts numbers together from single digits, and counts how they are read."""

import numpy as np
import pytest

from experiments import whole_numbers, written_numbers
from mnist_core.drawing.strokes import Drawing
from mnist_core.errors import UserError
from mnist_core.recognizer import Number
from tests.drawings import DRAWINGS


def test_numbers_are_put_together_and_read(recognizer):
    """Those of one writer; another one has too few digits."""
    pools = {"a": DRAWINGS, "b": {0: DRAWINGS[0]}}
    drawings = [
        Drawing(digit, [np.array(stroke) for stroke in strokes], {"writer": writer})
        for writer, pool in pools.items()
        for digit, strokes in pool.items()
    ]
    writers = written_numbers.Writers(drawings)
    assert writers.names == ["a"]
    found = written_numbers.some_numbers(writers, 60, [2, 3], np.random.default_rng(1))
    assert {len(digits) for digits, _ in found} == {2, 3}
    read = [recognizer.predict_number([s.tolist() for s in strokes]) for _, strokes in found]
    _, n, right, *_ = whole_numbers.number_row("", read, [digits for digits, _ in found])
    assert n == 60
    assert float(right[:-1]) > 80
    with pytest.raises(UserError, match="more than five different signs"):
        written_numbers.Writers(drawings[-1:])


def test_the_calibration_error_is_confidence_less_accuracy():
    confidence, right = np.array([0.95, 0.95, 0.95, 0.35]), np.array([True, True, False, False])
    error = whole_numbers.calibration_error(confidence, right)
    assert error == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.35)
    row = whole_numbers.number_row("none", [Number((), (), (), 0.0)], [[1]])
    assert row[:3] == ["none", 1, "0.00%"]
