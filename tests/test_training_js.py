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


EXPERIMENTS = """import { gunzipSync } from "node:zlib";
    import { unpackImages } from "./ui/recognizer/images.js";
    import { EXPERIMENTS, SMALL, USUAL } from "./ui/recognizer/experiments.js";
    import { Run } from "./ui/recognizer/runs.js";
    const unzip = (name) => unpackImages(gunzipSync(readFileSync(`./ui/files/${name}.gz`)));
    const [known, tests] = [unzip("images"), unzip("test_images")];
    const last = (settings) => {
        const run = new Run(settings, known, tests);
        let moment = run.look();
        while (!run.isOver) moment = run.advance();
        return [moment.own, moment.fresh];
    };"""


def test_each_experiment_does_what_its_card_says(node):
    names = ["too_fast", "ten_images", "liars", "no_hidden", "softmax_twice"]
    script = """(name) => last(name === "sound"
        ? { ...EXPERIMENTS.softmax_twice, loss: "nll" } : { ...USUAL, ...EXPERIMENTS[name] })"""
    usual = node(EXPERIMENTS, "(_) => [Object.keys(EXPERIMENTS), last(SMALL)]", [0])
    assert usual[0][0] == names
    assert usual[0][1][1] > 0.9
    own, fresh = zip(*node(EXPERIMENTS, script, [*names, "sound"]), strict=True)
    too_fast, ten, liars, no_hidden, twice, sound = fresh
    assert too_fast < 0.2
    assert own[1] == 1
    assert 0.35 < ten < 0.47
    assert 0.75 < liars < 0.87
    assert 0.45 < own[2] < 0.6  # it does not learn the wrong labels by heart
    assert 0.88 < no_hidden < 0.92
    assert twice < 0.65 < 0.8 < sound


def test_a_run_has_moments_dense_at_first_and_the_same_ones_again(node):
    script = """(_) => {
        const take = (settings) => {
            const run = new Run({ ...SMALL, images: 100, passes: 8, ...settings }, known, tests);
            const moments = [run.look()];
            while (!run.isOver) moments.push(run.advance());
            return moments;
        };
        const moments = take({ batch: 1 });
        return {
            seen: moments.map(({ seen }) => seen),
            passes: [moments[0].pass, moments.at(-1).pass],
            fresh: moments.map(({ fresh }) => fresh),
            again: take({ batch: 1 }).map(({ fresh }) => fresh),
            guesses: [...moments.at(-1).guesses],
            broken: take({ learning_rate: 1e30 }).map(({ broken }) => broken),
        };
    }"""
    (found,) = node(EXPERIMENTS, script, [0])
    gaps = np.diff(found["seen"])
    assert (found["seen"][0], found["seen"][-1]) == (0, 800)
    assert 40 < len(gaps) <= 60
    assert (np.diff(gaps) >= -1).all()
    assert gaps[-1] > 5 * gaps[0]
    assert found["passes"] == [1, 8]
    assert found["fresh"] == found["again"]
    assert found["fresh"][0] < 0.3 < found["fresh"][-1]
    assert len(found["guesses"]) == 40
    assert (found["broken"][0], found["broken"][-1]) == (False, True)


def test_labels_that_are_drawn_at_random_are_sometimes_right(node):
    script = """(share) => {
        const part = ({ images, labels }, count) =>
            ({ images: images.subarray(0, 784 * count), labels: labels.subarray(0, count) });
        const some = part(known, 250);
        const labels = new Map(); // by the pixels
        some.labels.forEach((label, i) =>
            labels.set(String(some.images.subarray(784 * i, 784 * (i + 1))), label));
        const settings = { ...SMALL, hidden: [], images: 250, wrong_labels: share };
        const run = new Run(settings, some, part(tests, 40));
        const steps = Array.from({ length: 250 }, () => run.advanceByOne().step);
        return steps.filter(({ pixels, label }) => labels.get(String(pixels)) !== label).length;
    }"""
    right, half = node(EXPERIMENTS, script, [0, 0.5])
    assert right == 0
    assert 0.38 < half / 250 < 0.52
