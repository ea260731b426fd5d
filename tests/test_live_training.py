"""A training that the page starts and watches: what it streams, its ends, and who may start one."""

import contextlib
import json
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
from mnist_core.network import weights
from mnist_core.network.grid import browser_file, read_header
from mnist_core.training import trainer
from mnist_core.training.checkpoint import Checkpoint
from scripts import train
from serving import server, training
from serving.errors import Refusal
from serving.training import LiveTraining, training_routes
from tests.conftest import ROOT, app_main, app_process, free_port, run, wait_until_served
from tests.routes import routes_alone

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
        ([], "expected an object of recipe, hidden, "),
        ({}, "the recipe is not one of tutorial, quick, best"),
        ({**QUICK, "output": "/tmp/x"}, "expected an object of recipe"),
        ({"recipe": "--help"}, "the recipe is not one of tutorial, quick, best"),
        ({"recipe": ["best"]}, "the recipe is not one of tutorial, quick, best"),
        ({**QUICK, "loss": "mse"}, "the loss is not one of nll, "),
        ({**QUICK, "hidden": 7}, "a list of at most 4 whole"),
        ({**QUICK, "hidden": [8] * 5}, "a list of at most 4 whole"),
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
    with pytest.raises(Refusal, match=re.escape(says)) as caught:
        training.checked(content)
    assert (caught.value.status, caught.value.code) == (422, "invalid_training")


def test_options_are_the_script_s():
    assert set(training.RECIPES) == set(train.RECIPES)
    assert training.LOSSES == train.LOSSES
    largest = trainer.RECIPES["best"].hidden
    assert training.checked({**QUICK, "hidden": list(largest)})
    assert training.checked({**QUICK, "loss": None, "learning_rate": 1}) == {
        **QUICK, "learning_rate": 1,
    }  # fmt: skip


# Stands for scripts/train.py: it trains for a minute, and ends as that does when it is told to.
TRAINER = """
import time
print("epochs           8", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("train.py: stopped; continue with --resume DIR", flush=True)
"""
SERVER = """
import json, sys, time
from pathlib import Path
from serving.training import LiveTraining
command, runs, options = json.load(sys.stdin)
LiveTraining(command, Path(runs)).start(options)
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def left_alone(live):
    """A training whose server was killed; a new server's client."""
    live.command = ("-c", TRAINER)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, **pipes) as server:
        server.stdin.write(json.dumps([live.command, str(live.runs), QUICK]))
        server.stdin.close()
        assert server.stdout.readline() == "started\n"
        server.kill()
    (file,) = live.runs.glob(f"*/{training.LIVE_FILE}")
    pid = json.loads(file.read_text())["pid"]
    with routes_alone(training_routes(LiveTraining(live.command, live.runs))) as client:
        yield client, file.parent
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_training_whose_server_was_killed_is_known_to_the_next_and_can_be_stopped(left_alone):
    client, directory = left_alone
    state = wait_for(client, lambda state: state["epochs"])
    assert (state["state"], state["run"], state["options"]) == ("running", directory.name, QUICK)
    refused = client.post("training", json=QUICK)
    assert (refused.status_code, refused.json()["code"]) == (409, "training_under_way")
    assert client.post("training/stop").json()["state"] == "stopping"
    state = wait_for(client, has_ended)
    assert (state["state"], state["reason"]) == ("stopped", "stopped; continue with --resume DIR")
    assert client.post("training", json=QUICK).json()["state"] == "running"
    assert client.post("training/stop").status_code == 200
    wait_for(client, has_ended)


def test_a_training_that_another_server_has_started_is_refused_a_second(left_alone, live):
    _, directory = left_alone
    assert live.state()["state"] == "none"  # it looked before that began
    with pytest.raises(Refusal, match="a training is under way"):
        live.start(QUICK)
    assert live.state()["run"] == directory.name
    live.close()  # ends only what it started
    assert live.state()["state"] == "running"


WINDOWS = """
import os, pathlib, signal, subprocess, sys
import asyncio, gradio, torch, uvicorn  # which know where they really are
sys.platform, sys.modules["fcntl"], sys.modules["resource"] = "win32", None, None
del os.setpriority, signal.SIGKILL
popen = subprocess.Popen
def windows_popen(command, pass_fds=(), creationflags=0, **other):
    assert not pass_fds and creationflags == 0x4000
    return popen(command, **other)
subprocess.Popen, subprocess.BELOW_NORMAL_PRIORITY_CLASS = windows_popen, 0x4000
from serving.training import LiveTraining
live = LiveTraining(("-c", "import time; time.sleep(60)"), pathlib.Path(sys.argv[1]))
live.start({"recipe": "tutorial"})
assert live.state()["state"] == "running"
async def stop():
    live.stop()
asyncio.run(stop())
live.process.wait(20)
assert live.state()["state"] == "stopped", live.state()
assert live.process.returncode == -signal.SIGTERM
"""


def test_on_windows_it_trains_and_stops_too(tmp_path):
    """What Windows lacks is taken away, the rest is this machine's."""
    done = run("-c", WINDOWS, tmp_path, cwd=ROOT)
    assert done.returncode == 0, done.stderr


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
