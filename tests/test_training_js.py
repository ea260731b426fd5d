"""What the page trains, in Node.js, and the same trained by PyTorch."""

import numpy as np
import pytest
import torch

from mnist_core.drawing.framing import to_input
from mnist_core.network.model import MLP
from mnist_core.training.recipes import LOSSES
from mnist_core.training.trainer import LOSS_FUNCTIONS

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
TRAINING = """import { Trainer, createNetwork, createRandom, inkOf }
    from "./ui/recognizer/training.js";"""
STEPS, BATCH = 50, 16


@pytest.fixture(scope="module")
def some(mnist):
    """320 images and labels."""
    return mnist[0][:320], mnist[1][:320]


def losses_in_pytorch(model: MLP, some, batches: torch.Tensor, settings: dict) -> list[float]:
    inputs, labels = to_input(some[0]), some[1]
    optimizer = OPTIMIZERS[settings["optimizer"]](model.parameters(), settings["learning_rate"])
    losses = []
    for batch in batches:
        loss = LOSS_FUNCTIONS[settings["loss"]](model.layers(inputs[batch]), labels[batch])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def layers_of(model: MLP) -> list[dict]:
    """As JavaScript has them: input by input."""
    return [
        {"weights": layer.weight.T.flatten().tolist(), "biases": layer.bias.tolist()}
        for layer in model.layers[::2]
    ]


@pytest.mark.parametrize("hidden", [(), (32,), (20, 12)])
def test_it_trains_as_pytorch_does_with_each_loss_and_optimizer(node, some, hidden):
    batches = torch.randint(
        len(some[0]), (STEPS, BATCH), generator=torch.Generator().manual_seed(1)
    )
    cases, expected = [], []
    for loss in LOSSES:
        for optimizer, rate in (("sgd", 0.1), ("adam", 0.01)):
            torch.manual_seed(len(cases))
            model = MLP(hidden)
            settings = {"loss": loss, "optimizer": optimizer, "learning_rate": rate}
            cases.append({"settings": settings, "layers": layers_of(model)})
            expected.append(losses_in_pytorch(model, some, batches, settings))
    data = {"images": some[0].flatten().tolist(), "labels": some[1].tolist()}
    cases[0] |= {**data, "batches": batches.tolist()}
    script = """({ settings, layers }) => {
        const { images, labels, batches } = cases[0];
        const ink = inkOf(Uint8Array.from(images));
        const network = { layers: layers.map(({ weights, biases }) => (
            { weights: Float32Array.from(weights), biases: Float32Array.from(biases) })) };
        const trainer = new Trainer(network, settings);
        return batches.map((batch) => trainer.step(ink, labels, Int32Array.from(batch)));
    }"""
    assert np.abs(np.array(node(TRAINING, script, cases)) - expected).max() < 1e-3


def test_a_network_starts_as_pytorch_starts_one(node):
    script = """(seed) => createNetwork([40], createRandom(seed)).layers
        .map(({ weights, biases }) => [[...weights], [...biases]])"""
    found, other, again = node(TRAINING, script, [1, 2, 1])
    assert found == again != other
    torch.manual_seed(0)
    for (weights, biases), layer in zip(found, MLP((40,)).layers[::2], strict=True):
        limit = 1 / layer.in_features**0.5
        for ours, theirs in ((weights, layer.weight), (biases, layer.bias)):
            assert len(ours) == theirs.numel()
            assert 0.8 * limit < max(map(abs, ours)) <= limit
        assert np.std(weights) == pytest.approx(layer.weight.std().item(), rel=0.05)
        assert abs(np.mean(weights)) < 0.1 * limit
