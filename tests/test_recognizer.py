"""The shipped network reads drawings and pictures."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_core import Prediction
from mnist_core.errors import UserError
from mnist_core.network.weights import load
from mnist_core.training.data import load_mnist
from mnist_core.training.trainer import evaluate
from tests.conftest import ROOT
from tests.drawings import DRAWINGS


def test_drawn_digits_are_read(recognizer):
    for digit, strokes in DRAWINGS.items():
        prediction = recognizer.predict_strokes(strokes)
        assert (prediction.digit, prediction.verdict) == (digit, "sure")
        assert (prediction.probabilities.shape, prediction.probabilities.dtype) == ((10,), "f4")
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert prediction.confidence == prediction.probabilities[digit]
        second = np.delete(prediction.probabilities, digit).max()
        assert prediction.probabilities[prediction.runner_up] == second
        assert (prediction.pixels.shape, prediction.pixels.dtype) == ((28, 28), np.uint8)


def test_pictures_come_as_arrays_files_and_tensors(recognizer, mnist, tmp_path):
    images, labels = mnist[0][:300].numpy(), mnist[1][:300].numpy()
    read = recognizer.predict_images(255 - images)
    assert np.mean([one.digit for one in read] == labels) > 0.9
    image = mnist[0][0]
    Image.fromarray(image.numpy()).save(tmp_path / "5.png")
    for same in (str(tmp_path / "5.png"), image, image[None], image / 255, image.expand(3, 28, 28)):
        found = recognizer.predict_image(same)
        assert np.array_equal(found.pixels, read[0].pixels)
        assert (found.digit, found.verdict) == (5, read[0].verdict)


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


def test_predictions_print_as_a_line_compare_and_hash(recognizer):
    found, again = (recognizer.predict_strokes(DRAWINGS[7]) for _ in range(2))
    assert re.fullmatch(r"7 \(\d+\.\d %, sure\)", str(found))
    assert repr(found) == "Prediction(digit=7, verdict='sure')"
    assert found == again and hash(found) == hash(again)
    shares, pixels = found.probabilities, found.pixels
    for other in [
        Prediction(shares, 1, pixels, "sure"),
        Prediction(shares, 7, pixels, "unsure"),
        Prediction(shares / 2, 7, pixels, "sure"),
        Prediction(shares, 7, 255 - pixels, "sure"),
        7,
    ]:
        assert found != other


def test_no_ink_is_no_guess(recognizer):
    for nothing in (
        recognizer.predict_strokes([[]]),
        recognizer.predict_image(np.ones((9, 9), "B")),
    ):
        assert (nothing.digit, nothing.runner_up, nothing.verdict) == (None, None, "empty")
        assert nothing.probabilities.tolist() == pytest.approx([0.1] * 10)
        assert str(nothing) == "no ink"


def test_bad_input_never_reaches_the_network(recognizer):
    with pytest.raises(UserError, match="a drawing is"):
        recognizer.predict_strokes("7")
    with pytest.raises(UserError, match=r"there is no picture 7\.png"):
        recognizer.predict_image("7.png")
    with pytest.raises(UserError, match="0 to 1"):
        recognizer.predict_image(torch.full((28, 28), 2.0))
    with pytest.raises(UserError, match="drawing 2: a drawing is"):
        recognizer.predict_drawings([DRAWINGS[1], "7"])
    with pytest.raises(UserError, match="picture 2: expected a PIL image"):
        recognizer.predict_images([np.zeros((28, 28), np.uint8), 7])


def test_the_shipped_network_scores_what_its_card_says():
    model, config = load(ROOT / "weights")
    _, accuracy = evaluate(model, load_mnist(ROOT / "data", train=False))
    assert accuracy > 0.95
    assert accuracy == pytest.approx(config["provenance"]["scores"]["test_accuracy"], abs=2e-4)
