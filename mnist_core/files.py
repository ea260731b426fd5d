"""Read files, and replace them so that no reader finds half a file."""

import contextlib
import csv
import gzip
import os
import secrets
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mnist_core.errors import UserError

SUFFIX = ".unfinished"


def open_file(path: str | Path, mode: str) -> IO:
    """Open `path` as text ("rt", "wt", UTF-8) or bytes ("rb", "wb").

    A file to write is gzipped if its name ends in .gz, one to read if its content begins so.
    """
    gzipped = str(path).endswith(".gz")
    if "r" in mode:
        with open(path, "rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
    opener = gzip.open if gzipped else open
    return opener(path, mode, encoding="utf-8" if "t" in mode else None)


@contextlib.contextmanager
def open_checked(path: str | Path, mode: str) -> Iterator[IO]:
    """Open a file to read. Raises UserError if it is damaged or can't be read."""
    try:
        with open_file(path, mode) as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error})") from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error


def make_directory(path: str | Path) -> None:
    """Make `path` and its parents. Raises UserError if that fails or `path` is not writable."""
    verb = "make"
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        verb = "write to"
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UserError(f"can't {verb} the folder {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "wb") -> Iterator[IO]:
    """Open a file, "wt" or "wb", that replaces `path` once it is complete and on the disk.

    A process that is killed leaves the old file or the new one. Of two writers the last to finish
    wins. Raises UserError if the disk is full or `path` can't be written.
    """
    path = Path(path)
    # `open_file` looks at the end of the name.
    unfinished = path.with_name(f".{secrets.token_hex(4)}{SUFFIX}-{path.name}")
    try:
        with open_file(unfinished, mode) as file:
            yield file
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
