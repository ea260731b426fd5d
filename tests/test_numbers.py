"""Strokes are divided into the digits of a number, and read."""

import json

import numpy as np
import pytest

from mnist_core.drawing import numbers
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from mnist_core.recognizer import Number
from serving.routes import answer
from tests.drawings import (
    CROSSED_ARM,
    DRAWINGS,
    HANGING_STEM,
    LETTERS,
    WIDE_ZERO,
    arc,
    examples,
)


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
def test_numbers_are_read_however_they_stand(recognizer, way):
    for text in ("42", "1075", "504", "88410257"):
        found = recognizer.predict_number(line([int(sign) for sign in text], **WAYS[way]))
        assert found.number == text
        assert len(found.groups) == len(found.span_probabilities) == len(text)


def test_the_order_of_drawing_does_not_matter(recognizer):
    """The stem of a 4 and the bar of a 7 drawn after all else."""
    strokes = line([4, 2, 7, 5])
    bar = [[strokes[3][-1][0] - 5, -45], [strokes[3][0][0] + 50, -45]]
    late = [strokes[0], *strokes[2:], bar, strokes[1]]
    found = recognizer.predict_number(late)
    assert found.number == "4275"
    assert sorted(i for i, _, _ in found.groups[0]) == [0, len(late) - 1]
    assert len(found.groups[2]) == 2


def test_digits_in_one_stroke_are_cut_on_both_sides_of_what_joins_them(recognizer):
    first, second = arc(30, 50, 28, 45, -90, 270), arc(105, 50, 28, 45, -90, 270)
    between = [[x, 5] for x in range(38, 100, 6)]
    stroke = first + between + second
    (left, joint, right) = numbers.measure(parse_strokes([stroke])).pieces
    assert (left[:2], left[2], right[2]) == ((0, 0), joint[1] + 1, len(stroke))
    assert 24 <= joint[1] < joint[2] - 3 <= 40
    assert recognizer.predict_number([stroke]).number == "00"


def test_a_wide_zero_whose_ends_meet_is_not_cut(recognizer):
    assert len(numbers.measure(parse_strokes(WIDE_ZERO)).pieces) == 1
    assert recognizer.predict_number(WIDE_ZERO).number == "0"


def test_a_stem_that_hangs_below_its_neighbour_is_no_one(recognizer):
    """Beside 11 on one line."""
    assert recognizer.predict_number(HANGING_STEM).number == "4"
    level = [[30, 0], [26, 72]]
    assert recognizer.predict_number([HANGING_STEM[0], level]).number == "11"


def test_no_digit_ends_between_parts_of_a_stroke_that_another_crosses():
    line = numbers.measure(parse_strokes(CROSSED_ARM))
    assert [stroke for stroke, _, _ in line.pieces] == [0, 1, 0]
    assert (0, 3) in line.spans
    assert (1, 3) not in line.spans


def test_a_comma_is_no_digit(recognizer):
    for gap in (0.4, 0.8, 1.5):
        digits = line([1, 0, 0], gap)
        left = max(x for x, _ in digits[0]) + 50 * gap
        comma = [[left - 2, -5], [left, 2], [left - 6, 12]]
        assert recognizer.predict_number([digits[0], comma, *digits[1:]]).number == "100"
    alone = recognizer.predict_number([comma])
    assert len(alone.digits) == 1  # what is as high as the line is no mark


def test_a_single_digit_is_read_as_by_predict_strokes(recognizer):
    for strokes in [*(one["strokes"] for one in examples()), *DRAWINGS.values()]:
        found, alone = recognizer.predict_number(strokes), recognizer.predict_strokes(strokes)
        (digit,) = found.digits
        assert digit.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
        assert np.array_equal(digit.pixels, alone.pixels)
        assert found.verdict == alone.verdict
        assert found.confidence == found.segmentation_probability * digit.confidence


def test_every_group_of_pieces_is_read_once(recognizer, monkeypatch):
    batches = []
    forward = recognizer.model.forward

    def recorded(batch):
        batches.append([image.numpy().tobytes() for image in batch])
        return forward(batch)

    monkeypatch.setattr(recognizer.model, "forward", recorded)
    recognizer.predict_number(DRAWINGS[7])
    assert len(batches) == len(batches[0]) == 1
    batches.clear()
    recognizer.predict_number(line([4, 2, 7, "A", 5]))
    images = [image for batch in batches for image in batch]
    assert len(batches) == 2
    assert len(images) == len(set(images)) <= 15


def test_the_least_certain_digit_is_named(recognizer):
    sure = recognizer.predict_number(line([2, 7, 5]))
    assert (sure.verdict, sure.least_certain_index) == ("sure", None)
    assert sure.confidence > 0.9
    found = recognizer.predict_number(line([2, "A", 5]))
    assert found.verdict in ("no digit", "unsure")
    assert found.least_certain_index not in (None, 0, len(found.digits) - 1)


def test_sure_digits_are_a_sure_number_only_if_they_are_surely_divided(recognizer):
    digits = (recognizer.predict_strokes(DRAWINGS[2]), recognizer.predict_strokes(DRAWINGS[7]))
    groups = (((0, 0, 9),), ((1, 0, 9),))
    for probability, verdict in ((1.0, "sure"), (0.85, "unsure")):
        assert Number(digits, groups, (1.0, 1.0), probability).verdict == verdict
    for probability, verdict in ((0.85, "sure"), (0.75, "unsure")):
        assert Number(digits[:1], groups[:1], (1.0,), probability).verdict == verdict
    for index, each in enumerate([(0.9, 1.0), (1.0, 0.9)]):
        assert Number(digits, groups, each, 0.5).least_certain_index == index
    assert Number(digits, groups, (1.0, 1.0), 1.0).least_certain_index is None


@pytest.mark.parametrize("nothing", [[], [[]]])
def test_without_ink_there_is_no_number_and_no_confidence(recognizer, nothing):
    found = recognizer.predict_number(nothing)
    assert (found.number, found.verdict, found.confidence) == ("", "empty", 0)
    assert (str(found), found.least_certain_index) == ("no ink", None)
    assert recognizer.predict_number(nothing, []) == found
    over_http = answer(recognizer, {"strokes": nothing})
    assert (over_http["number"], over_http["confidence"]) == ("", 0)


def test_numbers_print_as_a_line_compare_and_hash(recognizer):
    found = recognizer.predict_number(line([4, 2]))
    assert str(found).startswith("42 (") and str(found).endswith(" %, sure)")
    assert repr(found).count("\n") == 0
    again, other = (recognizer.predict_number(line([4, digit])) for digit in (2, 7))
    assert found == again and hash(found) == hash(again)
    assert len({found, again, other}) == 2


def test_words_are_no_sure_numbers(recognizer):
    words = ["AHE", "Khe", "MRe", "he", "HA"]
    assert "sure" not in [recognizer.predict_number(line(word)).verdict for word in words]


def test_a_person_may_join_and_split(recognizer):
    strokes = line([4, 2])
    joined = recognizer.predict_number(strokes, [[(0, 0, 3), (1, 0, 2), (2, 0, 27)]])
    assert len(joined.digits) == 1
    groups = (((0, 0, 3), (1, 0, 2)), ((2, 0, 27),))
    found = recognizer.predict_number(strokes, json.loads(json.dumps(groups)))
    assert (found.number, found.groups, found.segmentation_probability) == ("42", groups, 1)


@pytest.mark.parametrize(
    "groups",
    [
        *(7, "one", [], [[]], [[0]], [[[0, 0]]], [[[0, 0, 2]], []], [[[0, 0, 1]]] * 9),
        *([[[0, 0, 3]]], [[[1, 0, 1]]], [[[-1, 0, 1]]], [[[0, -1, 1]]], [[[0, 1, 1]]]),
        [[[0, 0, 1.5]]],
    ],
)
def test_groups_that_are_none_are_refused(recognizer, groups):
    with pytest.raises(UserError, match=r"groups are 1 to 8 lists of \[stroke, from, to\]"):
        recognizer.predict_number([[[0, 0], [0, 9]]], groups)


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


def bars(count: int, apart: float) -> list[np.ndarray]:
    return [np.array([[apart * n, 0], [apart * n, 100]]) for n in range(count)]


def test_spans_hold_up_to_five_pieces_that_lie_near_enough():
    near = numbers.measure(bars(6, 30))  # six of them are 1.5 heights wide, which is not too wide
    assert {stop - first for first, stop in near.spans} == {1, 2, 3, 4, 5}
    assert len(near.spans) == 6 + 5 + 4 + 3 + 2
    wide = numbers.measure(bars(3, 109))  # near enough for two, but three are 2.2 heights wide
    assert {stop - first for first, stop in wide.spans} == {1, 2}
    far = numbers.measure(bars(3, 111))
    assert {stop - first for first, stop in far.spans} == {1}


def test_the_best_division_and_its_probability_worked_by_hand(monkeypatch):
    """Two bars: apart they score a and b, joined c; there are no other divisions."""
    monkeypatch.setattr(numbers, "READING_WEIGHT", 3.0)
    monkeypatch.setattr(numbers, "BOUNDARY_WEIGHTS", np.array([-1.3, 7.6, -4.1, 1.2, -12]))
    two = numbers.measure(bars(2, 40))
    reads = {(0, 1): -0.1, (1, 2): -0.3, (0, 2): -3.9}
    spans, each, both = numbers.divide(two, lambda some: np.array([reads[span] for span in some]))
    # Bars are as high as digits and not too wide. The boundary counts once, where the digits part:
    # -1.3, more 7.6 x 0.4 apart, no cut, and a gap that is the line's mean one: 1.2.
    assert two.span_features.tolist() == [[0, 0, 0]] * 3
    assert two.boundary_features[1] == pytest.approx([1, 0.4, 0, 1, 0])
    parted = 3 * (-0.1 - 0.3) - 1.3 + 7.6 * 0.4 + 1.2
    joined = 3 * -3.9
    probability = 1 / (1 + np.exp(joined - parted))
    assert spans == [(0, 1), (1, 2)]
    assert each == pytest.approx([probability] * 2)
    assert both == pytest.approx(probability)


def test_features_worked_by_hand():
    """A 1 of height 100, a bar drawn before and after it, and a comma."""
    strokes = [np.array([[0, 0], [0, 100]]), *bars(1, 0), np.array([[40, 100], [40, 110]])]
    strokes[1] = np.array([[100.0, 0], [100, 100]])
    strokes.append(np.array([[-5.0, 50], [5, 50]]))
    line = numbers.measure([stroke.astype(float) for stroke in strokes])
    assert [piece[0] for piece in line.pieces] == [0, 3, 2, 1]
    first, crossed = line.spans.index((0, 1)), line.spans.index((0, 2))
    assert line.span_features[first].tolist() == [0, 0, 0]
    assert line.span_features[crossed].tolist() == [0, 0, 1]  # others were drawn in between
    low = line.span_features[line.spans.index((2, 3))]
    assert low == pytest.approx([np.log(0.9 / 0.1), 0, 0])
    assert line.mark_features == {1: [1, 0.1, 0], 2: [1, 0, pytest.approx(0.1)]}
