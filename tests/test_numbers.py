"""Strokes are divided into the digits of a number, and read."""

import json
import time

import numpy as np
import pytest

from mnist_core.drawing import numbers
from mnist_core.drawing.strokes import parse_strokes
from tests.conftest import ROOT
from tests.drawings import DRAWINGS, LETTERS, arc


def line(text, gap=0.2, sizes=(1,), base=(0,), slant=0.0, slope=0.0):
    """A number put together from DRAWINGS: gaps, sizes and base lines in heights of a digit."""
    strokes, right = [], 0.0
    for place, sign in enumerate(text):
        drawn = [np.array(stroke) / 0.6 for stroke in {**DRAWINGS, **LETTERS}[sign]]
        points = np.concatenate(drawn)
        size = sizes[place % len(sizes)]
        corner = np.array([points[:, 0].min(), points[:, 1].max()])
        start = np.array([right, base[place % len(base)]])
        strokes += [(stroke - corner) * size + start for stroke in drawn]
        right += np.ptp(points[:, 0]) * size + gap
    change = np.array([[1, slope], [-slant, 1]])
    return [(100 * stroke @ change).tolist() for stroke in strokes]


WAYS = {
    "neat": {},
    "wide": {"gap": 0.9},
    "tight": {"gap": 0.05},
    "slanted, boxes overlapping": {"gap": 0.1, "slant": 0.5},
    "uphill": {"slope": -0.25},
    "of different sizes": {"sizes": (1, 0.6, 0.8)},
    "on uneven base lines": {"base": (0, 0.2, -0.1)},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["42", "1075", "504", "88410257"])
def test_numbers_are_read_however_they_stand(recognizer, text, way):
    found = recognizer.predict_number(line([int(sign) for sign in text], **WAYS[way]))
    assert found.number == text
    assert len(found.groups) == len(found.chances) == len(text)


def test_the_order_of_drawing_does_not_matter(recognizer):
    """The stem of a 4 and the bar of a 7 drawn after all else."""
    strokes = line([4, 2, 7, 5])
    bar = [[strokes[3][-1][0] - 5, -45], [strokes[3][0][0] + 50, -45]]
    late = [strokes[0], *strokes[2:], bar, strokes[1]]
    found = recognizer.predict_number(late)
    assert found.number == "4275"
    assert sorted(i for i, _, _ in found.groups[0]) == [0, len(late) - 1]
    assert len(found.groups[2]) == 2


def test_a_stroke_of_two_digits_is_cut_where_it_is_thin(recognizer):
    first, second = arc(30, 50, 28, 45, -90, 270), arc(105, 50, 28, 45, -90, 270)
    between = [[x, 5] for x in range(38, 100, 6)]
    found = recognizer.predict_number([first + between + second])
    assert found.number == "00"
    (((stroke, start, stop),), (right,)) = found.groups
    assert (stroke, start) == (0, 0) and 25 <= stop <= 36
    assert right == (0, stop - 1, 61)  # the point where it is cut belongs to both


def test_single_digits_are_read_to_the_bit_as_ever(recognizer):
    lines = (ROOT / "ui/files/examples.jsonl").read_text().splitlines()
    drawings = [json.loads(one)["strokes"] for one in lines] + list(DRAWINGS.values())
    for strokes in drawings:
        found = recognizer.predict_number(strokes)
        alone = recognizer.predict_strokes(strokes)
        assert len(found.digits) == 1
        assert np.array_equal(found.digits[0].probabilities, alone.probabilities)
        assert found.verdict == alone.verdict
        assert found.confidence == pytest.approx(alone.confidence, abs=0.3)


def test_the_doubtful_digit_is_named(recognizer):
    sure = recognizer.predict_number(line([2, 7, 5]))
    assert (sure.verdict, sure.doubtful) == ("sure", None)
    assert sure.confidence > 0.9
    broken = line([2, "A", 5])
    found = recognizer.predict_number(broken)
    assert found.verdict in ("no digit", "unsure")
    assert found.doubtful not in (None, 0, len(found.digits) - 1)
    nothing = recognizer.predict_number([[]])
    assert (nothing.number, nothing.verdict, nothing.doubtful) == ("", "empty", None)


def test_words_are_no_sure_numbers(recognizer):
    words = ["AHE", "Khe", "MRe", "he", "HA"]
    assert "sure" not in [recognizer.predict_number(line(word)).verdict for word in words]


def test_a_person_may_join_and_split(recognizer):
    strokes = line([4, 2])
    one, other = ([[(0, 0, 3), (1, 0, 2), (2, 0, 27)]], [[(0, 0, 3), (1, 0, 2)], [(2, 0, 27)]])
    assert len(recognizer.predict_number(strokes, one).digits) == 1
    found = recognizer.predict_number(strokes, other)
    assert (found.number, found.groups) == ("42", other)


@pytest.mark.parametrize("height", [1e-9, 1.0, 1e5])
def test_whatever_is_drawn_is_read_in_time_and_nothing_is_lost(recognizer, height):
    chance = np.random.default_rng(0)
    papers = [
        chance.uniform(0, height, (100, 80, 2)),
        chance.uniform(0, height, (40, 200, 2)),
        chance.uniform(0, height, (40, 200, 2)) + np.arange(40)[:, None, None] * [height / 9, 0],
        chance.normal(0, height / 50, (1, 8000, 2)).cumsum(1),
        np.linspace((0, 0), (height, 0), 30)[:, None],
        np.zeros((30, 2, 2)),
    ]
    for paper in papers:
        start = time.process_time()
        found = recognizer.predict_number(paper.clip(-1e6, 1e6).tolist())
        assert time.process_time() - start < 1.5
        assert 1 <= len(found.digits) <= numbers.MAX_DIGITS
        points = {(i, n) for group in found.groups for i, a, b in group for n in range(a, b)}
        assert points == {(i, n) for i, stroke in enumerate(paper) for n in range(len(stroke))}


def test_few_spans_are_read():
    strokes = parse_strokes(line([8, 8, 4, 1, 0, 2, 5, 7]))
    assert len(numbers.measure(strokes).spans) <= 30


def far_apart(count: int, points: int) -> list[np.ndarray]:
    """Strokes that no digit holds two of, with so many points together."""
    lengths = [points // count + (place < points % count) for place in range(count)]
    return [
        np.stack([np.full(n, 300.0 * place), np.linspace(0, 100, n)], axis=1)
        for place, n in enumerate(lengths)
    ]


@pytest.mark.parametrize(("count", "points"), [(40, 200), (2, 20_000)])
def test_beyond_forty_pieces_or_twenty_thousand_points_all_is_one_span(count, points):
    within = numbers.measure(far_apart(count, points))
    assert within.spans == [(place, place + 1) for place in range(count)]
    pieces = count + (points < 20_000)
    beyond = numbers.measure(far_apart(pieces, points + 1))
    assert beyond.spans == [(0, pieces)]


def test_spans_hold_up_to_five_pieces_that_lie_near_enough():
    # Bars as high as the line, 0.3 heights apart: six of them are 1.5 wide, which is not too wide.
    near = numbers.measure([np.array([[30.0 * n, 0], [30.0 * n, 100]]) for n in range(6)])
    assert {j - i for i, j in near.spans} == {1, 2, 3, 4, 5}
    assert len(near.spans) == 6 + 5 + 4 + 3 + 2
    # From one middle to the next 0.9 heights are near enough; three of them are 1.8, too wide.
    wide = numbers.measure([np.array([[89.0 * n, 0], [89.0 * n, 100]]) for n in range(3)])
    assert wide.spans == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    wider = numbers.measure([np.array([[91.0 * n, 0], [91.0 * n, 100]]) for n in range(3)])
    assert wider.spans == [(0, 1), (1, 2), (2, 3)]


def test_the_best_way_and_its_probability_worked_by_hand():
    """Two bars: apart they score a and b, joined c; there are no other ways."""
    line = numbers.measure([np.array([[40.0 * n, 0], [40.0 * n, 100]]) for n in range(2)])
    assert line.spans == [(0, 1), (0, 2), (1, 2)]
    reads = {(0, 1): -0.1, (1, 2): -0.3, (0, 2): -0.25}
    spans, each, both = numbers.divide(line, lambda some: np.array([reads[span] for span in some]))
    # Bars are as high as digits and not too wide: a shape of 0. The second's place counts once
    # where the digits part: 2 less 3.5 x overlap^2 (none), more 6.2 x 0.4 apart, and no cut.
    assert line.shapes.tolist() == [[0, 0]] * 3
    assert line.places[1] == pytest.approx([1, 0, 0.4, 0])
    parted = 6 * (-0.1 - 0.3) + 2 + 6.2 * 0.4
    joined = 6 * -0.25
    probability = 1 / (1 + np.exp(joined - parted))
    assert spans == [(0, 1), (1, 2)]
    assert each == pytest.approx([probability] * 2)
    assert both == pytest.approx(probability)
