"""A PostgreSQL server of the tests' own, and a new database in it for each test."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port

TO_RUN = "set TEST_DATABASE_URL or install PostgreSQL's server (apt-get install postgresql)"


def binaries() -> Path | None:
    """The folder with initdb and postgres, the newest version's; None where there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda file: float(file.parts[-3]), default=None)
    return newest and newest.parent


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a server, without a database: TEST_DATABASE_URL's or one for these tests.

    Skips where neither can be had.
    """
    pytest.importorskip("psycopg", reason="PostgreSQL's driver is not installed")
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given.rpartition("/")[0]
        return
    if not (folder := binaries()):
        pytest.skip(f"there is no PostgreSQL: {TO_RUN}")
    place = tempfile.TemporaryDirectory(prefix="postgresql-")
    with place, own_server(folder, Path(place.name)) as address:
        yield address


@contextlib.contextmanager
def own_server(folder: Path, place: Path) -> Iterator[str]:
    """The address of a server whose cluster lies in `place`, an empty folder."""
    port, data, log = free_port(), place / "data", place / "log"
    settings = {"cwd": place, "stdout": subprocess.DEVNULL, **unprivileged(place)}
    initdb = [folder / "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-D", data]
    subprocess.run(initdb, check=True, **settings)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    command = [folder / "postgres", "-D", data, "-p", str(port), *options]
    with log.open("w") as errors:
        process = subprocess.Popen(command, stderr=errors, **settings)
    try:
        address = f"postgresql://postgres@127.0.0.1:{port}"
        wait_until_it_answers(address, process, log)
        yield address
    finally:
        process.send_signal(signal.SIGINT)  # after SIGTERM it would wait for every client
        process.wait(20)


def unprivileged(place: Path) -> dict:
    """Who runs the server, for `subprocess`: PostgreSQL refuses root. `place` becomes theirs."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(place, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def wait_until_it_answers(address: str, process: subprocess.Popen, log: Path) -> None:
    import psycopg

    for _ in range(300):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"{address}/postgres").close()
            return
        time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL does not answer at {address}: {log.read_text()}")


@contextlib.contextmanager
def new_database(address: str) -> Iterator[str]:
    """The address of an empty database, gone afterwards."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{address}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
