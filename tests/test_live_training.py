"""A training that the page starts and watches: what it streams, its ends, and who may start one."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import app
from mnist_core import paths
from mnist_core.network.quantize import read_header
from mnist_core.training.recipes import RECIPES
from mnist_core.training.run import Checkpoint
from serving import training
from serving.errors import Refusal
from serving.training import LiveTraining, training_routes
from tests.conftest import ROOT, app_process, free_port, wait_until_served
from tests.routes import routes_alone
from tests.test_server import BODY, HEAD, connection, recognized

SMALL = ("-m", "tests.small_training")  # scripts/train.py on 3,000 images
QUICK = {"recipe": "tutorial", "hidden": [16]}


@pytest.fixture
def live(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with contextlib.closing(LiveTraining(SMALL, tmp_path / "runs")) as live:
        yield live


@pytest.fixture
def client(live):
    with routes_alone(training_routes(live)) as client:
        yield client


def wait_for(client, reached) -> dict:
    """The first state that is `reached`."""
    for _ in range(1200):
        if reached(state := client.get("training").json()):
            return state
        time.sleep(0.05)
    raise TimeoutError(str(state))


def has_ended(state: dict) -> bool:
    return state["state"] not in ("running", "stopping")


def test_a_training_is_watched_and_stopped(client, live):
    assert client.get("training").json()["state"] == "none"
    chosen = {"recipe": "best", "hidden": [512], "learning_rate": 0.005, "loss": "cross-entropy"}
    state = client.post("training", json=chosen).json()
    assert (state["state"], state["options"]) == ("running", chosen)
    assert state["directory"] == str(live.runs / state["run"])
    refused = client.post("training", json=QUICK)
    assert (refused.status_code, refused.json()["code"]) == (409, "training_under_way")
    assert os.getpriority(os.PRIO_PROCESS, live.process.pid) == training.NICENESS
    file = f"training/{state['run']}.bin"
    assert client.get(file).status_code == 404  # it has none yet
    early = wait_for(client, lambda state: state["bytes"])
    state = wait_for(client, lambda s: s["epochs_done"] and s["bytes"] > early["bytes"])
    assert state["epochs"] == 8
    assert client.get(file).status_code == 400  # without a range, of a file that grows
    answers = [client.get(file, headers={"range": f"bytes={n}-"}) for n in (0, early["bytes"])]
    assert [answer.status_code for answer in answers] == [206, 206]
    assert answers[0].headers["cache-control"] == "no-store"
    whole, rest = (answer.content for answer in answers)
    assert rest.startswith(whole[early["bytes"] :])
    end = 4 + int.from_bytes(whole[:4], "little")
    assert read_header(whole[4:end])["step"] == 0
    assert client.get("training/2026-11-25-160000-best.bin").status_code == 404

    assert client.post("training/stop").json()["state"] in ("stopping", "stopped")
    state = wait_for(client, has_ended)
    assert state["state"] == "stopped"
    assert f"--resume {state['directory']}" in state["reason"]
    assert client.post("training/stop").status_code == 409
    assert client.get(file).content.startswith(whole)
    recipe = Checkpoint.load(live.directory).settings.recipe
    assert (recipe.hidden, recipe.learning_rate, recipe.loss) == ((512,), 0.005, "cross-entropy")


def script(*lines: str) -> tuple[str, str]:
    """Python's arguments for a script in place of scripts/train.py."""
    return "-c", "\n".join(["import signal, sys, time", *lines])


@pytest.mark.parametrize(
    ("lines", "state", "reason"),
    [
        (["print('epochs           8')"], "finished", None),
        (["sys.exit('train.py: the training diverged')"], "failed", "the training diverged"),
        (["raise ZeroDivisionError"], "failed", "It ended with exit code 1; see .*/log.txt."),
    ],
)
def test_how_a_training_ends(client, live, lines, state, reason):
    live.command = script("raise ValueError")
    client.post("training", json=QUICK)
    wait_for(client, has_ended)
    live.runs /= "next"  # as names of runs are those of seconds
    live.command = script(*lines)
    client.post("training", json=QUICK)
    found = wait_for(client, has_ended)
    assert found["state"] == state
    assert re.fullmatch(str(reason), str(found["reason"]))
    assert found["epochs"] == (8 if state == "finished" else None)


def test_a_training_that_does_not_stop_is_killed(client, live, monkeypatch):
    monkeypatch.setattr(training, "STOP_SECONDS", 0.2)
    ignore = "signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True)"
    live.command = script(ignore, "time.sleep(60)")
    client.post("training", json=QUICK)
    while "ready" not in (live.directory / "log.txt").read_text():
        time.sleep(0.02)
    assert client.post("training/stop").json()["state"] == "stopping"
    assert client.post("training", json=QUICK).status_code == 409
    assert wait_for(client, has_ended)["state"] == "stopped"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "the recipe is not one of tutorial, quick, best"),
        ({**QUICK, "output": "/tmp/x"}, "expected an object of recipe"),
        ({**QUICK, "loss": "mse"}, "the loss is not one of nll, "),
        ({**QUICK, "hidden": [8] * 5}, "a list of at most 4 whole"),
        ({**QUICK, "hidden": [2049]}, "whole numbers from 1 to 2048"),
        ({**QUICK, "hidden": [2048, 2048]}, "5,820,416 weights"),
        ({**QUICK, "learning_rate": 10.5}, "above 0 and up to 10"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(content, says):
    with pytest.raises(Refusal, match=re.escape(says)) as caught:
        training.check_options(content)
    assert (caught.value.status, caught.value.code) == (422, "invalid_training")


def test_options_that_are_left_out_are_the_recipes():
    largest = {**QUICK, "hidden": list(RECIPES["best"].hidden)}
    assert training.check_options(largest) == largest
    found = training.check_options({**QUICK, "loss": None, "learning_rate": 1})
    assert found == {**QUICK, "learning_rate": 1}


@pytest.mark.parametrize(
    ("host", "elsewhere", "wanted", "offered"),
    [
        ("127.0.0.1", False, True, True),
        ("::1", False, True, True),
        ("127.0.0.1", False, False, False),
        ("127.0.0.1", True, True, False),
        ("0.0.0.0", False, True, False),
    ],
)
def test_it_is_offered_on_ones_own_machine_alone(host, elsewhere, wanted, offered, monkeypatch):
    assert bool(training.open_training(wanted, host, elsewhere)) == offered
    monkeypatch.setattr(training, "SCRIPT", ROOT / "none.py")  # as in a container
    assert training.open_training(wanted, host, elsewhere) is None


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ((), (True, "127.0.0.1", False)),
        (("--no-train",), (False, "127.0.0.1", False)),
        (("--host", "0.0.0.0"), (True, "0.0.0.0", False)),
        (("--root-path", "/digits"), (True, "127.0.0.1", True)),
        (("--share",), (True, "127.0.0.1", True)),
    ],
)
def test_what_others_may_reach_is_known_from_the_options(options, offered, monkeypatch):
    assert asked_for(monkeypatch, *options) == offered


def asked_for(monkeypatch, *options: str) -> tuple:
    """What `open_training` is given by app.py with these options."""
    monkeypatch.setattr(training, "open_training", lambda *given: sys.exit(given))
    arguments = ["app.py", "--no-corrections", "--port", str(free_port()), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


def test_a_server_that_ends_answers_what_is_under_way_and_takes_the_training_along():
    """It waits for nobody who only holds a connection."""
    options = {"stdout": subprocess.DEVNULL}
    with app_process("--no-corrections", **options) as (process, address):
        wait_until_served(address, process)
        with httpx.Client(base_url=address) as client:
            state = client.post("training", json={"recipe": "tutorial", "hidden": [600]}).json()
            directory = paths.runs() / state["run"]
            try:
                wait_for(client, lambda _: (directory / "state.pt").exists())
                child = child_of(process.pid)
                with (
                    connection(address, HEAD + b"\r\n" + BODY[:20]) as asking,
                    connection(address, HEAD + b"\r\n"),
                ):
                    assert recognized(address) == 7
                    process.send_signal(signal.SIGTERM)
                    time.sleep(1)
                    asking.sendall(BODY[20:])
                    assert b"200" in asking.recv(15)
                    assert process.wait(60) == 0
                assert not Path(f"/proc/{child}").exists()
                assert list(Checkpoint.load(directory).settings.recipe.hidden) == [600]
            finally:
                shutil.rmtree(directory)


def child_of(pid: int) -> int:
    (child,) = (
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    )
    return child
