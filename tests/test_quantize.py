"""Networks lie on a grid of 8 bits a weight, and are served to browsers by their names."""

import itertools
import json
import struct
import zlib

import numpy as np
import pytest
import torch

from mnist_core.network import weights
from mnist_core.network.model import MLP
from mnist_core.network.quantize import MAGIC, browser_file, quantize, read_header
from mnist_core.training import finish
from mnist_core.training.data import load_mnist
from mnist_core.training.trainer import predict
from serving.reloader import ModelReloader
from tests.conftest import ROOT, site
from tests.test_reloader import other_network
from tests.test_weights import PROVENANCE, THRESHOLDS

CONFIG = {"name": "0123abcd", "thresholds": THRESHOLDS}


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


def test_a_weight_moves_by_half_a_step_at_most_and_biases_stay(model):
    for old, new in zip(tensors(model), tensors(quantize(model)), strict=True):
        if old.ndim == 1:
            assert torch.equal(old, new)
        else:
            step = old.abs().amax(1, keepdim=True) / 127
            assert ((old - new).abs() <= 0.502 * step).all()
            assert (old != new).float().mean() > 0.5


def test_what_was_rounded_stays_as_it_is(model):
    once = quantize(model)
    assert same(once, quantize(once))
    assert not same(once, model)
    assert same(quantize(once.fused(1.23)), quantize(quantize(once.fused(1.23))))


def test_the_file_holds_the_very_weights(model):
    for network in (quantize(model), quantize(quantize(model).fused(0.77))):
        header, layers = read(browser_file(network, CONFIG | {"hidden": [6, 5], "more": 1}))
        assert header == CONFIG | {"hidden": [6, 5]}
        found = [t for s, b, whole in layers for t in ((whole.T * s[:, None]), b)]
        assert all(f.dtype == np.float32 for f in found)
        assert all(map(np.array_equal, found, map(torch.Tensor.numpy, tensors(network))))


def test_a_network_that_is_not_rounded_has_the_file_of_one_that_is(model):
    config = CONFIG | {"hidden": [6, 5]}
    assert browser_file(model, config) == browser_file(quantize(model), config)


@pytest.mark.parametrize("scale", [0, 1e-37, 1e-20, 1e20])
def test_weights_of_any_size_are_rounded(model, scale):
    model.layers[0].weight.data[2:] *= scale
    once = quantize(model)
    assert same(once, quantize(once))
    assert torch.isfinite(once.layers[0].weight).all()
    assert torch.allclose(once.layers[0].weight, model.layers[0].weight, rtol=1, atol=0.004 / 28)


def test_weights_that_are_not_finite_stay_so(model):
    model.layers[0].weight.data[2, 3] = torch.nan
    model.layers[0].weight.data[4, 3] = torch.inf
    once = quantize(model).layers[0].weight
    assert torch.isfinite(once).all(1).tolist() == [True, True, False, True, False, True]


def test_training_rounds_before_it_chooses_and_scores(monkeypatch):
    torch.manual_seed(0)
    images, labels = (each[:300] for each in load_mnist(ROOT / "data", train=False))
    model = MLP((16,), batch_norm=True)
    for parameter in model.parameters():
        parameter.data *= 3
    scored = []
    monkeypatch.setattr(finish, "predict", lambda *args: scored.append(args[0]) or predict(*args))
    found, _, _ = finish.calibrate(model, {"validation": (images, labels)})
    assert same(scored[0], quantize(scored[0]))
    assert same(scored[0], quantize(model.fused()))
    ratio = scored[0].layers[-1].bias / found.layers[-1].bias  # the temperature
    assert same(found, quantize(scored[0].fused(round(ratio.mean().item(), 2))))


def test_an_earlier_network_is_rounded_when_it_is_loaded(model, tmp_path):
    weights.save(model, tmp_path, PROVENANCE, THRESHOLDS)
    assert same(weights.load(tmp_path)[0], quantize(model))


def test_the_shipped_network_lies_on_the_grid_and_is_small():
    from safetensors.torch import load_file

    shipped, config = weights.load(ROOT / "weights")
    saved = load_file(ROOT / "weights" / weights.MODEL_FILE)
    assert all(torch.equal(saved[name], value) for name, value in shipped.state_dict().items())
    assert len(browser_file(shipped, config)) <= 2_000_000


def test_the_header_is_read_back_and_a_damaged_file_has_none(model):
    file = browser_file(model, CONFIG | {"hidden": [6, 5]}, step=7)
    assert read_header(file) == CONFIG | {"hidden": [6, 5], "step": 7}
    for damaged in (file[:-1], file[:8], b"", file[:-1] + bytes([file[-1] ^ 1])):
        assert read_header(damaged) is None


# Served


def test_the_network_is_served_by_its_name_and_the_one_before_as_well(directory):
    reloader = ModelReloader(directory)
    with site(reloader) as client:
        first = client.get("/network").json()
        assert first["previous"] is None
        second = other_network(directory)
        reloader.look()
        now = client.get("/network").json()
        assert (now["name"], now["previous"]) == (second, first["name"])
        for recognizer in (reloader.current, reloader.previous):
            response = client.get(f"/network/{recognizer.name}.bin")
            assert response.content == browser_file(recognizer.model, recognizer.config)
            assert int(response.headers["content-length"]) < 0.9 * len(response.content)
            assert response.headers["content-type"] == "application/octet-stream"
            forever = "public, max-age=31536000, immutable"
            assert response.headers["cache-control"] == forever


@pytest.mark.parametrize("name", ["00000000.bin", "{}", "{}.json", "{}0.bin", "../weights/{}.bin"])
def test_no_other_network_is_there(directory, name):
    reloader = ModelReloader(directory)
    with site(reloader) as client:
        assert client.get(f"/network/{name.format(reloader.current.name)}").status_code == 404


def test_passwords_keep_the_network_from_those_without(directory):
    reloader = ModelReloader(directory)
    with site(reloader, auth=[("class", "chalk")]) as client:
        address = f"/network/{reloader.current.name}.bin"
        assert client.get(address).status_code == 401
        answer = client.get(address, auth=("class", "chalk"))
        assert answer.headers["cache-control"].startswith("private, max-age=")
