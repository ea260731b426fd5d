"""The one way to replace files: nobody ever meets half a file, and nothing is left beside it."""

import contextlib
import csv
import glob
import gzip
import os
import secrets
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mnist_core.errors import UserError

SUFFIX = ".unfinished"
ABANDONED_SECONDS = 3600  # no file takes so long to write: its writer was killed


def open_file(path: str | Path, mode: str) -> IO:
    """Open `path` as text ("rt", "wt", UTF-8) or bytes ("rb", "wb"); gzipped if it ends in .gz."""
    opener = gzip.open if str(path).endswith(".gz") else open
    return opener(path, mode, encoding="utf-8" if "t" in mode else None)


@contextlib.contextmanager
def reading(path: str | Path, mode: str) -> Iterator[IO]:
    """What `open_file` opens. Raises UserError where it can't be read or is damaged."""
    try:
        with open_file(path, mode) as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error})") from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error


def make_directory(path: str | Path) -> None:
    """Make `path` and what is above it, where need be.

    Raises UserError where it can't be made or nothing can be written there: better told before
    long work than after.
    """
    what = "make"
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        what = "write to"
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UserError(f"can't {what} the folder {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def replacing(path: str | Path, mode: str = "wb") -> Iterator[IO]:
    """A file, "wt" or "wb", that takes the place of `path` once it is complete and on the disk.

    Killed at any moment it leaves the old file or the new one. Two writers don't meet: the last
    to finish wins. Raises UserError where the disk is full or `path` can't be written.
    """
    path = Path(path)
    # The ending stays: it says whether the file is gzipped.
    unfinished = path.with_name(f".{secrets.token_hex(4)}{SUFFIX}-{path.name}")
    try:
        _remove_abandoned(path)
        with open_file(unfinished, mode) as file:
            yield file
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # mostly it is in its place, or was never made
            unfinished.unlink()


def _remove_abandoned(path: Path) -> None:
    """Remove what killed writers of `path` have left."""
    for file in path.parent.glob(f".*{SUFFIX}-{glob.escape(path.name)}"):
        with contextlib.suppress(OSError):  # another writer is quicker, or it is another's
            if time.time() - file.stat().st_mtime > ABANDONED_SECONDS:
                file.unlink()
