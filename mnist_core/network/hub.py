"""Networks on the Hugging Face Hub, whose addresses are hf://USER/NAME."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import HfApi, get_token, snapshot_download
from huggingface_hub.utils import validate_repo_id

from mnist_core.errors import UserError
from mnist_core.network.weights import FILES, HUB


def check_token(repository: str) -> None:
    """Raise UserError unless the Hub accepts the user's token."""
    if get_token() is None:
        raise UserError(
            f"no token to push to {repository} with. Make one with write access at "
            "https://huggingface.co/settings/tokens, then: hf auth login (or set HF_TOKEN)"
        )
    with _hub_errors(f"can't push to {repository}"):
        validate_repo_id(repository)
        HfApi().whoami()


def push(directory: Path, repository: str) -> str:
    """Upload the network in `directory` to `repository`, made if needed; return its address."""
    with _hub_errors(f"can't push to {repository}"):
        api = HfApi()
        address = api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=directory, allow_patterns=list(FILES))
    return str(address)


def fetch(address: str) -> Path:
    """Download the network at hf://USER/NAME to the library's cache and return its folder."""
    with _hub_errors(f"can't load a network from {address}"):
        return Path(snapshot_download(address.removeprefix(HUB), allow_patterns=list(FILES)))


@contextlib.contextmanager
def _hub_errors(failure: str) -> Iterator[None]:
    """Turn any exception into a UserError, as the library's classes depend on its version."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{failure}: {reason or type(error).__name__}") from error
