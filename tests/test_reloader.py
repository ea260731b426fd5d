"""The reloader: networks that are swapped while people draw."""

import logging
import shutil
import threading

import pytest
import torch

from mnist_core.errors import UserError
from mnist_core.network import weights
from serving import reloader as module
from serving.reloader import ModelReloader
from tests.conftest import ROOT, copy_network
from tests.drawings import DRAWINGS


@pytest.fixture
def reloader(directory):
    return ModelReloader(directory)


def other_network(directory) -> str:
    """Replace the network in `directory` by one that takes 3s for 4s and 4s for 3s; its name."""
    model, config = weights.load(directory)
    with torch.no_grad():
        for tensor in model.layers[-1].parameters():
            tensor[[3, 4]] = tensor[[4, 3]]
    thresholds = config["thresholds"] | {"sure": 0.99 * config["thresholds"]["sure"]}
    weights.save(model, directory, config["provenance"], thresholds)  # never an earlier name
    return weights.load(directory)[1]["name"]


def test_a_new_network_is_swapped_in(reloader, directory):
    old = reloader.current
    reloader.look()
    assert (reloader.current, reloader.previous) == (old, None)
    name = other_network(directory)
    reloader.look()
    assert (reloader.current.name, reloader.previous) == (name, old)
    assert reloader.current.predict_strokes(DRAWINGS[3]).digit == 4


def test_the_same_network_written_again_is_no_new_one(reloader, directory):
    old = reloader.current
    copy_network(ROOT / "weights", directory)
    reloader.look()
    assert (reloader.current, reloader.previous) == (old, None)


def test_a_network_that_is_removed_stays_in_use(reloader, directory):
    old = reloader.current
    shutil.rmtree(directory)
    reloader.look()
    assert reloader.current is old


def overwrite_weights(directory, value: float) -> None:
    model, config = weights.load(directory)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.fill_(value)
    weights.save(model, directory, config["provenance"], config["thresholds"])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "not finite"),
        (0, "has not learned to read: it reads a plain 7 as 0 (10.0 %"),
    ],
)
def test_a_network_that_cannot_be_used_changes_nothing_and_a_good_one_is_taken_up_after_it(
    reloader, directory, caplog, value, says
):
    old = reloader.current
    overwrite_weights(directory, value)
    with caplog.at_level(logging.WARNING):
        reloader.look()
        reloader.look()
    assert reloader.current is old
    (record,) = caplog.records
    assert record.getMessage().startswith("A new network can't be used, the one before stays")
    assert says in record.getMessage()
    with pytest.raises(UserError):
        ModelReloader(directory)
    copy_network(ROOT / "weights", directory)
    name = other_network(directory)
    reloader.look()
    assert reloader.current.name == name


def test_it_looks_by_itself_and_no_fault_ends_that(reloader, directory, caplog, monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    failed, swapped, look = threading.Event(), threading.Event(), reloader.look

    def fail_once() -> None:
        if not failed.is_set():
            failed.set()
            raise MemoryError
        look()
        if reloader.previous:
            swapped.set()

    monkeypatch.setattr(reloader, "look", fail_once)
    reloader.watch()
    assert failed.wait(60)
    other_network(directory)
    assert swapped.wait(60)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info[0] is MemoryError


def test_a_network_that_is_installed_for_the_first_time_is_swapped_in(home, tmp_path):
    reloader = ModelReloader()
    shipped = reloader.current
    assert (shipped.name, home.exists()) == (weights.SHIPPED_NAME, False)
    name = other_network(copy_network(ROOT / "weights", tmp_path / "other"))
    weights.install(tmp_path / "other")
    reloader.look()
    assert (reloader.current.name, reloader.previous) == (name, shipped)
    weights.install(weights.SHIPPED)
    reloader.look()
    assert reloader.current.name == weights.SHIPPED_NAME
