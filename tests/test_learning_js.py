"""What the page learns by itself, in Node.js, and the same learned by PyTorch."""

import base64
import copy
import gzip
from collections import Counter

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from experiments.page_images import FILE, REHEARSED, TEST_FILE, pack
from mnist_core.drawing.framing import frame_strokes, to_input
from mnist_core.network.model import MLP
from mnist_core.network.quantize import browser_file, quantize
from mnist_core.training.data import load_mnist, select, split
from tests.conftest import ROOT
from tests.drawings import DRAWINGS

TEACH = """import { rehearse, teach } from "./ui/recognizer/learning.js";
    import { inSlices } from "./ui/session/slices.js";
    import { logProbabilities, readNetwork } from "./ui/recognizer/network.js";
    const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
    const learn = async ({ file, images, lessons }) => {
        const network = readNetwork(bytes(file).buffer);
        return inSlices(teach(network, lessons, await inSlices(rehearse(network, bytes(images)))));
    };"""
ONE_SEVEN = [[[40, 32], [58, 25], [50, 75]]]  # a 7 to the network, to others a 1


@pytest.fixture(scope="module")
def rehearsed() -> torch.Tensor:
    pairs = np.frombuffer(gzip.decompress(FILE.read_bytes())[: 500 * 392], np.uint8)
    levels = np.stack([pairs >> 4, pairs & 15], axis=1)
    return torch.from_numpy(17 * levels.reshape(-1, 28, 28))


def lesson(strokes: list, label: int) -> dict:
    pixels = frame_strokes([np.array(stroke, float) for stroke in strokes])
    return {"pixels": pixels.ravel().tolist(), "label": label}


def in_node(node, script: str, model: MLP, images: torch.Tensor, lessons: list[dict]):
    config = {"name": "0123abcd", "hidden": model.hidden, "thresholds": {"digit": 0.8, "sure": 0.4}}
    text = {"file": browser_file(model, config), "images": images.numpy().tobytes()}
    case = {key: base64.b64encode(value).decode() for key, value in text.items()}
    return node(TEACH, script, [{**case, "lessons": lessons}])


def learned_by_pytorch(model: MLP, images: torch.Tensor, lessons: list[dict]) -> MLP:
    """What learning.js says that it does, with PyTorch's Adam, in float64."""
    new = copy.deepcopy(model).double().requires_grad_()
    pixels = torch.tensor([each["pixels"] for each in lessons], dtype=torch.uint8)
    labels = torch.tensor([each["label"] for each in lessons])
    with torch.no_grad():
        ours, theirs = (new.layers[:-1](to_input(each).double()) for each in (pixels, images))
        answers = new.layers[-1](theirs).softmax(1)
    optimizer = torch.optim.Adam(new.layers[-1].parameters(), lr=0.005)
    for _ in range(240):
        scores = new.layers[-1](ours).log_softmax(1)
        if scores.exp()[range(len(labels)), labels].min() > 0.9:
            break
        kept = -(answers * new.layers[-1](theirs).log_softmax(1)).sum(1).mean()
        loss = F.nll_loss(scores, labels, reduction="sum") + 1000 * kept
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return new


@pytest.mark.parametrize("hidden", [(), (20,), (9, 30)])
def test_it_learns_what_pytorch_learns(node, hidden, rehearsed):
    torch.manual_seed(3)
    model = quantize(MLP(hidden))
    lessons = [lesson(DRAWINGS[digit], digit) for digit in (3, 7)]
    images = rehearsed[::25]
    script = """async (question) => {
        const taught = await learn(question);
        const answers = question.lessons.map(({ pixels }) => [...logProbabilities(taught, pixels)]);
        return [taught.lessons, answers];
    }"""
    ((count, found),) = in_node(node, script, model, images, lessons)
    assert count == 2
    new = learned_by_pytorch(model, images, lessons)
    inputs = to_input(torch.tensor([each["pixels"] for each in lessons], dtype=torch.uint8))
    with torch.no_grad():
        assert np.allclose(found, new(inputs.double()), atol=1e-4)
        assert not np.allclose(found, model(inputs), atol=1e-2)


def test_of_lessons_that_spoil_it_the_latest_are_used(node, recognizer, rehearsed, mnist):
    """Twenty digits of MNIST with wrong labels, and then one right one."""
    wrong = [
        {"pixels": image.flatten().tolist(), "label": (int(label) + 1) % 10}
        for image, label in zip(mnist[0][:20], mnist[1][:20], strict=True)
    ]
    script = "async (question) => (await learn(question)).lessons"
    lessons = [*wrong, lesson(ONE_SEVEN, 1)]
    (used,) = in_node(node, script, recognizer.model, rehearsed, lessons)
    assert 1 <= used < 21
    assert in_node(node, script, recognizer.model, rehearsed, []) == [0]


def cases(packed: bytes) -> list[tuple]:
    """Return images with their labels, as `pack` packed them."""
    count = len(packed) // 393
    return [(packed[392 * i : 392 * (i + 1)], packed[392 * count + i]) for i in range(count)]


def test_the_page_s_images_are_of_mnist_s_training_part_with_their_labels(mnist):
    found = cases(gzip.decompress(FILE.read_bytes()))
    part = select(mnist, split(len(mnist[0]))[0])
    fine, coarse = (set(cases(pack(*part, count))) for count in (len(part[0]), 0))
    assert len(found) == 5000
    assert set(found[:REHEARSED]) <= fine
    assert set(found[REHEARSED:]) <= coarse
    assert FILE.stat().st_size < 400_000


def test_those_for_tests_are_of_mnist_s_test_images_and_begin_with_four_of_each_digit():
    found = cases(gzip.decompress(TEST_FILE.read_bytes()))
    test = load_mnist(ROOT / "data", train=False)
    assert len(set(found)) == len(found) == 1000
    assert set(found) <= set(cases(pack(*test, 0)))
    assert Counter(label for _, label in found[:40]) == dict.fromkeys(range(10), 4)
    assert TEST_FILE.stat().st_size < 80_000
