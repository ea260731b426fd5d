"""Training with rounded weights: what the loss sees, what moves, and what it is good for."""

import dataclasses

import torch

from experiments.common import first
from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training.data import load_mnist
from mnist_core.training.recipes import Recipe
from mnist_core.training.rounding import WeightRounding
from mnist_core.training.trainer import Trainer, evaluate
from tests.conftest import ROOT

RECIPE = Recipe((24,), 8, 64, 0.01, one_cycle=True, batch_norm=True, bits=3)


def test_the_loss_is_of_rounded_weights_and_the_step_of_exact_ones():
    torch.manual_seed(0)
    model = MLP((6,))
    layer, inputs = model.layers[0], torch.rand(4, 784)
    exact = layer.weight.detach().clone()
    rounded = quantize(model, 4)
    with WeightRounding(model, 4).applied():
        assert torch.equal(layer.weight, rounded.layers[0].weight)
        model.layers(inputs).square().mean().backward()
    assert torch.equal(layer.weight, exact)
    rounded.layers(inputs).square().mean().backward()
    assert torch.equal(layer.weight.grad, rounded.layers[0].weight.grad)


def test_a_network_that_is_trained_rounded_loses_less_by_rounding():
    images = first(load_mnist(ROOT / "data", train=True), 2000)
    losses = []
    for bits in (8, 3):
        torch.manual_seed(0)
        recipe = dataclasses.replace(RECIPE, bits=bits)
        model, generator = MLP(recipe.hidden, batch_norm=True), torch.Generator().manual_seed(0)
        trainer = Trainer(model, images, recipe, generator)
        list(trainer.fit(images))
        losses.append(evaluate(quantize(trainer.ema_model.fused(), 3), images)[0])
    assert losses[1] < 0.9 * losses[0]
    assert evaluate(trainer.network(), images)[0] == losses[1]
