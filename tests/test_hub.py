"""A network goes to the Hugging Face Hub and comes from there, or one line says why not."""

from collections.abc import Callable

import pytest
from huggingface_hub import constants

from mnist_core import Recognizer
from mnist_core.errors import UserError
from mnist_core.network import weights
from scripts import train
from tests.conftest import free_port
from tests.hub_stub import served
from tests.small_training import shrink


@pytest.fixture
def hub():
    with served(token="hf_right") as hub:
        yield hub


@pytest.fixture(autouse=True)
def client(tmp_path, monkeypatch, hub) -> Callable[[str], None]:
    """Let the Hub's client in this process ask `hub`, or another address."""

    def use(address: str) -> None:
        files = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "ENDPOINT", address)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # whatever the environment says
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    use(hub.address)
    return use


def test_a_network_is_published_and_loaded(tmp_path, hub, monkeypatch, capsys):
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
    hub.repositories.clear()  # what was fetched once is there without a network
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert Recognizer.load("hf://me/digits").model.hidden == (16,)


def test_a_wrong_token_is_refused_before_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    options = ("--output", str(tmp_path / "run"), "--push-to-hub", "me/digits")
    monkeypatch.setattr("sys.argv", ["train.py", *options])
    with pytest.raises(SystemExit) as ended:
        train.main()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "can't push to me/digits" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("call", "place", "says"),
    [
        (weights.load, "hf://me/nothing", "^can't load a network from hf://me/nothing: .*404"),
        (weights.load, "hf://not a name", "can't load a network from hf://not a name"),
        (weights.check_token, "not a name", "can't push to not a name"),
    ],
)
def test_what_the_hub_does_not_have_is_one_line(call, place, says):
    with pytest.raises(UserError, match=says) as caught:
        call(place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("call", [weights.load, weights.check_token])
def test_no_connection_is_one_line(call, client):
    client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UserError, match=r"^can't .*me/digits: ") as caught:
        call("hf://me/digits" if call is weights.load else "me/digits")
    assert "\n" not in str(caught.value)


def test_without_a_token_the_way_to_one_is_named(monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match="hf auth login"):
        weights.check_token("me/digits")
