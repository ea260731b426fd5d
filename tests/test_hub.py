"""A network goes to the Hugging Face Hub and comes from there, or one line says why not."""

import os
import subprocess
import sys

import pytest
from huggingface_hub import constants

import app
from mnist_core import weights
from scripts import train
from tests.conftest import ROOT, free_port, run, wait_until_served
from tests.hub_stub import served

READ = "import sys, mnist_core as m; print(m.Recognizer.load(sys.argv[1]).model.hidden)"


@pytest.fixture
def hub():
    with served(token="hf_right") as hub:
        yield hub


def test_a_network_is_published_and_the_page_loads_it(tmp_path, hub):
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(tmp_path / "cache"),
        "HF_TOKEN": "hf_right",
    }
    directory = tmp_path / "run"
    settings = ("-m", "tests.small_training", "--epochs", 1, "--output", directory)
    done = run(*settings, "--push-to-hub", "me/digits", cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    assert f"{hub.address}/me/digits" in done.stdout
    pushed = hub.repositories["me/digits"]
    assert set(pushed) == set(weights.FILES)  # neither the state nor the pictures
    assert pushed["model.safetensors"] == (directory / "model.safetensors").read_bytes()

    port = free_port()
    command = [sys.executable, ROOT / "app.py", "--weights", "hf://me/digits", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_served(f"http://127.0.0.1:{port}/", process)
    finally:
        process.terminate()
        process.wait(20)

    hub.repositories.clear()  # what was fetched once is there with no network
    offline = {**environment, "HF_HUB_OFFLINE": "1"}
    done = run("-c", READ, "hf://me/digits", cwd=ROOT, env=offline)
    assert done.stdout.strip() == "(16,)", done.stderr


@pytest.fixture
def refused(tmp_path, hub, monkeypatch, capsys):
    """Run a script's main with the stub, or another endpoint; give back the one line it says."""

    def refused(main, *arguments: object, endpoint: str = hub.address) -> str:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("sys.argv", ["script.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        message = capsys.readouterr().err
        assert ended.value.code == 2
        assert message.count("\n") == 1, message
        return message

    return refused


def test_a_repository_that_is_not_there_is_one_line(refused):
    message = refused(app.main, "--weights", "hf://me/nothing")
    assert message.startswith("app.py: can't load a network from hf://me/nothing: ")
    assert "404" in message


def test_a_name_that_is_none_is_one_line(refused, monkeypatch):
    assert "hf://not a name" in refused(app.main, "--weights", "hf://not a name")
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert "can't push to not a name" in refused(train.main, "--push-to-hub", "not a name")


def test_no_network_is_one_line(refused):
    nobody = f"http://127.0.0.1:{free_port()}"
    message = refused(app.main, "--weights", "hf://me/digits", endpoint=nobody)
    assert "can't load a network from hf://me/digits" in message


@pytest.mark.parametrize(
    ("token", "says"), [(None, "hf auth login"), ("hf_wrong", "can't push to me/digits")]
)
def test_a_missing_or_wrong_token_is_one_line_before_training(
    tmp_path, refused, monkeypatch, token, says
):
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    options = ("--output", tmp_path / "run", "--push-to-hub", "me/digits")
    assert says in refused(train.main, *options)
    assert not (tmp_path / "run").exists()


def test_no_network_to_publish_is_one_line_before_training(tmp_path, refused, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    nobody = f"http://127.0.0.1:{free_port()}"
    options = ("--output", tmp_path / "run", "--push-to-hub", "me/digits")
    assert "can't push to me/digits" in refused(train.main, *options, endpoint=nobody)
