"""Negatives of all kinds are in the network's format, and it is unsure of them."""

import numpy as np
import torch

from mnist_core.training.negatives import make_negatives


def make(count: int, digits: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return make_negatives(count, digits, torch.Generator().manual_seed(seed))


def test_they_are_images_in_the_frame_and_the_seed_decides(mnist):
    images = make(60, mnist[0][:100])
    assert images.shape == (60, 28, 28)
    assert images.dtype == torch.uint8
    assert all(image.any() for image in images)
    assert torch.equal(images, make(60, mnist[0][:100]))
    assert not torch.equal(images, make(60, mnist[0][:100], seed=1))


def test_the_shipped_network_sees_that_they_are_no_digits(recognizer, mnist):
    answers = [recognizer.predict_pixels(image) for image in make(300, mnist[0], seed=7).numpy()]
    refused = [answer.verdict == "no digit" for answer in answers]
    assert np.mean(refused) > 0.9
    assert np.mean([answer.confidence > 0.99 for answer in answers]) < 0.05
