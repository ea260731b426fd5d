"""Augmentation changes every image in its own way and leaves digits readable."""

import pytest
import torch

from mnist_core.network.weights import load
from mnist_core.training.augment import augment
from mnist_core.training.trainer import evaluate
from tests.conftest import ROOT


def changed(images: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return augment(images, torch.Generator().manual_seed(seed))


def test_each_copy_of_an_image_is_changed_differently(mnist):
    copies = changed(mnist[0][:1].expand(50, 28, 28))
    assert copies.shape == (50, 28, 28)
    assert copies.dtype == torch.float32
    assert len(copies.unique(dim=0)) == 50


def test_grey_values_stay_in_range_and_ink_stays_ink(mnist):
    images = mnist[0][:500]
    copies = changed(images)
    assert copies.min() >= 0
    assert copies.max() <= 255.01  # rounding
    assert copies.sum() == pytest.approx(images.sum().item(), rel=0.15)


def test_the_seed_decides(mnist):
    images = mnist[0][:20]
    assert torch.equal(changed(images), changed(images))
    assert not torch.equal(changed(images), changed(images, seed=1))


def test_nothing_comes_of_nothing():
    assert not changed(torch.zeros(5, 28, 28, dtype=torch.uint8)).any()


def test_changed_digits_can_still_be_read(mnist):
    model, _ = load(ROOT / "weights")
    _, accuracy = evaluate(model, (changed(mnist[0][:3000]), mnist[1][:3000]))
    assert accuracy > 0.97
