"""A training that the page starts and watches: what it streams, its ends, and who may start one."""

import contextlib
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import app
from mnist_core import paths
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.network.grid import browser_file, read_header
from mnist_core.training import trainer
from mnist_core.training.checkpoint import Checkpoint
from scripts import train
from serving import server, training
from serving.origins import from_own_machine
from serving.reloader import ModelReloader
from serving.training import LiveTraining
from tests.conftest import ROOT, app_main, app_process, free_port, run, site, wait_until_served

OWN = {"host": "localhost:7860"}
SMALL = ("-m", "tests.small_training")  # scripts/train.py on 3,000 images
QUICK = {"recipe": "tutorial", "hidden": [16]}


@pytest.fixture
def live(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with contextlib.closing(LiveTraining(SMALL, tmp_path / "runs")) as live:
        yield live


@pytest.fixture
def client(live):
    with site(ModelReloader(ROOT / "weights"), live=live) as client:
        client.headers.update(OWN)
        yield client


def wait_for(client, reached, path: str = "training") -> dict:
    """The first state that is `reached`."""
    for _ in range(1200):
        if reached(state := client.get(path).json()):
            return state
        time.sleep(0.05)
    raise TimeoutError(str(state))


def has_ended(state: dict) -> bool:
    return state["state"] not in ("running", "stopping")


def records(content: bytes) -> list[bytes]:
    """The network files in a file of snapshots; the last may still be on its way."""
    found = []
    while len(content) >= 4:
        (length,) = struct.unpack_from("<I", content)
        found.append(content[4 : 4 + length])
        content = content[4 + length :]
    return found


def weights_in(record: bytes) -> bytes:
    """All that follows the header of a network file."""
    return record[16 + struct.unpack_from("<I", record, 12)[0] :]


def test_a_training_is_watched_stopped_and_resumed(client, live):
    assert client.get("training").json()["state"] == "none"
    refused = client.post("training", json={"recipe": "worst"})
    assert (refused.status_code, refused.json()["error"][:11]) == (422, "The recipe ")
    chosen = {"recipe": "best", "hidden": [512], "learning_rate": 0.005, "loss": "cross-entropy"}
    state = client.post("training", json=chosen).json()
    assert (state["state"], state["options"]) == ("running", chosen)
    assert state["directory"] == str(live.runs / state["run"])
    assert client.post("training", json=QUICK).status_code == 409
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
    assert read_header(records(whole)[0])["step"] == 0
    assert client.get("training/2026-11-25-160000-best.bin").status_code == 404

    assert client.post("training/stop").json()["state"] in ("stopping", "stopped")
    state = wait_for(client, has_ended)
    assert state["state"] == "stopped"
    assert f"--resume {state['directory']}" in state["reason"]
    assert client.post("training/stop").status_code == 409
    assert client.get(file).content.startswith(whole)
    done = run(*SMALL, "--resume", state["directory"], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    snapshots = records(client.get(file).content)
    model, config = weights.load(live.directory)
    assert config["hidden"] == [512]
    assert config["provenance"]["recipe"]["learning_rate"] == 0.005
    assert config["provenance"]["recipe"]["loss"] == "cross-entropy"
    assert read_header(snapshots[-1])["final"]
    assert weights_in(snapshots[-1]) == weights_in(browser_file(model, config))


def test_a_training_that_breaks_says_why_and_the_next_one_finishes(client, live):
    breaking = {"recipe": "tutorial", "learning_rate": 10, "loss": "log-of-softmax"}
    assert client.post("training", json=breaking).status_code == 200
    state = wait_for(client, has_ended)
    assert state["state"] == "failed"
    assert state["reason"].startswith("the training diverged in epoch 1: ")
    assert "or the loss nll" in state["reason"]
    run_before = state["run"]
    assert client.post("training", json=QUICK).json()["reason"] is None
    state = wait_for(client, has_ended)
    assert (state["state"], state["reason"]) == ("finished", None)
    assert state["epochs_done"] == state["epochs"] == 10
    snapshots = client.get(f"training/{state['run']}.bin")
    assert len(snapshots.content) == state["bytes"]
    assert [read_header(record)["final"] for record in records(snapshots.content)[-2:]] == [
        False,
        True,
    ]
    assert client.get(f"training/{run_before}.bin").status_code == 404


def test_one_that_ends_in_another_way_points_to_its_log(client, live):
    live.command = ("-c", "raise ZeroDivisionError")
    client.post("training", json=QUICK)
    state = wait_for(client, has_ended)
    assert state["state"] == "failed"
    assert state["reason"] == f"It ended with exit code 1; {live.directory}/log.txt says why."
    assert "ZeroDivisionError" in (live.directory / "log.txt").read_text()


def test_one_that_does_not_end_is_killed(client, live, monkeypatch):
    monkeypatch.setattr(training, "STOP_SECONDS", 0.2)
    script = "signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True)"
    live.command = ("-c", f"import signal, time; {script}; time.sleep(60)")
    client.post("training", json=QUICK)
    while "deaf" not in (live.directory / "log.txt").read_text():
        time.sleep(0.02)
    assert client.post("training/stop").json()["state"] == "stopping"
    assert client.post("training", json=QUICK).status_code == 409
    assert wait_for(client, has_ended)["state"] == "stopped"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], 'expected {"recipe": ...}'),
        ({}, 'expected {"recipe": ...}'),
        ({**QUICK, "output": "/tmp/x"}, 'expected {"recipe": ...}'),
        ({"recipe": "--help"}, "the recipe is none of tutorial, quick, best"),
        ({"recipe": ["best"]}, "the recipe is none of"),
        ({**QUICK, "loss": None}, "the loss is none of nll, "),
        ({**QUICK, "hidden": 7}, "not a list of at most 4 whole"),
        ({**QUICK, "hidden": [8] * 5}, "not a list of at most 4 whole"),
        ({**QUICK, "hidden": [0]}, "whole numbers from 1 to 2048"),
        ({**QUICK, "hidden": [2049]}, "whole numbers from 1 to 2048"),
        ({**QUICK, "hidden": ["8"]}, "whole numbers from 1 to 2048"),
        ({**QUICK, "hidden": [True]}, "whole numbers from 1 to 2048"),
        ({**QUICK, "hidden": [2048, 2048]}, "5,820,416 weights"),
        ({**QUICK, "learning_rate": 0}, "above 0 and up to 10"),
        ({**QUICK, "learning_rate": 10.5}, "above 0 and up to 10"),
        ({**QUICK, "learning_rate": 10**400}, "above 0 and up to 10"),
        ({**QUICK, "learning_rate": "1"}, "above 0 and up to 10"),
        ({**QUICK, "learning_rate": True}, "above 0 and up to 10"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(content, says):
    with pytest.raises(UserError, match=re.escape(says)):
        training.checked(content)


def test_options_are_the_script_s():
    assert set(training.RECIPES) == set(train.RECIPES)
    assert training.LOSSES == train.LOSSES
    largest = trainer.RECIPES["best"].hidden
    assert training.checked({**QUICK, "hidden": list(largest)})


def test_only_this_machine_s_own_page_may_train(client, live):
    live.command = ("-c", "")
    paths = [("GET", "training"), ("POST", "training"), ("POST", "training/stop")]
    for headers in [
        {"host": "evil.example"},  # made to lead here
        {"host": "evil.example:7860"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost:7860@evil.example"},
        {"host": "192.168.1.7:7860"},
        {"host": ""},
        {"x-forwarded-for": "192.0.2.7"},
        {"x-forwarded-host": "page.example"},
        {"forwarded": "for=192.0.2.7"},
        {"via": "1.1 proxy"},
    ]:
        for method, path in [*paths, ("GET", "training/x.bin")]:
            answer = client.request(method, path, json=QUICK, headers=headers)
            assert answer.status_code == 404, (headers, method, path)
            assert answer.json() == {"error": "There is nothing at this address."}
    for headers in [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]:
        for method, path in paths[1:]:
            assert client.request(method, path, json=QUICK, headers=headers).status_code == 403
    for path in ("training/", "training/stop/", "training/../log.txt", "training/a.b.bin",
                 "training/%2e%2e%2flog.bin", "training/log.txt"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    assert live.process is None
    scope = {"http_version": "1.1", "headers": [(b"host", b"localhost")]}
    assert from_own_machine(scope)
    assert not from_own_machine({**scope, "http_version": "1.0"})
    own = {"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"}
    assert client.post("training", json=QUICK, headers=own).status_code == 200
    assert client.get("training", headers={"host": "[::1]:7860"}).status_code == 200


def test_with_passwords_only_who_is_logged_in_may_train(client, live):
    client.app.routes[-1].app.auth = lambda name, password, address="": password == "chalk"
    for method, path in [("GET", "training"), ("POST", "training"), ("POST", "training/stop"),
                         ("GET", "training/x.bin")]:  # fmt: skip
        assert client.request(method, path, json=QUICK).status_code == 401, path
    assert live.process is None
    assert client.get("training", auth=("ann", "chalk")).status_code == 200


@pytest.mark.parametrize(
    ("host", "elsewhere", "wanted", "offered"),
    [
        ("127.0.0.1", False, True, True),
        ("localhost", False, True, True),
        ("::1", False, True, True),
        ("127.0.0.1", False, False, False),
        ("127.0.0.1", True, True, False),
        ("0.0.0.0", False, True, False),
        ("::", False, True, False),
        ("192.168.1.7", False, True, False),
    ],
)
def test_it_is_offered_on_one_s_own_machine_alone(host, elsewhere, wanted, offered, monkeypatch):
    registered = []
    monkeypatch.setattr("atexit.register", registered.append)
    assert bool(training.open_training(wanted, host, elsewhere)) == offered
    assert len(registered) == offered
    monkeypatch.setattr(training, "SCRIPT", ROOT / "none.py")  # as in a container
    assert training.open_training(wanted, host, elsewhere) is None


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ((), (True, "127.0.0.1", False)),
        (("--no-train",), (False, "127.0.0.1", False)),
        (("--host", "0.0.0.0"), (True, "0.0.0.0", False)),
        (("--root-path", "/digits"), (True, "127.0.0.1", True)),
        (("--allowed-host", "page.example"), (True, "127.0.0.1", True)),
        (("--forwarded-allow-ips", "10.0.0.1"), (True, "127.0.0.1", True)),
        (("--share",), (True, "127.0.0.1", True)),
        (("--share-or-exit",), (True, "127.0.0.1", True)),
    ],
)
def test_what_others_may_reach_is_known_from_the_options(options, offered, monkeypatch):
    assert asked_for(monkeypatch, *options) == offered


@pytest.mark.parametrize("name", ["SPACE_ID", server.TRUSTED])
def test_what_others_may_reach_is_known_from_the_environment(name, monkeypatch):
    monkeypatch.setenv(name, "10.0.0.1")
    assert asked_for(monkeypatch) == (True, "127.0.0.1", True)


def asked_for(monkeypatch, *options: str) -> tuple:
    """What `open_training` is given by app.py with these options."""
    monkeypatch.setattr(training, "open_training", lambda *given: sys.exit(given))
    arguments = ["app.py", "--no-corrections", "--port", str(free_port()), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


def test_a_page_without_training_has_no_such_address():
    with app_main("--no-corrections", "--no-train") as address:
        assert httpx.get(f"{address}training").status_code == 404
        assert httpx.post(f"{address}training", json=QUICK).status_code == 404


def test_a_server_that_is_told_to_end_takes_the_training_along():
    options = {"stdout": subprocess.DEVNULL}
    with app_process("--no-corrections", **options) as (process, address):
        wait_until_served(address, process)
        with httpx.Client(base_url=address) as client:
            state = client.post("training", json={"recipe": "tutorial", "hidden": [600]}).json()
            directory = paths.runs() / state["run"]
            try:
                wait_for(client, lambda _: (directory / "state.pt").exists())
                child = child_of(process.pid)
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
                assert not Path(f"/proc/{child}").exists()
                assert Checkpoint.load(directory).settings.recipe.hidden == [600]
            finally:
                shutil.rmtree(directory)


def child_of(pid: int) -> int:
    (child,) = (
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    )
    return child
