"""The recognizer in JavaScript answers as the one in Python does."""

import base64
import json
import math

import numpy as np
import pytest
import torch

from mnist_core import Recognizer
from mnist_core.drawing.framing import frame_strokes, to_input
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file, quantize
from tests.drawings import CROSSED_ARM, DRAWINGS, HANGING_STEM, WIDE_ZERO, arc, examples

FRAMING = 'import { frameStrokes } from "./ui/recognizer/framing.js";'
READ = """import { forward, logProbabilities } from "./ui/recognizer/network.js";
    import { readNetwork } from "./ui/recognizer/network.js";
    import { predictPixels, predictStrokes } from "./ui/recognizer/recognizer.js";
    const read = (text) => readNetwork(Uint8Array.from(Buffer.from(text, "base64")).buffer);"""
CONFIG = {"name": "0123abcd", "thresholds": {"digit": 0.8, "sure": 0.4}}


# Drawings of all kinds that may come, the same ones each time


def varied(chance: np.random.Generator) -> list:
    """Return real drawings turned, slanted, scaled and shaken, without some of their points."""
    real = [example["strokes"] for example in examples()] + list(DRAWINGS.values())
    drawings = list(real)
    for n in range(60):
        strokes = [np.array(stroke, float) for stroke in real[n % len(real)]]
        size = np.ptp(np.concatenate(strokes), axis=0).max()
        change = (np.eye(2) + chance.normal(0, 0.2, (2, 2))) * chance.uniform(0.3, 3)
        kept = chance.uniform(0.2, 1)
        strokes = [stroke[chance.random(len(stroke)) < kept] for stroke in strokes]
        shake = chance.uniform(0, 0.02) * size
        drawings.append([(s @ change + chance.normal(0, shake, s.shape)).tolist() for s in strokes])
    return drawings


def scribbles(chance: np.random.Generator) -> list:
    """Return whole numbers, as the page has them, on the paper and beyond it."""
    return [
        [
            chance.integers(-300, 1300, (chance.integers(1, 60), 2)).tolist()
            for _ in range(chance.integers(1, 7))
        ]
        for _ in range(30)
    ]


def shapes(chance: np.random.Generator) -> list:
    """Return what lies exactly between two pixels or two grey values, and degenerate shapes."""
    dots = [[[[x, y]]] for x, y in chance.integers(0, 1000, (5, 2)).tolist()]
    dots += [[[[5, 5], [5, 5], [5, 5]]], [[[0, 0]], [[0, 0]]], [[[1, 2]], [], [[3, 4]]]]
    ends = [(0, 100), (100, 100), (100, -100), (70, 10), (1, 1000), (35, 0), (17.5, 0)]
    lines = [[np.linspace((0, 0), end, n).tolist()] for end in ends for n in (2, 36, 71)]
    crosses = [[[[0, 50], [100, 50]], [[50, 0], [50, 100]]], [[[0, 0], [9, 9]], [[9, 0], [0, 9]]]]
    # Centred less far than it asks for, towards each side.
    left = np.array([[[0, y], [4, y]] for y in range(0, 100, 5)] + [[[99, 50], [100, 50]]])
    sides = [side.tolist() for side in (left, 100 - left, left[..., ::-1], 100 - left[..., ::-1])]
    return [*dots, *lines, [arc(500, 500, 300, 200, 15, 375)], *crosses, *sides]


def extremes(chance: np.random.Generator) -> list:
    """Return empty, huge, tiny and clustered drawings, and the longest that are allowed."""
    sizes = [[(chance.uniform(-1, 1, (9, 2)) * 10.0**e).tolist()] for e in range(-19, 7, 2)]
    clustered = [
        [(chance.normal(0, spread, (40, 2)).cumsum(0) + 500).tolist(), [[400, 900]]]
        for spread in (1e-9, 1e-4, 1, 10)
    ]
    far = [[[[1e6, 1e6], [1e6 - 1, 1e6 + 0]]], [[[-1e6, -1e6], [1e6, 1e6]]]]
    many = [
        chance.uniform(0, 1000, (100, 80, 2)).tolist(),
        [chance.normal(0, 2, (8000, 2)).cumsum(0).tolist()],
    ]
    return [[], [[]], [[], []], *sizes, *clustered, *far, *many]


@pytest.fixture(scope="module")
def drawings():
    chance = np.random.default_rng(14)
    return [drawing for kind in (varied, scribbles, shapes, extremes) for drawing in kind(chance)]


def test_a_drawing_gets_the_same_pixels_to_the_bit(node, drawings):
    script = "(s) => [frameStrokes(s), frameStrokes(s, 4.1)].map((p) => [...p])"
    found = np.array(node(FRAMING, script, drawings), np.uint8)
    parsed = list(map(parse_strokes, drawings))
    expected = [[frame_strokes(s), frame_strokes(s, 4.1)] for s in parsed]
    expected = np.array(expected).reshape(found.shape)
    assert np.flatnonzero((found != expected).any((1, 2))).tolist() == []
    assert (expected.any(2).mean(0) > 0.95).all()  # almost all have ink


WRONG = {
    "too far": ([[[1e6 + 1, 0]]], "invalid_strokes"),
    "one number": ([[[1]]], "invalid_strokes"),
    "three": ([[[1, 2, 3]]], "invalid_strokes"),
    "none": ([[[None, 1]]], "invalid_strokes"),
    "text": ([[["1", 2]]], "invalid_strokes"),
    "a point": ([[1, 2]], "invalid_strokes"),
    "infinite": ([[[0, 0]], [[math.inf, 0]]], "invalid_strokes"),
    "NaN": ([[[math.nan, 0], [0, 0]]], "invalid_strokes"),
    "strokes": ([[[0, 0]]] * 101, "too_many_strokes"),
    "points": ([[[0, 0]] * 8001], "too_many_points"),
    "more than a function takes": ([[[0, 0]] * 130_000], "too_many_points"),
}


def test_what_python_refuses_is_refused(node):
    for strokes, _ in WRONG.values():
        with pytest.raises(UserError):
            parse_strokes(strokes)
    # As text: not JSON where a number is not finite, but JavaScript.
    texts = [json.dumps(strokes) for strokes, _ in WRONG.values()]
    script = """(text) => {
        try { frameStrokes(eval(text)); } catch (error) { return [error.name, error.code]; }
    }"""
    found = dict(zip(WRONG, node(FRAMING, script, texts), strict=True))
    assert found == {name: ["RangeError", code] for name, (_, code) in WRONG.items()}


# The network


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def in_node(node, network: bytes, script: str, cases: list, more: str = "") -> list:
    """Return what `script`, a function of `network` and a case, gives for each of `cases`."""
    imports = f"{READ} {more} const networks = [];"
    once = f"(x, i) => i ? ({script})(networks[0], x) : networks.push(read(x))"
    return node(imports, once, [as_text(network), *cases])[1:]


@pytest.fixture(scope="module")
def shipped(recognizer) -> bytes:
    return browser_file(recognizer.model, recognizer.config)


@pytest.fixture(scope="module")
def images(mnist):
    """(270, 784) grey values: MNIST's, noise, and images of a single faint pixel."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randint(256, (40, 28, 28), generator=generator, dtype=torch.uint8)
    faint = torch.eye(784, dtype=torch.uint8)[::26]
    return torch.cat([mnist[0][:200].reshape(-1, 784), noise.reshape(-1, 784), faint])


def test_a_drawing_gets_the_same_prediction(node, recognizer, shipped, drawings):
    script = """(network, strokes) => {
        const prediction = predictStrokes(network, strokes);
        return { ...prediction, pixels: [...prediction.pixels] };
    }"""
    limits = recognizer.config["thresholds"]
    verdicts = set()
    answers = in_node(node, shipped, script, drawings)
    for found, strokes in zip(answers, drawings, strict=True):
        expected = recognizer.predict_strokes(strokes)
        verdicts.add(expected.verdict)
        assert found["network"] == recognizer.name
        assert found["probabilities"] == pytest.approx(expected.probabilities.tolist(), abs=1e-4)
        assert found["confidence"] == pytest.approx(expected.confidence, abs=1e-4)
        third, second, first = np.sort(expected.probabilities)[-3:]
        near = (abs(first + second - limits["digit"]), abs(first - second - limits["sure"]))
        assert found["verdict"] == expected.verdict or min(near) < 1e-4
        assert found["digit"] == expected.digit or first - second < 1e-4
        assert found["runner_up"] == expected.runner_up or second - third < 1e-4
    assert verdicts == {"sure", "unsure", "no digit", "empty"}


def test_a_number_is_divided_and_read_the_same(node, recognizer, shipped, drawings):
    """Single drawings of all kinds, and such drawings beside each other, also overlapping."""
    chance = np.random.default_rng(4)
    papers = [*drawings[::4], WIDE_ZERO, HANGING_STEM, CROSSED_ARM]
    inked = [one for one in drawings[:70] if any(one)]
    for place in range(20):
        row = []
        for k in range(chance.integers(2, 6)):
            strokes = [np.array(s, float) for s in inked[(place * 5 + k) % len(inked)] if len(s)]
            size = max(np.ptp(np.concatenate(strokes), axis=0).max(), 0.1)
            at = [k * chance.uniform(0.7, 1.2), chance.normal(0, 0.1)]
            row += [(stroke / size + at).tolist() for stroke in strokes]
        papers.append(row)
    # Two zeros in one stroke.
    papers.append([[*arc(0, 0, 28, 45, -90, 270), *arc(75, 0, 28, 45, -90, 270)]])
    papers[-1][0][25:25] = [[x, -45] for x in range(8, 70, 6)]
    script = """(network, strokes) => {
        const once = predictNumber(network, strokes, null, known);
        const again = predictNumber(network, strokes, null, known);
        const told = predictNumber(network, strokes, once.groups);
        const same = (other) => other.number === once.number;
        return { ...once, digits: null, same: same(again) && same(told) };
    }"""
    imports = 'import { predictNumber } from "./ui/recognizer/numbers.js"; const known = new Map();'
    answers = in_node(node, shipped, script, papers, imports)
    other = several = 0
    for found, strokes in zip(answers, papers, strict=True):
        expected = recognizer.predict_number(strokes)
        assert found["same"]
        assert found["confidence"] == pytest.approx(expected.confidence, abs=0.02)
        several += len(expected.digits) > 1
        groups = [[list(piece) for piece in group] for group in expected.groups]
        verdicts = (expected.number, groups, expected.verdict, expected.least_certain_index)
        names = ("number", "groups", "verdict", "leastCertain")
        other += tuple(found[name] for name in names) != verdicts
    assert several > 15
    assert other <= 1  # two readings that are as good as each other


@pytest.mark.parametrize("hidden", [(), (5,), (17, 3, 9), "shipped"])
def test_a_network_of_any_shape_gives_the_same_probabilities(node, recognizer, images, hidden):
    if hidden == "shipped":
        model, config = recognizer.model, recognizer.config
    else:
        torch.manual_seed(1)
        model = quantize(MLP(hidden))
        config = CONFIG | {"hidden": list(hidden)}
    script = "(network, pixels) => [network.hidden, [...logProbabilities(network, pixels)]]"
    rows = in_node(node, browser_file(model, config), script, images.tolist())
    assert all(widths == list(model.hidden) for widths, _ in rows)
    found = np.exp([scores for _, scores in rows])
    assert np.allclose(found, model(to_input(images)).exp().detach().numpy(), atol=1e-5)


def test_of_equal_probabilities_the_smaller_digit_leads(node):
    model = MLP((3,))
    for parameter in model.parameters():
        parameter.data.zero_()
    model.layers[-1].bias.data[[2, 6, 7]] = 1
    config = CONFIG | {"hidden": [3]}
    expected = Recognizer(model, config).predict_pixels(np.full((28, 28), 9, np.uint8))
    (found,) = in_node(node, browser_file(model, config), "predictPixels", [[9] * 784])
    assert (found["digit"], found["runner_up"]) == (expected.digit, expected.runner_up) == (2, 6)
    assert found["verdict"] == expected.verdict == "no digit"


def test_a_damaged_file_is_refused(node):
    good = browser_file(quantize(MLP((6, 5))), CONFIG | {"hidden": [6, 5]})
    cut = [good[:length] for length in (0, 3, 8, 12, 15, 16, 60, 200, len(good) - 1)]
    flipped = [
        good[:n] + bytes([good[n] ^ 1 << n % 8]) + good[n + 1 :]
        for n in [*range(0, 30, 3), 100, 1000, len(good) - 1]
    ]
    other = [good + b"\0", good[4:], good.replace(b"bit1", b"bit2"), b"<!doctype html>" * 99]
    script = """(text) => { try { return read(text).name; } catch (error) {
        return error instanceof Error ? "refused" : "thrown"; } }"""
    answers = node(READ, script, [as_text(file) for file in [good, *cut, *flipped, *other]])
    assert answers == ["0123abcd"] + ["refused"] * (len(answers) - 1)
