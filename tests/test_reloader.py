"""The reloader: networks that are swapped while people draw."""

import logging
import os
import shutil
import struct
import threading
import time

import pytest
import torch

from mnist_core.errors import UserError
from mnist_core.network import weights
from serving import reloader as module
from serving.reloader import ModelReloader
from tests.conftest import ROOT, copy_network, site
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


def test_a_network_replaced_while_it_is_loaded_at_the_start_is_served(directory, monkeypatch):
    load, names = module.Recognizer.load, []

    def load_slowly(place):
        loaded = load(place)
        if not names:
            names.append(other_network(directory))
        return loaded

    monkeypatch.setattr(module.Recognizer, "load", load_slowly)
    reloader = ModelReloader(directory)
    reloader.look()
    assert reloader.current.name == names[0]


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


def overwrite_with_nan(directory) -> None:
    overwrite_weights(directory, lambda tensor: tensor.fill_(float("nan")))


def overwrite_with_zeros(directory) -> None:
    overwrite_weights(directory, lambda tensor: tensor.zero_())


def overwrite_weights(directory, change) -> None:
    model, config = weights.load(directory)
    with torch.no_grad():
        for tensor in model.parameters():
            change(tensor)
    weights.save(model, directory, config["provenance"], config["thresholds"])


def overwrite_with_300_gb(directory) -> None:
    os.truncate(directory / weights.MODEL_FILE, 300 * 10**9)


def overwrite_with_an_unknown_type(directory) -> None:
    header = b'{"x": {"dtype": "F8_E8M0", "shape": [8], "data_offsets": [0, 8]}}'
    (directory / weights.MODEL_FILE).write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))


@pytest.mark.parametrize(
    ("overwrite", "says"),
    [
        (overwrite_with_nan, "not finite"),
        (overwrite_with_zeros, "has not learned to read: it reads a plain 7 as 0 (10.0 %"),
        (overwrite_with_300_gb, ""),
        (overwrite_with_an_unknown_type, ""),
    ],
)
def test_a_network_that_cannot_be_used_changes_nothing_and_a_good_one_is_taken_up_after_it(
    reloader, directory, caplog, overwrite, says
):
    old = reloader.current
    overwrite(directory)
    with caplog.at_level(logging.WARNING):
        reloader.look()
        reloader.look()
    assert reloader.current is old
    (record,) = caplog.records
    assert record.getMessage().startswith("The network stays as it is: ")
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


def wait_for(answers: list, count: int) -> None:
    while len(answers) < count:
        time.sleep(0.01)


def test_no_request_is_dropped_while_networks_are_swapped(reloader, directory):
    answers, over = [], threading.Event()
    with site(reloader) as client:

        def ask() -> None:
            while not over.is_set():
                answers.append(client.post("/recognize", json={"strokes": DRAWINGS[3]}))

        people = [threading.Thread(target=ask) for _ in range(3)]
        for person in people:
            person.start()
        wait_for(answers, 20)
        other_network(directory)
        reloader.look()
        wait_for(answers, len(answers) + 20)
        over.set()
        for person in people:
            person.join()
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["digit"] for answer in answers} == {3, 4}
    assert len({answer.json()["network"] for answer in answers}) == 2


def test_the_new_network_answers_and_the_page_is_told_of_the_old_one(reloader, directory):
    question = {"strokes": DRAWINGS[3]}
    with site(reloader) as client:
        alone = client.post("/recognize", json=question).json()
        name = other_network(directory)
        reloader.look()
        both = client.post("/recognize", json=question).json()
        assert (both["network"], both["digit"]) == (name, 4)
        told = client.get("/network").json()
        assert (told["name"], told["previous"]) == (name, alone["network"])
