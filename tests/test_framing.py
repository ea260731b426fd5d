"""Strokes come into MNIST's frame."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from mnist_core.drawing.framing import frame_strokes, to_input
from mnist_core.drawing.strokes import parse_strokes
from tests.drawings import DRAWINGS


def frame(strokes, **kwargs) -> np.ndarray:
    return frame_strokes(parse_strokes(strokes), **kwargs)


def test_a_vertical_line_worked_by_hand():
    # With a pen of 2 the centre line is 18 long, from row 5.0 to 23.0 at column 14.0. The pixel
    # centres beside it, at 13.5 and 14.5, are half a pixel away, well inside the pen: full ink.
    # At the ends (13.5, 4.5) is sqrt(0.5) from the line's end: 1 + 0.5 - 0.7071 = 0.7929 of 255.
    expected = np.zeros((28, 28), np.uint8)
    expected[5:23, 13:15] = 255
    expected[[4, 23], 13:15] = 202
    assert np.array_equal(frame([[[0, 0], [0, 100]]], pen_width=2), expected)


def test_digits_fit_the_box_and_are_centred_by_mass():
    for strokes in DRAWINGS.values():
        pixels = frame(strokes)
        rows, columns = np.nonzero(pixels)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        centre = (np.indices(pixels.shape) * pixels).sum((1, 2)) / pixels.sum()
        assert centre == pytest.approx((14, 14), abs=0.51)


def test_place_size_and_sampling_of_the_drawing_do_not_matter():
    strokes = [[[0, 0], [100, 0], [40, 200]]]
    moved = [[[x / 7 - 300, y / 7 + 1000] for x, y in strokes[0]]]
    points = np.array(strokes[0], float)
    dense = [np.concatenate([np.linspace(a, b, 500) for a, b in pairwise(points)])]
    expected = frame(strokes).astype(int)
    assert np.abs(frame(moved) - expected).max() <= 1
    assert np.abs(frame(dense) - expected).mean() < 0.5  # a corner may lose half a pixel


def test_ink_is_never_cut_off_by_centring():
    # Nearly all ink lies at the left: moving it to the middle would push the far end out.
    scribble = [[[0, y], [4, y]] for y in range(0, 100, 5)]
    columns = np.flatnonzero(frame([*scribble, [[0, 50], [100, 50]]]).any(0))
    assert (columns[0], columns[-1]) == (8, 27)


def test_a_single_point_is_a_dot_and_nothing_is_nothing():
    dot = frame([[[5, 5]]])
    assert dot.max() == 255
    assert 0 < np.count_nonzero(dot) <= 16
    assert not frame([]).any()


def test_to_input_flattens_and_scales():
    images = torch.tensor([[[0] * 28] * 28, [[255] * 28] * 28], dtype=torch.uint8)
    inputs = to_input(images)
    assert (inputs.shape, inputs.dtype) == ((2, 784), torch.float32)
    assert inputs.unique().tolist() == [0, 1]
