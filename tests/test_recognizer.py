"""The shipped network reads drawings and pictures."""

import numpy as np
import pytest

from mnist_core import Recognizer
from mnist_core.data import load_mnist
from mnist_core.training import evaluate
from mnist_core.weights import load
from tests.conftest import ROOT
from tests.drawings import DRAWINGS


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


def test_pictures_are_read(recognizer, mnist):
    images, labels = mnist[0][:300].numpy(), mnist[1][:300].numpy()
    digits = [recognizer.predict_image(255 - image).digit for image in images]
    assert np.mean(digits == labels) > 0.9


@pytest.mark.parametrize("nothing", [[], [[]]])
def test_no_ink_is_no_guess(recognizer, nothing):
    prediction = recognizer.predict_strokes(nothing)
    assert prediction.digit is None
    assert prediction.probabilities.tolist() == pytest.approx([0.1] * 10)
    assert recognizer.predict_image(np.zeros((28, 28), np.uint8)).digit is None


def test_bad_input_never_reaches_the_network(recognizer):
    with pytest.raises(ValueError, match="a drawing is"):
        recognizer.predict_strokes("7")
    with pytest.raises(ValueError, match="expected a PIL image"):
        recognizer.predict_image("7")


def test_a_missing_network_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="Train a network with"):
        Recognizer.load(tmp_path / "none")


def test_the_shipped_network_scores_what_its_card_says():
    model, config = load(ROOT / "weights")
    _, accuracy = evaluate(model, load_mnist(ROOT / "data", train=False))
    assert accuracy > 0.95
    assert accuracy == pytest.approx(config["provenance"]["scores"]["test_accuracy"], abs=2e-4)
