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
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
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
from tests.processes import FORK, started

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


def test_the_same_correction_given_again_is_the_same(store):
    key = add(store, strokes=SEVEN)
    kept = store.all()
    assert add(store, strokes=SEVEN, key=key, network="newer") == key
    for other in ({"label": 2}, {"strokes": [[[1, 1]]]}):
        with pytest.raises(NotKept, match="another correction has this id") as caught:
            add(store, **{"strokes": SEVEN, "key": key, **other})
        assert caught.value.code == "id_taken"
    assert store.all() == kept
    assert add(store, YOURS, key=key) == key  # another person's id is theirs
    assert len(store.all()) == 2


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


def test_people_read_and_delete_their_own_only(store):
    first, other, second = add(store), add(store, YOURS), add(store, label=2)
    assert [one.key for one in store.of(MINE)] == [first, second]
    assert store.of("c" * 16) == []
    assert (store.get(MINE, other), store.delete_own(MINE, other)) == (None, 0)
    assert [store.delete_own(MINE, first), store.delete_own(MINE, first)] == [1, 0]
    assert keys(store) == [other, second]
    assert [store.delete_own(MINE), store.delete_own(MINE)] == [1, 0]
    assert keys(store) == [other]


def test_whoever_runs_the_server_relabels_and_deletes_any(store):
    for _ in range(3):
        add(store)
    assert store.relabel(1, 2)
    assert [(one.id, one.label) for one in store.all()] == [(1, 2), (2, 7), (3, 7)]
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
    assert len(store.all()) == 5


# What is refused -------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"token": "a" * 15}, "16 to 64"),
        ({"token": "a" * 65}, "16 to 64"),
        ({"token": "a" * 16 + "\n"}, "16 to 64"),
        ({"token": None}, "16 to 64"),
        ({"key": "A" * 32}, "32 hex digits"),
        ({"key": "a" * 31}, "32 hex digits"),
        ({"label": 10}, "the label is 10"),
        ({"label": True}, "the label is True"),
        ({"strokes": [[]]}, "no ink"),
        ({"strokes": [[[float("nan"), 1]]]}, "not finite"),
        ({"strokes": [[[x / 7, x / 7] for x in range(4000)]]}, "bytes; expected at most 64,000"),
    ],
)
def test_bad_input_is_refused_with_a_reason(store, bad, says):
    with pytest.raises(UserError, match=says):
        add(store, **bad)
    assert len(store.all()) == 0


def test_tokens_keys_and_labels_are_checked_by_every_method(store):
    key = add(store)
    for call in (
        lambda: store.of("short"),
        lambda: store.get(module.IMPORT_TOKEN, key),
        lambda: store.delete_own(module.IMPORT_TOKEN),
        lambda: store.delete_own(MINE, "' OR 1=1 --"),
        lambda: store.relabel(1, 10),
    ):
        with pytest.raises(UserError, match=r"expected a digit|16 to 64|32 hex digits"):
            call()
    assert store.get(MINE, key).label == 7


def test_a_person_s_space_is_limited_and_deleting_makes_room(store, monkeypatch):
    add(store, strokes=SEVEN)
    second = add(store)
    monkeypatch.setattr(module, "MAX_OF_TOKEN", sum(one.size for one in store.of(MINE)))
    with pytest.raises(NotKept, match="corrections: remove some first") as caught:
        add(store)
    assert caught.value.code == "too_many_corrections"
    add(store, YOURS)
    add(store, label=1, strokes=SEVEN)  # replaces one
    store.delete_own(MINE, second)
    add(store)


def test_the_space_of_all_is_limited(store, monkeypatch):
    first, _ = add(store), add(store, YOURS)
    total = sum(one.size for one in store.all())
    monkeypatch.setattr(module, "MAX_TOTAL", total)
    for call in (lambda: add(store, "c" * 16), lambda: store.add_drawings([drawing()])):
        with pytest.raises(NotKept, match="in all is reached") as caught:
            call()
        assert caught.value.code == "store_full"
    store.delete_own(MINE, first)
    add(store, "c" * 16)


def test_sizes_are_about_those_of_the_file(store, tmp_path):
    ink = parse_strokes([[[x, 2 * x] for x in range(0, 900, 6)]])  # 1.4 kB, a usual drawing
    store.add_drawings([Drawing(7, [ink[0] + n]) for n in range(500)])
    counted = sum(one.size for one in store.all())
    assert counted < (tmp_path / "corrections.sqlite").stat().st_size < 1.5 * counted


# Which database --------------------------------------------------------------


def test_the_environment_names_the_database_or_it_is_a_file_at_home(url, home, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    with contextlib.closing(Corrections()) as store:
        add(store)
    with contextlib.closing(Corrections(url)) as store:
        assert len(store.all()) == 1
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(UserError, match="no correction was given yet"):
        Corrections(create=False)
    assert not home.exists()
    Corrections().close()
    assert (home / "data" / "corrections.sqlite").exists()


def test_an_empty_database_is_refused_unless_it_may_be_created(url, tmp_path):
    (tmp_path / "corrections.sqlite").touch()
    with pytest.raises(UserError, match="this database holds no corrections"):
        Corrections(url, create=False)
    Corrections(url).close()
    Corrections(url, create=False).close()


@pytest.mark.parametrize(
    "url",
    ["mysql://a:secret@b/c", "corrections.sqlite", "", "sqlite://", "sqlite:///:memory:",
     "postgresql://a:secret@b:port/c", "postgresql://a:secret@b"],
)  # fmt: skip
def test_other_addresses_are_refused_without_showing_them(url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(UserError, match="sqlite:///FILE or postgresql://") as caught:
        Corrections(url or "x")
    assert "secret" not in str(caught.value)


def test_without_postgresqls_driver_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UserError, match=r"pip install 'psycopg\[binary\]'"):
        Corrections("postgresql://localhost/a")


def test_another_program_s_table_is_refused_and_left_alone(url):
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE corrections (id INTEGER, word TEXT)")
    with pytest.raises(UserError, match="has other columns than ours: name another"):
        Corrections(url)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT id, word FROM corrections").all() == []


# Several processes -----------------------------------------------------------


def keep_writing(url: str, token: str, keys: Connection) -> None:
    store = Corrections(url)
    while True:
        keys.send(add(store, token))
        time.sleep(0.01)  # lets the other one write


def test_what_writers_acknowledged_outlives_them(url):
    """Two processes open a new database and write at once; they are killed while they write."""
    with contextlib.ExitStack() as stack:
        acknowledged = {token: FORK.Pipe(duplex=False) for token in (MINE, YOURS)}
        for token, (_, sent) in acknowledged.items():
            stack.enter_context(started(keep_writing, url, token, sent))
        kept = {
            token: [come.recv() for _ in range(20)] for token, (come, _) in acknowledged.items()
        }
    with contextlib.closing(Corrections(url)) as store:
        for token, keys in kept.items():
            assert [one.key for one in store.of(token)][:20] == keys
        add(store)


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
            assert len(waiting.all()) == 0  # reading waits for nobody
        assert len(store.all()) == 0
        add(waiting)


def test_a_change_that_is_late_is_rolled_back(store):
    late = pytest.raises(StoreError, match="too slow; nothing was changed")
    with late, store._database.writing(0.1) as connection:
        connection.execute(sql.insert(database.CORRECTIONS), row())
        time.sleep(0.2)
    assert len(store.all()) == 0


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
FAIL = """CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'secret %', NEW.strokes USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER t BEFORE INSERT ON corrections FOR EACH ROW EXECUTE FUNCTION fail()"""


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


def test_postgresql_keeps_corrections_as_sqlite_does(postgresql, monkeypatch):
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
        assert store.relabel(2, 3) and not store.delete(2**31)
        assert store.delete_own(MINE, "1") == 1
        assert [one.label for one in store.all()] == [3, 7, 7]

        beside.execute(FAIL)
        refused(lambda: add(store), "DiskFull")
        beside.execute("DROP TRIGGER t ON corrections")
        monkeypatch.setattr(database, "LOCK_SECONDS", 1)
        beside.execute(f"SELECT pg_advisory_lock({database.WRITE_LOCK})")
        refused(lambda: add(store), "LockNotAvailable")
        assert len(store.all()) == 3
        beside.execute(f"SELECT pg_advisory_unlock({database.WRITE_LOCK})")

        def lose_the_connection_while_committing() -> None:
            with store._database.writing() as connection:
                connection.execute(sql.insert(database.CORRECTIONS), row(uuid.uuid4().hex))
                (process,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
                beside.execute(f"SELECT pg_terminate_backend({process})")

        refused(lose_the_connection_while_committing, kind=OutcomeUnknown)
        assert len(store.all()) == 3
        refused(lambda: Corrections(f"postgresql://a:secret@127.0.0.1:{free_port()}/a"), "running")
