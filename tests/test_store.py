"""Corrections are kept once acknowledged, and never once refused."""

import contextlib
import datetime
import itertools
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql

from mnist_core.corrections import database
from mnist_core.corrections import store as module
from mnist_core.corrections.database import OutcomeUnknown, StoreError
from mnist_core.corrections.store import Correction, Corrections, NotKept
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.errors import UserError
from tests.conftest import free_port
from tests.drawings import DRAWINGS

MINE, YOURS = "a" * 16, "b_-B" * 16
SEVEN = DRAWINGS[7]
NUMBERS = itertools.count(1000)  # all of one length


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/corrections.sqlite"


@pytest.fixture
def store(url) -> Iterator[Corrections]:
    with contextlib.closing(Corrections(url)) as opened:
        yield opened


def add(store: Corrections, token: str = MINE, label: int = 7, strokes: object = None, **other):
    """Keep a drawing, by default one that no other call keeps."""
    rest = {"answer": 1, "probabilities": None, "network": "test"} | other
    if strokes is None:
        strokes = [*SEVEN, [[next(NUMBERS), 0]]]
    return store.add(token, label, strokes, **rest)


def keys(store: Corrections) -> list[str]:
    return [one.key for one in store.all()]


def drawing(number: int = 0, label: int = 7, **extra) -> Drawing:
    return Drawing(label, parse_strokes([*SEVEN, [[number, 0]]]), extra)


# What is kept ----------------------------------------------------------------


def test_a_correction_comes_back_as_it_was_given(url):
    probabilities, key = [0.25, 0.75, *[0] * 8], uuid.uuid4().hex
    before = datetime.datetime.now(datetime.timezone.utc)
    with contextlib.closing(Corrections(url)) as store:
        strokes = [[[1, 2.5], [3, 4]], [], [[5, 6]]]
        assert add(store, strokes=strokes, probabilities=probabilities, key=key) == key
    with contextlib.closing(Corrections(url)) as store:  # as after a restart
        found = store.get(MINE, key)
    assert before <= found.created <= datetime.datetime.now(datetime.timezone.utc)
    text = "[[[1,2.5],[3,4]],[[5,6]]]"
    assert found == Correction(
        1, MINE, 7, text, 1, json.dumps(probabilities), "test", found.created, key,
        len(text) + database.ROW_OVERHEAD,
    )  # fmt: skip
    assert json.loads(found.public()) == {
        "id": key,
        "label": 7,
        "strokes": [[[1, 2.5], [3, 4]], [[5, 6]]],
        "answer": 1,
        "probabilities": probabilities,
        "network": "test",
        "created": found.created.isoformat(),
    }


def test_a_correction_is_a_drawing_to_train_on(store, tmp_path):
    add(store, strokes=SEVEN, answer=None, network="best, 2026")
    add(store), add(store, YOURS), store.add_drawings([drawing(-1)])
    correction, second, other, imported = store.all()
    write_drawings(tmp_path / "a.jsonl", [correction.drawing()])
    (read,) = read_drawings(tmp_path / "a.jsonl")
    assert (read.label, [stroke.tolist() for stroke in read.strokes]) == (7, SEVEN)
    assert read.extra == {
        "answer": None,
        "network": "best, 2026",
        "created": correction.created.isoformat(),
        "writer": "0c0beacef8877bbf",  # SHA-256 of sixteen a
    }
    assert second.drawing().extra["writer"] == read.extra["writer"]
    assert other.drawing().extra["writer"] != read.extra["writer"]
    assert "writer" not in imported.drawing().extra


def test_a_drawing_has_one_correction_at_a_time(store):
    first, other, theirs = add(store, strokes=SEVEN), add(store), add(store, YOURS, strokes=SEVEN)
    before = store.get(MINE, first)
    answer = {"answer": 7, "probabilities": [0.1] * 10, "network": "newer"}
    second = add(store, label=2, strokes=SEVEN, **answer)
    found = store.get(MINE, second)
    assert (found.id, found.label, found.network) == (before.id, 2, "newer")
    assert (found.probabilities, found.strokes) == ([0.1] * 10, before.strokes)
    assert found.created > before.created
    assert store.get(MINE, first) is None
    assert keys(store) == [second, other, theirs]
    assert [one.key for one in store.of(MINE, most=1)] == [second]  # a page at a time
    assert [one.key for one in store.of(MINE, after=before.id, most=1)] == [other]


def test_whoever_runs_the_server_relabels_and_deletes_any(store):
    for _ in range(3):
        add(store)
    assert store.relabel(1, 2)
    assert [(one.id, one.label) for one in store.all()] == [(1, 2), (2, 7), (3, 7)]
    assert [one.id for one in store.all(2)] == [2, 3]
    assert [store.delete(3), store.delete(3)] == [True, False]
    for id in (0, -1, 10**6, 2**31, 10**30):
        assert not store.relabel(id, 3)
        assert not store.delete(id)
    add(store)
    assert [one.id for one in store.all()] == [1, 2, 4]  # an id is not given twice


def test_what_was_deleted_is_nowhere_in_the_file(url, store, tmp_path):
    add(store), add(store, YOURS, strokes=SEVEN * 50, network="secret-network")

    def content() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert b"secret-network" in content()
    store.delete_own(YOURS)
    assert b"secret-network" not in content()
    assert YOURS.encode() not in content()


def test_drawings_are_imported_once_all_or_none(store):
    add(store, strokes=[*SEVEN, [[0, 0]]])  # a person's counts, too
    known = [drawing(n, answer=1, network="best", writer="x") for n in (0, 1, 2, 2)]
    assert store.add_drawings(known) == 2
    assert store.add_drawings(known) == 0
    assert store.add_drawings([drawing(0, label=1, answer="one", network=[1])]) == 1
    assert store.add_drawings([drawing(3, answer=10, network="")]) == 1
    assert store.add_drawings([]) == 0
    _, first, _, *odd = store.all()
    assert (first.answer, first.network, first.token) == (1, "best", module.IMPORT_TOKEN)
    assert [(one.answer, one.network) for one in odd] == [(None, "imported")] * 2
    with pytest.raises(UserError, match="drawing 2: the drawing has no ink"):
        store.add_drawings([drawing(9), Drawing(3, [])])
    assert store.count() == 5


# What is refused -------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"token": "a" * 15}, "16 to 64"),
        ({"token": "a" * 16 + "\n"}, "16 to 64"),
        ({"key": "A" * 32}, "32 hex digits"),
        ({"label": 10}, "the label is 10"),
        ({"strokes": [[]]}, "no ink"),
        ({"strokes": [[[float("nan"), 1]]]}, "not finite"),
        ({"strokes": [[[x / 7, x / 7] for x in range(4000)]]}, "bytes; at most 64,000 are kept"),
    ],
)
def test_bad_input_is_refused_with_a_reason(store, bad, says):
    with pytest.raises(UserError, match=says):
        add(store, **bad)
    assert store.count() == 0


def test_a_person_s_space_is_limited_and_deleting_makes_room(store, monkeypatch):
    add(store, strokes=SEVEN)
    second = add(store)
    monkeypatch.setattr(module, "MAX_OF_TOKEN", sum(one.size for one in store.of(MINE)))
    with pytest.raises(NotKept, match="for one person: remove some first") as caught:
        add(store)
    assert caught.value.code == "too_many_corrections"
    add(store, YOURS)
    add(store, label=1, strokes=SEVEN)  # replaces one
    store.delete_own(MINE, second)
    add(store)


# Which database --------------------------------------------------------------


def test_the_environment_names_the_database_or_it_is_a_file_at_home(url, home, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    with contextlib.closing(Corrections()) as store:
        add(store)
    with contextlib.closing(Corrections(url)) as store:
        assert store.count() == 1
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(UserError, match="no correction was kept yet"):
        Corrections(create=False)
    assert not home.exists()
    Corrections().close()
    assert (home / "data" / "corrections.sqlite").exists()


@pytest.mark.parametrize(
    "url",
    ["mysql://a:secret@b/c", "", "sqlite:///:memory:", "postgresql://a:secret@b"],
)
def test_other_addresses_are_refused_without_showing_them(url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(UserError, match="sqlite:///FILE or postgresql://") as caught:
        Corrections(url or "x")
    assert "secret" not in str(caught.value)


# Several processes -----------------------------------------------------------


def test_two_programs_open_a_new_database_at_once_and_lose_nothing(url):
    def give(token: str) -> list[str]:
        with contextlib.closing(Corrections(url)) as store:
            return [add(store, token) for _ in range(20)]

    with ThreadPoolExecutor(2) as programs:
        mine, yours = programs.map(give, (MINE, YOURS))
    with contextlib.closing(Corrections(url)) as store:
        assert [[one.key for one in store.of(token)] for token in (MINE, YOURS)] == [mine, yours]


# When it can't be written ----------------------------------------------------


def refused(call: Callable, says: str | None = None, kind: type = StoreError) -> None:
    """`call` fails in a line that has the remedy and neither SQL nor anybody's data."""
    with pytest.raises(StoreError, match=says) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "try again" in message
    assert not any(word in message for word in ("\n", "INSERT", "sqlalche", MINE, "[[", "secret"))
    assert caught.value.__suppress_context__


def row(key: str | None = None) -> dict:
    return module._row(7, SEVEN, key, token=MINE, answer=1, network="n")


def test_what_is_refused_under_a_lock_is_never_kept(url, store, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.3)
    with contextlib.closing(Corrections(url)) as waiting:
        with store._database.writing():
            refused(lambda: add(waiting), "locked")
            assert waiting.count() == 0  # reading waits for nobody
        assert store.count() == 0
        add(waiting)


def test_a_change_that_is_late_is_rolled_back(store):
    late = pytest.raises(StoreError, match="too slow: nothing was changed")
    with late, store._database.writing(0.1) as connection:
        connection.execute(sql.insert(database.CORRECTIONS), row())
        time.sleep(0.2)
    assert store.count() == 0


def test_asking_for_a_correction_waits_for_its_writer(url, store):
    key, locked, go_on = uuid.uuid4().hex, threading.Event(), threading.Event()

    def write_slowly() -> None:
        with contextlib.closing(Corrections(url)) as other, other._database.writing() as connection:
            connection.execute(sql.insert(database.CORRECTIONS), row(key))
            locked.set()
            go_on.wait(0.5)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    locked.wait()
    assert store.get(MINE, key).key == key
    thread.join()


def test_sqlite_s_errors_are_shown(url, store, tmp_path):
    refused(lambda: Corrections(f"sqlite:///{tmp_path}/none/a.sqlite"), "unable to open database")
    (tmp_path / "corrections.sqlite").write_text("This is a letter, and nothing else. " * 100)
    refused(lambda: add(store), "file is not a database")


# PostgreSQL ------------------------------------------------------------------

FIRST_TABLE = f"""CREATE TABLE corrections (id SERIAL PRIMARY KEY, token VARCHAR(64) NOT NULL,
    label SMALLINT NOT NULL, strokes TEXT NOT NULL, answer SMALLINT, probabilities TEXT,
    network VARCHAR(64) NOT NULL, created TIMESTAMP WITH TIME ZONE NOT NULL);
    CREATE INDEX corrections_token_created ON corrections (token, created);
    INSERT INTO corrections (token, label, strokes, network, created) VALUES
    ('{MINE}', 7, '[[[1,2],[3,4]]]', 'best', '2026-11-25 10:00:00Z')"""


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server of this test's own. Skips if none is installed."""
    psycopg = pytest.importorskip("psycopg", reason="PostgreSQL's driver is not installed")
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), shutil.which("initdb")]
    if not (initdb := next(filter(None, found), None)):
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    folder, port = Path(initdb).resolve().parent, free_port()
    with tempfile.TemporaryDirectory() as place:
        settings = {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if os.geteuid() == 0:  # PostgreSQL refuses root
            nobody = pwd.getpwnam("nobody")
            os.chown(place, nobody.pw_uid, nobody.pw_gid)
            settings |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        options = ["--no-sync", "-A", "trust", "-U", "postgres", "-D", "data"]
        subprocess.run([folder / "initdb", *options], check=True, **settings)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        command = [folder / "postgres", "-D", "data", "-p", str(port), *options]
        with subprocess.Popen(command, **settings) as process:
            address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            while process.poll() is None:
                with contextlib.suppress(psycopg.OperationalError):
                    psycopg.connect(address).close()
                    break
                time.sleep(0.1)
            yield address
            process.send_signal(signal.SIGINT)  # it does not wait for its clients


def test_postgresql_keeps_corrections_as_sqlite_does(postgresql):
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as beside:
        beside.execute(FIRST_TABLE)
        store = Corrections(postgresql.replace("postgresql:", "postgres:"), create=False)
        (old,) = store.all()
        assert (old.key, old.size) == ("1", 15 + database.ROW_OVERHEAD)
        assert old.created.isoformat() == "2026-11-25T10:00:00+00:00"
        key = add(store, probabilities=[0.1] * 10)
        assert store.get(MINE, key).probabilities == [0.1] * 10
        assert store.add_drawings([drawing(1), drawing(1), drawing(2)]) == 2
        assert (store.relabel(2, 3), store.delete_own(MINE, "1")) == (True, 1)
        assert [one.label for one in store.all()] == [3, 7, 7]

        def lose_the_connection_while_committing() -> None:
            with store._database.writing() as connection:
                connection.execute(sql.insert(database.CORRECTIONS), row(uuid.uuid4().hex))
                (process,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
                beside.execute(f"SELECT pg_terminate_backend({process})")

        refused(lose_the_connection_while_committing, kind=OutcomeUnknown)
        assert store.count() == 3
        refused(lambda: Corrections(f"postgresql://a:secret@127.0.0.1:{free_port()}/a"), "running")
