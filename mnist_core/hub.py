"""Share a network on the Hugging Face Hub and fetch one from there: hf://USER/NAME.

Every failure (no network, no token, no such repository) is an OSError or a
ValueError of one line: which classes the library raises depends on its version
and on its HTTP client's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, get_token, snapshot_download
from huggingface_hub.utils import validate_repo_id

PREFIX = "hf://"


def check(repository: str) -> None:
    """Raise OSError unless the Hub answers and knows who we are: better before a long training."""
    if get_token() is None:
        raise OSError(
            f"no token to push to {repository} with. Make one that may write at "
            "https://huggingface.co/settings/tokens, then: hf auth login (or set HF_TOKEN)"
        )
    with _one_line(f"can't push to {repository}"):
        validate_repo_id(repository)
        HfApi().whoami()


def push(directory: Path, repository: str, files: tuple[str, ...]) -> str:
    """Upload `files` of `directory` to `repository`, made if need be; its address."""
    with _one_line(f"can't push to {repository}"):
        api = HfApi()
        address = api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=directory, allow_patterns=list(files))
    return str(address)


def fetch(place: str, files: tuple[str, ...]) -> Path:
    """The folder with `files` of hf://USER/NAME, in the library's cache, which serves offline."""
    repository = place.removeprefix(PREFIX)
    with _one_line(f"can't load a network from {place}"):
        return Path(snapshot_download(repository, allow_patterns=list(files)))


@contextmanager
def _one_line(failure: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise OSError(f"{failure}: {reason or type(error).__name__}") from error
