"""Other hands: each habit makes the digit that it says, and nothing breaks on odd drawings."""

import numpy as np
import pytest

from mnist_core.drawing.framing import frame_strokes
from mnist_core.training import styles
from mnist_core.training.styles import HABITS, normalise, restyle
from tests.drawings import ALL_DIGITS


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(digit: int) -> styles.Strokes:
    return normalise([np.array(stroke) for stroke in ALL_DIGITS[digit]])


def many(digit: int, change: styles.Change | None = None) -> list[styles.Strokes]:
    """200 copies of a digit, each with its habit, or with this change."""
    random, change = chance(), change or HABITS[digit]
    return [change(drawn(digit), random) for _ in range(200)]


def test_a_drawing_is_put_between_0_and_1_whatever_its_unit():
    for unit, place in ((1, 0), (1000, -300), (1e-3, 5)):
        strokes = normalise([np.array([[0, 0], [1, 2.0]]) * unit + place])
        points = np.concatenate(strokes)
        assert points.min(0) == pytest.approx([0, 0])
        assert points.max(0) == pytest.approx([0.5, 1])
        assert np.hypot(*np.diff(points, axis=0).T).max() <= styles.SPACING


def test_the_seed_decides_and_each_copy_is_another():
    a, b, c = (restyle(drawn(4), 4, chance(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(a, b, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(a, c, strict=False))


def test_a_zero_s_slash_crosses_its_middle():
    slashed = many(0, styles.slash_zero)
    parted = [strokes for strokes in slashed if len(strokes) == 2]
    assert 0.7 < len(parted) / len(slashed) < 0.95  # the others were not lifted
    inside = 0
    for loop, slash in parted:
        middle = (loop.min(0) + loop.max(0)) / 2
        assert np.hypot(*(slash - middle).T).min() < 0.32
        inside += bool((slash >= loop.min(0)).all() and (slash <= loop.max(0)).all())
    assert 0.1 < inside / len(parted) < 0.9  # some overshoot


def test_a_narrow_zero_and_one_of_two_strokes_get_no_slash():
    narrow = [stroke * [0.3, 1] for stroke in drawn(0)]
    assert styles.slash_zero(narrow, chance()) is narrow
    halves = [drawn(0)[0][:20], drawn(0)[0][20:]]
    assert HABITS[0](halves, chance()) is halves


def test_a_zero_s_flourish_begins_outside_or_ends_inside():
    (loop,), ends_inside = drawn(0), 0
    for (stroke,) in many(0, styles.flourish_zero):
        if np.array_equal(stroke[: len(loop)], loop):
            ends_inside += 1
            assert np.hypot(*(stroke[-1] - loop.mean(0))) < 0.75 * np.hypot(
                *(loop[-1] - loop.mean(0))
            )
        else:
            assert np.array_equal(stroke[-len(loop) :], loop)
            assert stroke[0, 1] < loop[0, 1] + 0.1
    assert 70 < ends_inside < 130


def test_a_one_gets_an_upstroke_that_no_seven_has_or_a_foot():
    plain, flags, hooks, feet = drawn(1)[0], 0, 0, 0
    for strokes in many(1):
        has_foot = np.ptp(strokes[-1][:, 0]) > 0.2 and strokes[-1][:, 1].min() > 0.8
        feet += has_foot
        first = strokes[0]
        hooks += first[-1, 1] < 0.95 and first[-1, 0] > first[:, 0].min()
        if first[0, 1] - first[:, 1].min() > 0.1:  # begins below its top
            left, down = first[11] - first[0]
            assert left > 0
            assert has_foot or -down > 0.6 * left
            flags += 1
    assert flags > 60
    assert 30 < hooks < 100
    assert feet > 50
    level = [plain @ styles._turn(np.radians(75))]
    assert HABITS[1](level, chance()) is level  # it would be no one


def test_only_a_plain_one_might_be_a_seven():
    random = chance()
    for strokes in (styles.one_or_seven(drawn(1), random) for _ in range(50)):
        (stroke,) = strokes
        top = stroke[:15][stroke[:15, 1].argmin()]
        assert stroke[0, 0] < top[0]  # its flag is on the left
        assert np.ptp(stroke[:12, 0]) > 0.12
    assert all(styles.one_or_seven(drawn(digit), random) is None for digit in (2, 4, 7))


def test_a_three_curls_inwards_and_a_six_opens():
    (three,), (six,) = drawn(3), drawn(6)
    for (stroke,) in many(3):
        assert np.array_equal(stroke[: len(three)], three)
        right, up = (stroke[-1] - three[-1]) * [1, -1]
        assert 0.15 <= right <= 0.35
        assert 0.12 <= up <= 0.3
    gaps = [np.hypot(*(stroke[-1] - six[-1])) for (stroke,) in many(6)]
    assert min(gaps) < 0.1
    assert 0.15 < max(gaps) < 0.6


def test_a_nine_is_narrow_or_has_a_small_loop():
    sizes = np.array([np.ptp(stroke, axis=0) for (stroke,) in many(9)])
    width = np.ptp(drawn(9)[0], axis=0)[0]
    assert sizes[:, 0].min() < 0.5 * width
    assert sizes[:, 0].max() > 0.9 * width
    assert np.ptp(drawn(9)[0][:, 1]) - sizes[:, 1].min() > 0.1


def test_a_nine_s_stem_is_bowed_to_the_right():
    right = drawn(9)[0][:, 0].max()
    bowed = [stroke for (stroke,) in many(9) if stroke[:, 0].max() > right + 0.05]
    assert 5 < len(bowed) < 60
    assert all(stroke[:, 0].argmax() > len(stroke) // 3 for stroke in bowed)  # not the loop


def test_fours_are_closed_open_and_in_between():
    fours = many(4)
    of_two = [strokes for strokes in fours if len(strokes) == 2]
    gaps = [np.hypot(*(first[0] - stem[0])) for first, stem in of_two]
    assert min(gaps) < 0.05
    assert max(gaps) > 0.35
    arms = [np.ptp(first[:, 1]) for first, _ in of_two]
    assert min(arms) < 0.5 * max(arms)
    bar, bottom = drawn(4)[0][-1, 1], drawn(4)[1][:, 1].max()
    low = [stem for _, stem in of_two if stem[:, 1].min() > bar - 0.36]
    assert 5 < len(low) < 50  # the right arm rises little above the bar
    assert all(stem[:, 1].min() < bar < bottom - 0.05 < stem[:, 1].max() for stem in low)
    assert 30 < len(fours) - len(of_two) < 100  # in one stroke


def test_a_round_four_is_not_closed_to_a_nine():
    first, stem = drawn(4)
    first = styles._smoothed([first], 6)[0]
    random = chance()
    gap = np.hypot(*(first[0] - stem[0]))
    moved = [HABITS[4]([first, stem], random)[0] for _ in range(200)]
    assert min(np.hypot(*(one[0] - stem[0])) for one in moved) > 0.5 * gap


def test_a_five_is_drawn_in_one_line_or_its_roof_later():
    counts = [len(strokes) for strokes in many(5)]
    assert 0.25 < counts.count(1) / len(counts) < 0.55
    for body, roof in (strokes for strokes in many(5) if len(strokes) == 2):
        assert roof[:, 1].mean() < 0.25 < body[:, 1].mean()


def test_a_seven_is_crossed_once():
    crossed = many(7, styles.cross_seven)
    for strokes in crossed:
        if len(strokes) == 2:
            stem, bar = strokes
            half = stem[len(stem) // 2 :]
            distances = np.hypot(*(half[:, None] - bar[None]).transpose(2, 0, 1))
            assert distances.min() < 0.1
            assert 0.3 < bar[:, 1].mean() < 0.8
            assert styles.cross_seven(strokes, chance()) is strokes
    assert sum(len(strokes) == 2 for strokes in crossed) > 150


def test_a_seven_has_a_wavy_roof_or_a_tail():
    (plain,), waves, tails = drawn(7), 0, 0
    for stroke, *_ in many(7):
        waves += not np.array_equal(stroke[:10], plain[:10])
        tails += len(stroke) > len(plain) and stroke[len(plain), 0] > plain[-1, 0]
        assert np.abs(stroke[:10, 1]).max() < 0.12
    assert 50 < waves < 130
    assert 5 < tails < 50


def test_letters_get_no_digit_s_habit(monkeypatch):
    monkeypatch.setattr(styles, "CHANGES", {})
    for seed in range(50):
        assert len(restyle(drawn(0), None, chance(seed))) == 1
    assert any(len(restyle(drawn(0), 0, chance(seed))) == 2 for seed in range(50))


@pytest.mark.parametrize("change", [*styles.CHANGES, styles.stretch])
def test_a_change_moves_points_but_keeps_the_strokes(change):
    before, random = drawn(4), chance()
    after = change(before, random)
    assert len(after) == len(before)
    assert any(
        a.shape != b.shape or not np.allclose(a, b) for a, b in zip(after, before, strict=True)
    )
    for a, b in zip(after, before, strict=True):
        assert np.abs(a.mean(0) - b.mean(0)).max() < 0.4


@pytest.mark.parametrize("label", [*range(10), None])
@pytest.mark.parametrize(
    "strokes",
    [[[[5, 5]]], [[[0, 0], [0, 0]]], [[[0, 0], [9, 0]]], [[[1, 1]], [[2, 2]], [[3, 1], [3, 1]]]],
)
def test_dots_and_lines_stay_drawings(label, strokes):
    for seed in range(30):
        styled = restyle([np.array(stroke, float) for stroke in strokes], label, chance(seed))
        assert all(len(stroke) and np.isfinite(stroke).all() for stroke in styled)
        assert frame_strokes(styled).any()
