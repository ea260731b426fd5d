"""The shipped network reads drawings and pictures."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_core import Recognizer
from mnist_core.errors import UserError
from mnist_core.network.weights import load
from mnist_core.training import styles
from mnist_core.training.data import load_mnist
from mnist_core.training.trainer import evaluate
from tests.conftest import ROOT
from tests.drawings import ALL_DIGITS, DRAWINGS, LETTERS


@pytest.mark.parametrize("digit", DRAWINGS)
def test_a_drawn_digit_is_read(recognizer, digit):
    prediction = recognizer.predict_strokes(DRAWINGS[digit])
    assert prediction.digit == digit
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.dtype == np.float32
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert prediction.confidence == prediction.probabilities[digit]
    assert prediction.pixels.shape == (28, 28)
    assert prediction.pixels.dtype == np.uint8


@pytest.mark.parametrize("digit", styles.HABITS)
def test_other_hands_are_read(recognizer, digit, monkeypatch):
    """Slashed and barred zeros, ones with an upstroke, sevens with a bar and the like."""
    monkeypatch.setattr(styles, "SHARES", {digit: 1})
    hands = restyled(recognizer, ALL_DIGITS[digit], digit, 100)
    assert np.mean([hand.digit == digit for hand in hands]) >= 0.9


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_that_is_negative_is_no_sure_one(recognizer, letter):
    hands = restyled(recognizer, LETTERS[letter], None, 20)
    assert [hand.verdict for hand in hands].count("sure") <= 1


def restyled(recognizer, strokes, label, count):
    """What is read in a drawing by `count` other hands."""
    random = np.random.default_rng(0)
    strokes = [np.array(stroke) for stroke in strokes]
    hands = [styles.restyle(strokes, label, random) for _ in range(count)]
    return [recognizer.predict_strokes([stroke.tolist() for stroke in hand]) for hand in hands]


def test_pictures_are_read(recognizer, mnist):
    images, labels = mnist[0][:300].numpy(), mnist[1][:300].numpy()
    digits = [recognizer.predict_image(255 - image).digit for image in images]
    assert np.mean(digits == labels) > 0.9


def test_pictures_come_as_files_and_as_tensors(recognizer, mnist, tmp_path):
    image = mnist[0][0]
    Image.fromarray(image.numpy()).save(tmp_path / "5.png")
    expected = recognizer.predict_image(image.numpy())
    for same in (str(tmp_path / "5.png"), image, image[None], image / 255, image.expand(3, 28, 28)):
        found = recognizer.predict_image(same)
        assert np.array_equal(found.pixels, expected.pixels)
        assert (found.digit, found.verdict) == (5, expected.verdict)


def test_many_are_read_as_one_by_one(recognizer, mnist, monkeypatch):
    monkeypatch.setattr("mnist_core.recognizer.BATCH", 4)
    drawings = [*DRAWINGS.values(), []]
    images = [*mnist[0][:5].numpy(), np.zeros((28, 28), np.uint8)]
    many = recognizer.predict_drawings(iter(drawings)) + recognizer.predict_images(images)
    single = [*map(recognizer.predict_strokes, drawings), *map(recognizer.predict_image, images)]
    assert [(one.digit, one.verdict) for one in many] == [(o.digit, o.verdict) for o in single]
    for one, other in zip(many, single, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    assert recognizer.predict_drawings([]) == []


def test_a_prediction_is_a_line(recognizer):
    assert re.fullmatch(r"7 \(\d+\.\d %, sure\)", str(recognizer.predict_strokes(DRAWINGS[7])))
    assert str(recognizer.predict_strokes([])) == "no ink"


@pytest.mark.parametrize("nothing", [[], [[]]])
def test_no_ink_is_no_guess(recognizer, nothing):
    prediction = recognizer.predict_strokes(nothing)
    assert prediction.digit is None
    assert prediction.probabilities.tolist() == pytest.approx([0.1] * 10)
    assert recognizer.predict_image(np.zeros((28, 28), np.uint8)).digit is None


def test_bad_input_never_reaches_the_network(recognizer):
    with pytest.raises(UserError, match="a drawing is"):
        recognizer.predict_strokes("7")
    with pytest.raises(UserError, match="expected a PIL image"):
        recognizer.predict_image(7)
    with pytest.raises(UserError, match=r"there is no picture 7\.png"):
        recognizer.predict_image("7.png")
    for wrong in (torch.full((28, 28), 2.0), torch.full((28, 28), torch.nan)):
        with pytest.raises(UserError, match="0 to 1"):
            recognizer.predict_image(wrong)
    with pytest.raises(UserError, match="drawing 2: a drawing is"):
        recognizer.predict_drawings([DRAWINGS[1], "7"])


def test_a_missing_network_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match="Train a network"):
        Recognizer.load(tmp_path / "none")


def test_the_shipped_network_scores_what_its_card_says():
    model, config = load(ROOT / "weights")
    _, accuracy = evaluate(model, load_mnist(ROOT / "data", train=False))
    assert accuracy > 0.95
    assert accuracy == pytest.approx(config["provenance"]["scores"]["test_accuracy"], abs=2e-4)
