"""Networks are rounded to a few bits a weight, and browsers load the very same numbers."""

import gzip
import itertools
import json
import struct
import zlib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import (
    MAGIC,
    browser_file,
    compressed_file,
    quantize,
    read_header,
)
from mnist_core.training import finish
from mnist_core.training.data import load_mnist
from mnist_core.training.trainer import predict
from serving.reloader import ModelReloader
from tests.conftest import ROOT, site
from tests.test_reloader import other_network

CONFIG = {"name": "0123abcd", "thresholds": {"digit": 0.8, "sure": 0.4}, "hidden": [6, 5]}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return MLP((6, 5)).eval()


def tensors(model: MLP) -> list[torch.Tensor]:
    return list(model.state_dict().values())


def same(one: MLP, other: MLP) -> bool:
    return all(map(torch.equal, tensors(one), tensors(other)))


def read(file: bytes) -> tuple[dict, list[tuple[np.ndarray, ...]]]:
    """The header and each layer's steps, biases and whole numbers, (inputs, units)."""
    assert file.startswith(MAGIC)
    checksum, length = struct.unpack_from("<II", file, 8)
    assert checksum == zlib.crc32(file[12:])
    header, place, layers = json.loads(file[16 : 16 + length]), 16 + length, []
    widths = (784, *header["hidden"], 10)
    for inputs, units in itertools.pairwise(widths):
        steps, biases = np.frombuffer(file, "<f4", 2 * units, place).reshape(2, units)
        whole = np.frombuffer(file, "i1", inputs * units, place + 8 * units)
        layers.append((steps, biases, whole.reshape(inputs, units)))
        place += 8 * units + inputs * units
    assert place == len(file)
    return header, layers


def test_a_weight_moves_by_at_most_half_a_step_and_biases_stay(model):
    before = [tensor.clone() for tensor in tensors(model)]
    for old, new in zip(before, tensors(quantize(model)), strict=True):
        if old.ndim == 1:
            assert torch.equal(old, new)
        else:
            step = old.abs().amax(1, keepdim=True) / 127
            assert ((old - new).abs() <= 0.502 * step).all()
            assert (old != new).float().mean() > 0.5
    assert all(map(torch.equal, before, tensors(model)))  # it was copied


def test_fusing_batch_norm_leaves_the_model_as_it_was():
    torch.manual_seed(0)
    model = MLP((6, 5), batch_norm=True)
    model(torch.rand(8, 784))  # running statistics other than 0 and 1
    before = [tensor.clone() for tensor in tensors(model)]
    inputs = torch.rand(4, 784)
    fused = model.fused(temperature=2.0)
    assert all(module.training for module in model.modules())
    assert all(map(torch.equal, before, tensors(model)))
    scores = model.eval().layers(inputs)
    assert torch.allclose(fused.layers(inputs), scores / 2, atol=1e-6)
    assert not fused.training


@pytest.mark.parametrize("scale", [0, 1e-37, 1e-20, 1, 1e20])
def test_quantizing_twice_changes_nothing(model, scale):
    model.layers[0].weight.data[2:] *= scale
    once = quantize(model)
    assert same(once, quantize(once))
    assert torch.isfinite(once.layers[0].weight).all()
    assert torch.allclose(once.layers[0].weight, model.layers[0].weight, rtol=1, atol=0.004 / 28)
    assert same(quantize(once.fused(1.23)), quantize(quantize(once.fused(1.23))))


@pytest.mark.parametrize("bits", [3, 4, 5])
def test_few_bits_are_few_values_with_a_small_error(model, bits):
    most = 2 ** (bits - 1) - 1
    weights = model.layers[0].weight.data.normal_()
    once = quantize(model, bits)
    for old, new in zip(weights, once.layers[0].weight.data, strict=True):
        whole = new / new.abs().max() * most
        assert torch.allclose(whole, whole.round(), atol=1e-4)
        plain = (old / old.abs().max() * most).round() * old.abs().max() / most
        assert (old - new).square().sum() < 0.95 * (old - plain).square().sum()
    assert same(once, quantize(once, bits))
    assert same(once, quantize(once))
    scaled = once.fused(1.23)  # off the steps by float32's last bit
    for old, new in zip(tensors(scaled), tensors(quantize(scaled, bits)), strict=True):
        assert torch.allclose(old, new, rtol=1e-4)


def test_weights_that_are_not_finite_stay_so(model):
    model.layers[0].weight.data[2, 3] = torch.nan
    model.layers[0].weight.data[4, 3] = torch.inf
    once = quantize(model).layers[0].weight
    assert torch.isfinite(once).all(1).tolist() == [True, True, False, True, False, True]


def test_the_browser_s_file_holds_the_very_weights(model):
    for network in (model, quantize(quantize(model).fused(0.77)), quantize(model, 4)):
        file = browser_file(network, CONFIG | {"unused": 1}, step=7)
        header, layers = read(file)
        assert header == read_header(file) == CONFIG | {"step": 7}
        found = [t for s, b, whole in layers for t in ((whole.T * s[:, None]), b)]
        assert all(f.dtype == np.float32 for f in found)
        for steps, _, _ in layers:  # 17 significant bits, so that products are exact
            assert not (np.frexp(steps)[0] * 2**17 % 1).any()
        expected = map(torch.Tensor.numpy, tensors(quantize(network)))
        assert all(map(np.array_equal, found, expected))
    for damaged in (file[:-1], file[:8], b"", file[:-1] + bytes([file[-1] ^ 1])):
        assert read_header(damaged) is None


def test_the_compressed_file_is_near_the_entropy_of_its_weights():
    torch.manual_seed(0)
    model = MLP((128,))
    model.layers[0].weight.data.normal_()
    model, config = quantize(model, 4), CONFIG | {"hidden": [128]}
    file, compressed = browser_file(model, config), compressed_file(model, config)
    assert gzip.decompress(compressed) == file
    whole = read(file)[1][0][2]
    shares = np.unique(whole, return_counts=True)[1] / whole.size
    entropy = -(shares * np.log2(shares)).sum() * whole.size / 8
    steps_and_biases = 8 * (128 + 10)
    assert len(compressed) < 1.04 * entropy + steps_and_biases + 1300


def test_the_shipped_network_is_quantized_and_small():
    shipped, config = weights.load(ROOT / "weights")
    saved = load_file(ROOT / "weights" / weights.MODEL_FILE)
    assert all(torch.equal(saved[name], value) for name, value in shipped.state_dict().items())
    assert len(browser_file(shipped, config)) <= 2_000_000


def test_training_quantizes_before_it_chooses_and_scores(monkeypatch):
    torch.manual_seed(0)
    images, labels = (each[:300] for each in load_mnist(ROOT / "data", train=False))
    model = MLP((16,), batch_norm=True)
    for parameter in model.parameters():
        parameter.data *= 3
    scored = []
    monkeypatch.setattr(finish, "predict", lambda *args: scored.append(args[0]) or predict(*args))
    found, _, _ = finish.calibrate(model, {"validation": (images, labels)})
    assert same(scored[0], quantize(model.fused()))
    ratio = scored[0].layers[-1].bias / found.layers[-1].bias  # the temperature
    assert same(found, quantize(scored[0].fused(round(ratio.mean().item(), 2))))


# Served ----------------------------------------------------------------------


def test_a_network_and_the_one_before_are_served_by_name_and_to_whoever_may(directory):
    reloader = ModelReloader(directory)
    second = other_network(directory)
    reloader.look()
    with site(reloader) as client:
        now = client.get("/network").json()
        assert (now["name"], now["previous"]) == (second, reloader.previous.name)
        for recognizer in (reloader.current, reloader.previous):
            response = client.get(f"/network/{recognizer.name}.bin")
            assert response.content == browser_file(recognizer.model, recognizer.config)
            assert int(response.headers["content-length"]) < 0.9 * len(response.content)
            assert response.headers["content-type"] == "application/octet-stream"
            assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        for name in ("00000000.bin", f"{second}", f"{second}.json", f"{second}0.bin"):
            assert client.get(f"/network/{name}").status_code == 404
    with site(reloader, auth=[("class", "chalk")]) as client:
        address = f"/network/{second}.bin"
        assert client.get(address).status_code == 401
        answer = client.get(address, auth=("class", "chalk"))
        assert answer.headers["cache-control"].startswith("private, max-age=")
