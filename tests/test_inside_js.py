"""What the page shows of a network's inside is what PyTorch says of it."""

import numpy as np
import pytest
import torch

from mnist_core.drawing.framing import to_input
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file, quantize
from mnist_core.training.data import load_mnist
from tests.conftest import ROOT
from tests.test_recognizer_js import CONFIG, in_node

UNITS = 'import { effectsOf, ordersOf, pictureOf } from "./ui/recognizer/units.js";'


@pytest.fixture(scope="module")
def images():
    return load_mnist(ROOT / "data", train=False)[0][:60]


@pytest.fixture(scope="module", params=["shipped", "tutorial"])
def network(request, recognizer):
    """A model and its file for browsers."""
    if request.param == "shipped":
        return recognizer.model, browser_file(recognizer.model, recognizer.config)
    torch.manual_seed(2)
    model = quantize(MLP((128, 64)))
    return model, browser_file(model, CONFIG | {"hidden": [128, 64]})


def test_the_steps_from_scores_to_probabilities_are_pythons(node, network, images):
    model, file = network
    script = """(network, pixels) => {
        const { scores } = forward(network, pixels);
        const steps = softmaxOf(scores);
        return { ...steps, logs: [...steps.logs], scores: [...scores] };
    }"""
    steps = 'import { softmaxOf } from "./ui/views/softmax.js";'
    rows = in_node(node, file, script, images.reshape(-1, 784).tolist(), steps)
    scores = model.layers(to_input(images)).detach().double()
    for found, expected in zip(rows, scores, strict=True):
        powers = expected.exp()
        wanted = {
            "scores": expected,
            "powers": powers,
            "shares": powers / powers.sum(),
            "logs": expected.log_softmax(0),
        }
        for name, values in wanted.items():
            assert found[name] == pytest.approx(values.tolist(), rel=1e-4, abs=1e-4)
        assert found["total"] == pytest.approx(powers.sum().item(), rel=1e-4)


def test_a_unit_looks_for_and_adds_what_autograd_says(node, network, images):
    model, file = network
    linears = model.layers[::2]
    chance = np.random.default_rng(1)
    cases, wanted = [], []
    for image in images[:12]:
        inputs = to_input(image)[0].requires_grad_()
        values = [inputs]
        for linear in linears[:-1]:
            values.append(linear(values[-1]).relu())
        for layer in range(len(linears)):
            sums = linears[layer](values[layer])
            unit = int(chance.integers(len(sums)))
            picture = torch.autograd.grad(sums[unit], inputs, retain_graph=True)[0]
            if layer == len(linears) - 1:
                effects = torch.zeros(10).index_fill(0, torch.tensor(unit), sums[unit].item())
            else:
                value, scores = values[layer + 1], linears[-1](values[-1])
                slopes = [
                    torch.autograd.grad(score, value, retain_graph=True)[0][unit]
                    for score in scores
                ]
                effects = value[unit] * torch.stack(slopes)
            cases.append([image.flatten().tolist(), layer, unit])
            wanted.append([*picture.tolist(), *effects.tolist()])
    script = """(network, [pixels, layer, unit]) => {
        const values = forward(network, pixels);
        return [...pictureOf(network, values, layer, unit),
            ...effectsOf(network, values, layer, unit)];
    }"""
    found = np.array(in_node(node, file, script, cases, UNITS))
    assert np.abs(found).max() > 0.1
    close = np.abs(found - wanted).max(1) < 1e-4
    assert close.mean() > 0.95  # a unit near 0 may be on in one of them and off in the other


def test_units_stand_by_the_digit_that_excites_them(node, network):
    model, file = network
    images, labels = (part[:150] for part in load_mnist(ROOT / "data", train=False))
    script = """(network, [pixels, digits]) =>
        ordersOf(network, Uint8Array.from(pixels), digits)"""
    (found,) = in_node(node, file, script, [[images.flatten().tolist(), labels.tolist()]], UNITS)
    values = to_input(images)
    for linear, layer in zip(model.layers[:-1:2], found, strict=True):
        values = linear(values).relu().detach()
        means = torch.stack([values[labels == digit].mean(0) for digit in range(10)])
        order, starts = layer["order"], layer["starts"]
        assert sorted(order) == list(range(values.shape[1]))
        for digit in range(10):
            band = order[starts[digit] : starts[digit + 1]]
            assert (means[:, band].amax(0) - means[digit, band] < 1e-4).all()
        assert means[:, order[starts[10] :]].sum() == 0
