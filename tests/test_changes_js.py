"""What would make a drawing another digit, and why it is this one, in Node.js."""

import copy
import gzip
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from experiments.page_images import FILE
from mnist_core.drawing.framing import to_input
from mnist_core.network.quantize import browser_file
from tests.drawings import DRAWINGS, examples

READ = """import { findChanges } from "./ui/recognizer/changes.js";
    import { frameStrokes } from "./ui/recognizer/framing.js";
    import { nearestImages, placeAll, unpackImages } from "./ui/recognizer/images.js";
    import { forward, logProbabilities, readNetwork } from "./ui/recognizer/network.js";
    import { predictNumber } from "./ui/recognizer/numbers.js";
    import { attribute, weighPieces } from "./ui/recognizer/reasons.js";
    import { predictStrokes } from "./ui/recognizer/recognizer.js";
    const network = readNetwork(new Uint8Array(readFileSync("%s")).buffer);
    const finish = (work) => {
        for (;;) { const { done, value } = work.next(); if (done) return value; }
    };"""
EXAMPLES = [example["strokes"] for example in examples()]
OPEN_FOUR = [
    [[420, 150], [360, 350], [300, 550], [450, 560], [600, 570]],
    [[680, 300], [660, 500], [630, 850]],
]


@pytest.fixture(scope="module")
def ask(node, recognizer, tmp_path_factory):
    """Runs a JavaScript function on each of `cases`; `network` is the shipped one."""
    file = tmp_path_factory.mktemp("network") / "network.bin"
    file.write_bytes(browser_file(recognizer.model, recognizer.config))
    return lambda script, cases: node(READ % file, script, cases)


def test_a_change_keeps_its_promise(ask):
    """Applied and read as any drawing, it is the digit that was promised, as surely."""
    script = """(strokes) => {
        const before = JSON.stringify(strokes);
        const found = finish(findChanges(network, strokes));
        const read = found.map((change) => change && predictNumber(network, change.strokes));
        return [found, read, JSON.stringify(strokes) === before];
    }"""
    for found, read, is_unchanged in ask(script, [OPEN_FOUR, *EXAMPLES[:3]]):
        assert is_unchanged
        assert any(found)
        for digit, change in enumerate(found):
            if change is None:
                continue
            (answer,) = read[digit]["digits"]
            assert change["digit"] == answer["digit"] == digit
            assert change["confidence"] == answer["confidence"] >= 0.6
            assert change["isSure"] == (answer["verdict"] == "sure")
            assert all(float(x).is_integer() for s in change["strokes"] for p in s for x in p)
            assert (change["line"] is None) == bool(change["removed"])


def test_a_bar_over_an_open_four_makes_a_nine(ask):
    (changes,) = ask("(s) => finish(findChanges(network, s))", [OPEN_FOUR])
    (x, y), (to_x, to_y) = sorted(changes[9]["line"])
    assert (x, to_x) == pytest.approx((420, 680), abs=90)
    assert (y, to_y) == pytest.approx((150, 300), abs=90)


def test_few_lines_touch_no_ink(ask):
    cases = [DRAWINGS[digit] for digit in (0, 1, 3, 5, 7)]
    cases = [[[[1000 * x, 1000 * y] for x, y in s] for s in strokes] for strokes in cases]
    gaps = []
    for strokes, changes in zip(
        cases, ask("(s) => finish(findChanges(network, s))", cases), strict=True
    ):
        ink = np.concatenate([np.linspace(a, b, 50) for s in strokes for a, b in pairwise(s)])
        for change in filter(None, changes):
            if change["line"]:
                line = np.linspace(*change["line"], 50)
                gaps.append(np.hypot(*(line[:, None] - ink[None]).transpose(2, 0, 1)).min())
    assert len(gaps) > 5
    assert np.mean(np.array(gaps) < 60) > 0.8  # units of the paper: about the pen's width


def test_nothing_is_found_on_blank_paper_or_for_a_point(ask):
    script = "(strokes) => finish(findChanges(network, strokes))"
    assert ask(script, [[], [[[500, 500]]]]) == [[None] * 10] * 2


def test_the_pieces_are_the_drawing_and_a_lost_lead_is_another_answer(ask):
    script = """(strokes) => {
        const { digit, runner_up } = predictStrokes(network, strokes);
        const pieces = finish(weighPieces(network, strokes, digit, runner_up));
        return [digit, runner_up, pieces];
    }"""
    cases = [OPEN_FOUR, *EXAMPLES[:4]]
    for (digit, _, pieces), strokes in zip(ask(script, cases), cases, strict=True):
        assert len(pieces) == 12
        length = sum(math.dist(a, b) for s in strokes for a, b in pairwise(s))
        drawn = [stroke for piece in pieces for stroke in piece["strokes"]]
        assert sum(math.dist(a, b) for s in drawn for a, b in pairwise(s)) == pytest.approx(
            length, rel=0.02
        )
        for piece in pieces:
            if piece["share"] > 1.001:
                assert piece["answer"]["digit"] != digit


def test_what_the_pixels_add_sums_up_to_the_log_odds(ask):
    script = """(strokes) => {
        const { pixels, digit, runner_up } = predictStrokes(network, strokes);
        const scores = logProbabilities(network, pixels);
        const odds = scores[digit] - scores[runner_up];
        return [odds, attribute(network, pixels, digit, runner_up, 16)];
    }"""
    for odds, found in ask(script, [OPEN_FOUR, *EXAMPLES[:6]]):
        total = math.fsum(found["contributions"])
        assert found["odds"] == pytest.approx(odds, abs=1e-9)
        assert total + found["blank"] + found["rest"] == pytest.approx(odds, abs=1e-9)
        assert abs(found["rest"]) < 0.2 * abs(odds - found["blank"])
        assert abs(found["blank"]) < 3


def test_slopes_and_sums_are_those_of_pytorch(ask, recognizer):
    """Also against the nine others together, for which `other` is null."""
    script = """([strokes, digit, other]) => {
        const pixels = frameStrokes(strokes);
        const { slopes, contributions } = attribute(network, pixels, digit, other, 4);
        return [[...pixels], [...slopes], contributions];
    }"""
    cases = [(OPEN_FOUR, 4, 9), (DRAWINGS[7], 7, 1), (DRAWINGS[3], 3, None)]
    model = copy.deepcopy(recognizer.model.layers).double()
    for (pixels, slopes, parts), (_, digit, other) in zip(ask(script, cases), cases, strict=True):
        inputs = to_input(torch.tensor([pixels], dtype=torch.uint8)).double()

        def gradient(share, digit=digit, other=other, inputs=inputs):
            at = (share * inputs).requires_grad_()
            scores = model(at)[0]
            others = [d for d in range(10) if d != digit] if other is None else [other]
            (slope,) = torch.autograd.grad(scores[digit] - scores[others].mean(), at)
            return slope[0]

        mean = sum(gradient((point + 0.5) / 4) for point in range(4)) / 4
        assert np.allclose(slopes, gradient(1), atol=1e-3)
        assert np.allclose(parts, mean * inputs[0], atol=0.05)


def test_the_nearest_image_of_an_image_is_itself(ask):
    script = """(levels) => {
        const { images, labels } = unpackImages(Uint8Array.from(levels));
        const places = finish(placeAll(network, images));
        return [[...images.subarray(1000, 1002)], [...labels],
            nearestImages(network, images.subarray(784, 1568), places, 2)];
    }"""
    content = gzip.decompress(FILE.read_bytes())
    levels = [*content[: 3 * 392], 4, 5, 6]
    ((grey, labels, nearest),) = ask(script, [levels])
    assert grey == [17 * (levels[500] >> 4), 17 * (levels[500] & 15)]
    assert labels == [4, 5, 6]
    assert nearest[0] == 1
    assert len(set(nearest)) == 2
