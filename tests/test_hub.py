"""A network goes to the Hugging Face Hub and comes from there, or one line says why not."""

from pathlib import Path
from unittest.mock import create_autospec

import pytest
from huggingface_hub import HfApi, snapshot_download

from mnist_core import Recognizer
from mnist_core.errors import UserError
from mnist_core.network import hub, weights
from tests.small_training import train_small


@pytest.fixture
def client(tmp_path, monkeypatch):
    """The Hub's client, which takes a call only as the real one would: nothing leaves here."""
    client = create_autospec(HfApi, instance=True)
    client.create_repo.return_value = "https://hub/me/digits"
    download = create_autospec(snapshot_download, return_value=str(tmp_path / "run"))
    monkeypatch.setattr(hub, "HfApi", lambda: client)
    monkeypatch.setattr(hub, "snapshot_download", download)
    monkeypatch.setattr(hub, "get_token", lambda: "hf_right")
    return client


def push(directory: Path, code: int = 0) -> str:
    options = ("--epochs", 1, "--output", directory, "--push-to-hub", "me/digits")
    return train_small(*options, code=code)


def test_a_network_is_published_and_loaded(tmp_path, client):
    assert "published at https://hub/me/digits" in push(tmp_path / "run")
    client.create_repo.assert_called_once_with("me/digits", exist_ok=True)
    (sent,) = client.upload_folder.call_args_list
    assert (sent.kwargs["repo_id"], sent.kwargs["folder_path"]) == ("me/digits", tmp_path / "run")
    assert set(sent.kwargs["allow_patterns"]) == set(weights.FILES)  # neither state nor pictures
    assert Recognizer.load("hf://me/digits").model.hidden == (16,)
    assert hub.snapshot_download.call_args.args == ("me/digits",)


def test_a_wrong_token_is_refused_before_training(tmp_path, client):
    client.whoami.side_effect = OSError("401\nInvalid token")
    message = "train.py: can't push to me/digits: 401 Invalid token\n"
    assert push(tmp_path / "run", code=2) == message
    assert not (tmp_path / "run").exists()


def test_a_network_that_the_hub_does_not_have_is_one_line(client):
    hub.snapshot_download.side_effect = OSError("404\nnot found")
    with pytest.raises(UserError, match="can't load a network from hf://me/none: 404 not found"):
        weights.load("hf://me/none")


def test_without_a_token_the_way_to_one_is_named(client, monkeypatch):
    monkeypatch.setattr(hub, "get_token", lambda: None)
    with pytest.raises(UserError, match="hf auth login"):
        hub.check_token("me/digits")
