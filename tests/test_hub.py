"""A network goes to the Hugging Face Hub and comes from there, or one line says why not."""

import pytest
from huggingface_hub import constants

import app
from mnist_core import Recognizer
from mnist_core.network import weights
from scripts import train
from tests.conftest import free_port
from tests.hub_stub import served
from tests.small_training import shrink


@pytest.fixture
def hub():
    with served(token="hf_right") as hub:
        yield hub


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Let the Hub's client in this process ask `endpoint`."""

    def client(endpoint: str) -> None:
        files = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # whatever the environment says
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    return client


def test_a_network_is_published_and_comes_from_there(tmp_path, hub, client, monkeypatch, capsys):
    client(hub.address)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    shrink(monkeypatch.setattr)
    directory = tmp_path / "run"
    options = ("--epochs", "1", "--output", str(directory), "--push-to-hub", "me/digits")
    monkeypatch.setattr("sys.argv", ["train.py", *options])
    train.main()
    assert f"published at {hub.address}/me/digits" in capsys.readouterr().out
    pushed = hub.repositories["me/digits"]
    assert set(pushed) == set(weights.FILES)  # neither the state nor the pictures
    assert pushed["model.safetensors"] == (directory / "model.safetensors").read_bytes()
    assert Recognizer.load("hf://me/digits").model.hidden == (16,)
    hub.repositories.clear()  # what was fetched once is there with no network
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert Recognizer.load("hf://me/digits").model.hidden == (16,)


@pytest.fixture
def refused(hub, client, monkeypatch, capsys):
    """Run a script's main with the stub, or another endpoint; give back the one line it says."""

    def refused(main, *arguments: object, endpoint: str = hub.address) -> str:
        client(endpoint)
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
