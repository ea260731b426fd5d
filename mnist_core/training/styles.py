"""Draw a drawing again as another hand might: other habits, another slant, other corners.

What augmentation can't do to pixels is done here to strokes. First a habit of some people who
write that digit: a slash or a flourish on a zero, a flag and a foot on a one, the arm of a four,
the roof, bar and tail of a seven. Then, for every drawing, corners, tremor, the aim and the ends of
strokes, slant and proportions. No change may make a digit that a person would read as another;
docs/styles.png shows each. `one_or_seven` alone is ambiguous, and is trained as such.
"""

from collections.abc import Callable

import numpy as np

Strokes = list[np.ndarray]  # (n, 2) each, y growing downwards
Change = Callable[[Strokes, np.random.Generator], Strokes]
SPACING = 0.03  # between the points of a stroke, where the drawing's longer side is 1

# How often a digit that can have it gets its habit.
SHARES = {0: 0.55, 1: 0.5, 3: 0.1, 4: 0.5, 5: 0.4, 6: 0.35, 7: 0.5, 9: 0.45}


def restyle(strokes: Strokes, label: int | None, random: np.random.Generator) -> Strokes:
    """The drawing of a digit, or of a letter where `label` is None, in another hand."""
    strokes = normalise(strokes)
    if random.random() < SHARES.get(label, 0):
        strokes = HABITS[label](strokes, random)
    for change, share in CHANGES.items():
        if random.random() < share:
            strokes = change(strokes, random)
    return stretch(strokes, random)


def normalise(strokes: Strokes) -> Strokes:
    """The strokes from 0 to 1 in the longer direction, points SPACING apart."""
    points = np.concatenate(strokes)
    low = points.min(0)
    extent = max(float((points.max(0) - low).max()), 1e-9)
    return [_resample((stroke - low) / extent) for stroke in strokes]


def _resample(stroke: np.ndarray, count: int | None = None) -> np.ndarray:
    """`count` points evenly along `stroke`; without it, as many as lie SPACING apart."""
    travelled = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    count = count or 2 + int(travelled[-1] / SPACING)
    at = np.linspace(0, travelled[-1], count)
    return np.stack([np.interp(at, travelled, axis) for axis in stroke.T], axis=1)


def _line(start: np.ndarray, end: np.ndarray, bend: float = 0.0) -> np.ndarray:
    """A stroke from `start` to `end`, bent sideways by `bend` of its length in the middle."""
    at = np.linspace(0, 1, 12)[:, None]
    across = np.array([start[1] - end[1], end[0] - start[0]])
    return start + at * (end - start) + 4 * bend * at * (1 - at) * across


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _is_straight(stroke: np.ndarray) -> bool:
    """Whether all of it is near the line between its ends."""
    along = stroke[-1] - stroke[0]
    away = stroke - stroke[0]
    return bool(np.abs(away @ [along[1], -along[0]]).max() < 0.06 * max(along @ along, 1e-9) ** 0.5)


def _box(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """Middle and size of the drawing, (2,) each."""
    points = np.concatenate(strokes)
    return (points.max(0) + points.min(0)) / 2, np.ptp(points, axis=0)


def _towards(start: np.ndarray, end: np.ndarray, share: float, bend: float) -> np.ndarray:
    """A stroke from `start` for `share` of the way to `end`, bent."""
    return _line(start, start + share * (end - start), bend)


# Habits ----------------------------------------------------------------------


def change_zero(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A slash, or a flourish."""
    return (slash_zero if random.random() < 0.75 else flourish_zero)(strokes, random)


def flourish_zero(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A loop that begins outside, or ends inside."""
    if len(strokes) > 1:
        return strokes
    loop, (middle, size) = strokes[0], _box(strokes)
    if random.random() < 0.5:
        far = loop[0] + size * (random.uniform(-0.35, 0.35), random.uniform(-0.35, 0.05))
        return [np.concatenate([_line(far, loop[0], random.normal(0, 0.2)), loop])]
    inwards = _towards(loop[-1], middle, random.uniform(0.3, 0.9), random.normal(0, 0.2))
    return [np.concatenate([loop, inwards[1:]])]


def slash_zero(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A slash or a bar: inside, from edge to edge or beyond, from either side, maybe unlifted."""
    middle, size = _box(strokes)
    if len(strokes) > 1 or size.min() < 0.35:
        return strokes
    middle = middle + random.normal(0, 0.07, 2) * size
    if random.random() < 0.15:  # from the loop's end, without lifting
        end = strokes[0][-1]
        beyond = end + (middle - end) * random.uniform(1.3, 2.5)
        return [np.concatenate([strokes[0], _line(end, beyond, random.normal(0, 0.1))[1:]])]
    level = random.random() < 0.2 and 0.5 < size[0] < 1.1 * size[1]  # in others it makes an 8
    steep = random.uniform(-15, 15) if level else random.uniform(20, 90)
    angle = np.radians(steep if random.random() < 0.8 else 180 - steep)
    along = np.array([np.cos(angle), -np.sin(angle)])
    radius = 0.5 / np.hypot(*(along / size))  # of the ellipse, this way
    longest = 2.4 if steep > 35 else 1.7
    reach = random.uniform(0.6, longest) * random.uniform(0.85, 1.15, 2)  # alike: no 6's tail, no Q
    start, end = middle + np.outer([-1, 1] * reach, along * radius)
    slash = _line(start, end, random.normal(0, 0.06))
    return [*strokes, slash if random.random() < 0.5 else slash[::-1]]


def flag_one(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """An upstroke before the stem or after it, a foot, or some of them, on a one that is a line."""
    if not _is_plain_one(strokes):
        return strokes
    stem = _downwards(strokes[0])
    if random.random() < 0.25:  # towards the next digit
        up = (stem[0] - stem[-1]) @ _turn(np.radians(random.uniform(10, 40)))
        hook = _towards(stem[-1], stem[-1] + up, random.uniform(0.1, 0.6), random.normal(0, 0.06))
        return [np.concatenate([stem, hook[1:]])]
    top, bottom = stem[0], stem[-1]
    foot = random.random() < 0.4
    drawn = [stem]
    # To the left of the stem. A level flag makes a seven, but for a serif above a foot; the
    # longest are upstrokes that make a narrow v turned over.
    flat, longest = (75, 0.3) if foot else (55, 0.6)
    degrees = random.uniform(20, flat) if random.random() < 0.75 else random.uniform(8, 22)
    out = (bottom - top) @ _turn(np.radians(degrees))
    if (foot or out[1] > 0.6 * abs(out[0])) and random.random() < 0.8:
        length = random.uniform(0.15, longest) if degrees > 22 else random.uniform(0.4, 0.95)
        flag = _line(top + out * length, top, random.normal(0, 0.06))
        drawn = [np.concatenate([flag, stem])] if random.random() < 0.8 else [flag, stem]
    if foot:
        left, right = random.uniform(0.12, 0.35, 2)
        ends = np.stack([[-left, right], random.normal(0, 0.04, 2)], axis=1)
        drawn.append(_line(*(bottom + ends), random.normal(0, 0.03)))
    return drawn


def one_or_seven(strokes: Strokes, random: np.random.Generator) -> Strokes | None:
    """A plain one with a flag as flat as a seven's roof and no foot; None for another drawing."""
    if not _is_plain_one(strokes := normalise(strokes)):
        return None
    stem = _downwards(strokes[0])
    out = (stem[-1] - stem[0]) @ _turn(np.radians(random.uniform(42, 66)))
    flag = _line(stem[0] + out * random.uniform(0.25, 0.45), stem[0], random.normal(0, 0.06))
    return stretch([np.concatenate([flag, stem])], random)


def _is_plain_one(strokes: Strokes) -> bool:
    return len(strokes) == 1 and _is_straight(strokes[0]) and np.ptp(strokes[0][:, 1]) >= 0.8


def _downwards(stroke: np.ndarray) -> np.ndarray:
    return stroke if stroke[0, 1] < stroke[-1, 1] else stroke[::-1]


def close_three(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """The lower bow's end curled inwards."""
    end = strokes[-1][-1]
    if len(strokes) > 1 or end[1] < 0.6 or end[0] > _box(strokes)[0][0]:
        return strokes
    inside = np.array([end[0] + random.uniform(0.15, 0.35), end[1] - random.uniform(0.12, 0.3)])
    curl = _line(end, inside, -random.uniform(0.1, 0.3))
    return [np.concatenate([strokes[0], curl[1:]])]


def move_four(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A four of two strokes, its top closed, open or in between; low armed; or in one stroke."""
    if len(strokes) != 2 or len(strokes[0]) < 8:
        return strokes
    first, stem = strokes
    corner = int(first[:, 0].argmin())  # where the first stroke turns to the right
    if corner < 3 or first[0, 1] > 0.4 or stem[0, 1] > 0.5:
        return strokes
    fading = np.clip(1 - np.arange(len(first)) / corner, 0, 1)[:, None]
    if random.random() < 0.12:  # an arm on the right that rises little above the bar
        bottom, bar = stem[:, 1].max(), first[corner:, 1].mean()
        rise = random.uniform(0.15, 0.35) + max(bottom - bar, 0)
        size = np.array([1, min(rise / np.ptp(stem[:, 1]), 1)])
        stem = (stem - [0, bottom]) * size + [0, bottom]
    elif random.random() < 0.5:
        # Closed, a round one would be a nine.
        straight = _is_straight(first[: corner + 1]) and _is_straight(first[corner:])
        most = 1.05 if straight else 0.4
        first = first + fading * (stem[0] - first[0]) * random.uniform(-0.25, most)
    else:
        first = first.copy()
        first[:corner] = first[corner] + random.uniform(0.3, 0.7) * (first[:corner] - first[corner])
    if random.random() < 0.3 and first[-1, 0] > stem[:, 0].mean() - 0.1:
        back = _line(first[-1], stem[0], random.normal(0, 0.06))
        return [np.concatenate([first, back[1:], stem[1:]])]
    return [first, stem]


def late_roof(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """The roof of a five as a stroke of its own, drawn after the rest, which it may miss.

    Or the five in one line like an s, where it was one line.
    """
    if len(strokes) == 1:
        if random.random() < 0.4:
            return _smoothed(strokes, int(random.integers(3, 7)))
        stroke = strokes[0]
        corner = int(stroke[: len(stroke) // 2].sum(1).argmin())
        if corner < 4 or np.ptp(stroke[:corner, 1]) > 0.25:
            return strokes
        strokes = [stroke[corner:], stroke[: corner + 1]]
    if len(strokes) != 2:
        return strokes
    body, roof = sorted(strokes, key=len, reverse=True)
    middle = roof.mean(0)
    roof = (roof - middle) @ _turn(random.normal(0, 0.12)) * random.uniform(0.8, 1.25)
    return [body, middle + roof + random.normal(0, 0.05, 2)]


def cross_seven(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A bar across the stem of a seven that has none."""
    if len(strokes) > 1 or strokes[0][0, 1] > 0.25:  # with a long serif it would be a nine
        return strokes
    stroke = strokes[0]
    width, height = _box(strokes)[1]
    level = stroke[:, 1].min() + height * random.uniform(0.46, 0.76)
    low = stroke[len(stroke) // 2 :]
    place = low[np.abs(low[:, 1] - level).argmin()]
    if abs(place[1] - level) > 0.1:
        return strokes
    half = np.array([width * random.uniform(0.25, 0.45), random.normal(-0.03, 0.05)])
    place = place + np.array([random.normal(0, 0.04), 0])
    bar = _line(place - half, place + half, random.normal(0, 0.08))
    if random.random() < 0.15:  # in a curl from the stem's end, without lifting
        back = _line(stroke[-1], bar[0], random.uniform(0, 0.3))
        return [np.concatenate([stroke, back, bar])]
    return [stroke, bar]


def change_six(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """The loop open, as its end is missing, and maybe low."""
    stroke = strokes[0]
    bottom = int(stroke[:, 1].argmax())
    if len(strokes) > 1 or bottom < 6 or len(stroke) - bottom < 8:
        return strokes
    kept = len(stroke) - int((len(stroke) - bottom) * random.uniform(0, 0.22))
    size = np.ones((kept, 2))
    size[bottom:] = 1 - (1 - random.uniform((0.75, 0.55), 1)) * _ramp(kept - bottom, 6)
    return [stroke[bottom] + (stroke[:kept] - stroke[bottom]) * size]


def change_seven(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A wavy roof, a tail, a bar across the stem, or some of them."""
    stroke = strokes[0]
    corner = int((stroke[:, 0] - stroke[:, 1])[: 2 * len(stroke) // 3].argmax())
    if len(strokes) == 1 and corner > 6 and random.random() < 0.45:
        at = np.linspace(0, 1, corner)
        wave = np.sin(2 * np.pi * at * random.uniform(0.6, 1.4)) * np.sin(np.pi * at) ** 0.5
        stroke = stroke.copy()
        height = random.choice([-1, 1], p=[0.3, 0.7]) * random.uniform(0.03, 0.08)
        stroke[:corner, 1] += height * wave
    elif len(strokes) == 1 and random.random() < 0.2:
        away = np.array([random.uniform(0.06, 0.15), random.uniform(-0.06, 0.03)])
        tail = _line(stroke[-1], stroke[-1] + away, random.uniform(-0.1, 0.2))
        stroke = np.concatenate([stroke, tail[1:]])
    strokes = [stroke, *strokes[1:]]
    return cross_seven(strokes, random) if random.random() < 0.65 else strokes


def change_nine(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A small loop or an open one, a tail curled to the left, or a narrow nine."""
    stroke = strokes[0]
    if len(strokes) > 1 or len(stroke) < 20:
        return strokes
    left = int(stroke[: len(stroke) // 2, 0].argmin())
    back = left + int(stroke[left : 2 * len(stroke) // 3, 0].argmax())  # the loop meets the stem
    if random.random() < 0.5 and back - left > 4:
        size = random.uniform((0.5, 0.6), 1)
        loop = stroke[back] + (stroke[:back] - stroke[back]) * size
        stem = stroke[back:].copy()
        if random.random() < 0.4:  # bowed to the right, as the lower half of a 3
            stem[:, 0] += random.uniform(0.1, 0.4) * np.sin(np.linspace(0, np.pi, len(stem)))
        stroke = np.concatenate([loop, stem])
    elif random.random() < 0.5:
        stroke = stroke[int(random.uniform(0.02, 0.12) * len(stroke)) :]
    if random.random() < 0.35 and stroke[-1, 1] > 0.8:
        away = np.array([-random.uniform(0.15, 0.45), -random.uniform(0, 0.15)])
        curl = _line(stroke[-1], stroke[-1] + away, -random.uniform(0.1, 0.3))
        stroke = np.concatenate([stroke, curl[1:]])
    return [stroke * [random.uniform(0.5, 1), 1]]


def _ramp(count: int, steps: int) -> np.ndarray:
    """(count, 1) from 0 to 1 over `steps` points, then 1."""
    return np.clip(np.arange(count) / steps, 0, 1)[:, None]


HABITS: dict[int, Change] = {
    0: change_zero, 1: flag_one, 3: close_three, 4: move_four,
    5: late_roof, 6: change_six, 7: change_seven, 9: change_nine,
}  # fmt: skip


# Any hand --------------------------------------------------------------------


def round_corners(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Each point the mean of those around it: up to a fifth of the drawing's side."""
    return _smoothed(strokes, int(random.integers(1, 4)))


def _smoothed(strokes: Strokes, reach: int) -> Strokes:
    window = np.ones(2 * reach + 1) / (2 * reach + 1)
    padded = [np.pad(stroke, ((reach, reach), (0, 0)), mode="edge") for stroke in strokes]
    return [
        np.stack([np.convolve(axis, window, "valid") for axis in stroke.T], axis=1)
        for stroke in padded
    ]


def sharpen_corners(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Straight lines between points that are far from each other."""
    apart = random.uniform(0.12, 0.22)
    counts = [2 + int(len(stroke) * SPACING / apart) for stroke in strokes]
    return [_resample(_resample(*pair)) for pair in zip(strokes, counts, strict=True)]


def tremble(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """A hand that isn't steady, or a finger: slow waves across the stroke."""
    amount, every = random.uniform(0.005, 0.02), int(random.integers(3, 9))
    shaken = []
    for stroke in strokes:
        knots = np.arange(0, len(stroke) + every, every)
        noise = random.normal(0, amount, (2, len(knots)))
        wave = [np.interp(np.arange(len(stroke)), knots, axis) for axis in noise]
        shaken.append(stroke + np.stack(wave, axis=1))
    return shaken


def coarsen(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """The steps of a tablet that knows few places."""
    places = random.uniform(12, 40)
    return [np.round(stroke * places) / places for stroke in strokes]


def miss(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Each stroke after the first a little beside where it was meant to be, or longer."""
    moved = strokes[:1]
    for stroke in strokes[1:]:
        middle = stroke.mean(0)
        size = random.normal(1, 0.08, 2)
        moved.append(middle + (stroke - middle) * size + random.normal(0, 0.03, 2))
    return moved


def cut_ends(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Begun late or lifted early, as where a screen misses the first touch."""
    kept = []
    for stroke in strokes:
        start, end = (random.uniform(0, 0.07, 2) * len(stroke)).astype(int)
        kept.append(stroke[start : len(stroke) - end])
    return kept


def stretch(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Slant, width against height and a slight turn of the whole drawing."""
    aspect, slant, turn = random.normal(0, (0.13, 0.18, 0.08))
    slanted = np.array([[np.exp(aspect), 0], [-slant, np.exp(-aspect)]])
    return [stroke @ slanted @ _turn(turn) for stroke in strokes]


CHANGES: dict[Change, float] = {  # and how often each is made
    round_corners: 0.25,
    sharpen_corners: 0.15,
    tremble: 0.3,
    miss: 0.5,
    cut_ends: 0.3,
    coarsen: 0.1,
}
