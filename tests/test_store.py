"""Corrections are kept, once acknowledged, and never kept once refused: on SQLite and PostgreSQL.

Every test here runs on both, but for those whose names say one.
"""

import contextlib
import datetime
import itertools
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from mnist_core import paths
from mnist_core.corrections import database
from mnist_core.corrections import store as module
from mnist_core.corrections.database import OutcomeUnknown, StoreError
from mnist_core.corrections.store import Correction, Corrections, NotKept
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.errors import UserError
from tests import postgresql
from tests.conftest import ROOT, free_port
from tests.drawings import DRAWINGS

MINE, YOURS = "a" * 16, "b_-B" * 16
SEVEN = DRAWINGS[7]
NUMBERS = itertools.count(1000)  # all of one length
# The table as the version before keys and sizes made it.
OLD_TABLE = """CREATE TABLE corrections (id {number}, token VARCHAR(64) NOT NULL,
    label SMALLINT NOT NULL, strokes TEXT NOT NULL, answer SMALLINT, probabilities TEXT,
    network VARCHAR(64) NOT NULL, created {moment} NOT NULL)"""
OLD_TYPES = {
    "sqlite": {"number": "INTEGER PRIMARY KEY AUTOINCREMENT", "moment": "DATETIME"},
    "postgresql": {"number": "SERIAL PRIMARY KEY", "moment": "TIMESTAMP WITH TIME ZONE"},
}
OLD_INDEX = "CREATE INDEX corrections_token_created ON corrections (token, created)"
OLD_ROWS = f"""INSERT INTO corrections (token, label, strokes, network, created) VALUES
    ('{MINE}', 7, '[[[1,2],[3,4]]]', 'best', '2026-11-25 10:00:00.000000'),
    ('imported', 4, '[[[5,6]]]', 'imported', '2026-11-25 10:00:01.000000')"""


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[str]:
    with postgresql.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/corrections.sqlite"
        return
    with postgresql.new_database(request.getfixturevalue("postgresql_server")) as address:
        yield address


@pytest.fixture
def store(url) -> Iterator[Corrections]:
    with contextlib.closing(Corrections(url)) as opened:
        yield opened


def add(store: Corrections, token: str = MINE, label: int = 7, strokes: object = None, **other):
    """Keep a drawing, a new one each time where none is given."""
    rest = {"answer": 1, "probabilities": None, "network": "test"} | other
    if strokes is None:
        strokes = [*SEVEN, [[next(NUMBERS), 0]]]
    return store.add(token, label, strokes, **rest)


def row(key: str | None = None) -> dict:
    return module._row(7, SEVEN, key, token=MINE, answer=1, network="n")


def keys(store: Corrections) -> list[str]:
    return [one.key for one in store.all()]


def drawing(number: int = 0, label: int = 7, **extra) -> Drawing:
    """A 7 that differs from those of other numbers."""
    return Drawing(label, parse_strokes([*SEVEN, [[number, 0]]]), extra)


def execute(url: str, *statements: str) -> list:
    """Run SQL beside the store; the last statement's rows."""
    engine = sql.create_engine(database._address(url), poolclass=sql.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return result.all() if result.returns_rows else []


def index_names(url: str) -> set[str]:
    with sql.create_engine(database._address(url), poolclass=sql.NullPool).connect() as connection:
        return {index["name"] for index in sql.inspect(connection).get_indexes("corrections")}


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
    assert found.created.utcoffset() == datetime.timedelta(0)
    text = "[[[1,2.5],[3,4]],[[5,6]]]"
    assert found == Correction(
        1, MINE, 7, text, 1, json.dumps(probabilities), "test", found.created, key,
        len(text) + database.OVERHEAD,
    )  # fmt: skip
    assert found.strokes == [[[1, 2.5], [3, 4]], [[5, 6]]]
    assert json.loads(found.public()) == {
        "id": key,
        "label": 7,
        "strokes": found.strokes,
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
    (kept,) = store.all()
    assert add(store, strokes=SEVEN, key=key, network="newer") == key
    assert list(store.all()) == [kept]
    for other in ({"label": 2}, {"strokes": [[[1, 1]]]}):
        with pytest.raises(NotKept, match="another correction has this id") as caught:
            add(store, **{"strokes": SEVEN, "key": key, **other})
        assert caught.value.code == "id_taken"
    assert list(store.all()) == [kept]
    assert add(store, YOURS, key=key) == key  # another person's id is theirs
    assert store.count() == 2


def test_one_drawing_has_one_correction_at_a_time(store):
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
    assert store.get(YOURS, theirs).network == "test"


def test_everybody_sees_and_removes_their_own(store):
    first, other, second = add(store), add(store, YOURS), add(store, label=2)
    assert [one.key for one in store.of(MINE)] == [first, second]
    assert [one.key for one in store.of(YOURS)] == [other]
    assert store.of("c" * 16) == []
    assert store.get(MINE, other) is None
    assert store.delete_own(MINE, other) == 0
    assert [store.delete_own(MINE, first), store.delete_own(MINE, first)] == [1, 0]
    assert keys(store) == [other, second]
    add(store)
    assert [store.delete_own(MINE), store.delete_own(MINE)] == [2, 0]
    assert keys(store) == [other]


def test_whoever_runs_the_server_relabels_and_removes_any(store):
    add(store), add(store)
    assert store.relabel(1, 2)
    assert [one.label for one in store.all()] == [2, 7]
    assert [store.delete(1), store.delete(1)] == [True, False]
    for id in (0, -1, 10**6, 2**31, 10**30):
        assert not store.relabel(id, 3)
        assert not store.delete(id)
    add(store)
    assert [one.id for one in store.all()] == [2, 3]  # an id is not given twice


def test_what_was_removed_is_nowhere_in_sqlites_files(tmp_path):
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/a.sqlite")) as store:
        add(store), add(store, YOURS, strokes=SEVEN * 50, network="secret-network")
        assert b"secret-network" in content(tmp_path)
        store.delete_own(YOURS)
        assert b"secret-network" not in content(tmp_path)
        assert YOURS.encode() not in content(tmp_path)


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


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
        ({"strokes": [[[x / 7, x / 7] for x in range(4000)]]}, "bytes and 64,000 are kept"),
    ],
)
def test_bad_input_is_refused_with_a_reason(tmp_path, bad, says):
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/a.sqlite")) as store:
        with pytest.raises(UserError, match=says):
            add(store, **bad)
        assert store.count() == 0


def test_tokens_ids_and_labels_are_checked_wherever_they_are_given(store):
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


def test_one_person_has_so_many_bytes_and_removing_makes_room(store, monkeypatch):
    add(store, strokes=SEVEN)
    second = add(store)
    monkeypatch.setattr(module, "MAX_OF_TOKEN", sum(one.size for one in store.of(MINE)))
    with pytest.raises(NotKept, match="of one person: remove some first") as caught:
        add(store)
    assert caught.value.code == "too_many_corrections"
    add(store, YOURS)
    add(store, label=1, strokes=SEVEN)  # replaces one
    store.delete_own(MINE, second)
    add(store)


def test_all_together_have_so_many_bytes(store, monkeypatch):
    first, _ = add(store), add(store, YOURS)
    total = sum(one.size for one in store.all())
    monkeypatch.setattr(module, "MAX_TOTAL", total)
    for call in (lambda: add(store, "c" * 16), lambda: store.add_drawings([drawing()])):
        with pytest.raises(NotKept, match="too little is left") as caught:
            call()
        assert caught.value.code == "store_full"
    store.delete_own(MINE, first)
    add(store, "c" * 16)
    assert sum(one.size for one in store.all()) <= total


def test_sizes_are_about_those_of_sqlites_file(tmp_path):
    ink = parse_strokes([[[x, 2 * x] for x in range(0, 900, 6)]])  # 1.4 kB, a usual drawing
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/a.sqlite")) as store:
        store.add_drawings([Drawing(7, [ink[0] + n]) for n in range(500)])
        counted = sum(one.size for one in store.all())
    assert counted < (tmp_path / "a.sqlite").stat().st_size < 1.5 * counted


def test_sums_are_read_from_an_index(url, store):
    """At 300 MB reading the rows would take long."""
    if url.startswith("sqlite"):
        plan = str(execute(url, "EXPLAIN QUERY PLAN SELECT sum(size) FROM corrections"))
        assert "COVERING INDEX corrections_token_size" in plan
    else:
        query = "SELECT indexdef FROM pg_indexes WHERE indexname = 'corrections_token_size'"
        assert "(token, size)" in execute(url, query)[0][0]


# Reading and drawing files ---------------------------------------------------


def test_others_write_while_all_are_read_page_by_page(url, store, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    for _ in range(5):
        add(store)
    assert [[one.id for one in store.all(n)] for n in (1, 3, 10**9)] == [
        [5], [3, 4, 5], [1, 2, 3, 4, 5],
    ]  # fmt: skip
    reading = store.all()
    assert next(reading).id == 1
    with contextlib.closing(Corrections(url)) as other:
        assert other.delete(1)
        assert other.delete(3)
        assert other.relabel(5, 3)
        add(other)
    assert [(one.id, one.label) for one in reading] == [(2, 7), (4, 7), (5, 3), (6, 7)]


def test_drawings_are_imported_once_all_or_none(store):
    add(store, strokes=[*SEVEN, [[0, 0]]])  # a person's counts too
    known = [drawing(n, answer=1, network="best", writer="x") for n in (0, 1, 2, 2)]
    assert store.add_drawings(known) == 2
    assert store.add_drawings(known) == 0
    assert store.add_drawings([drawing(0, label=1, answer="one", network=[1])]) == 1
    assert store.add_drawings([]) == 0
    assert store.add_drawings([drawing(3, answer=10, network="")]) == 1
    _, first, _, last, nameless = store.all()
    assert (nameless.answer, nameless.network) == (None, "imported")
    assert (first.answer, first.network, first.token) == (1, "best", module.IMPORT_TOKEN)
    assert (last.label, last.answer, last.network) == (1, None, "imported")
    with pytest.raises(UserError, match="drawing 2: the drawing has no ink"):
        store.add_drawings([drawing(9), Drawing(3, [])])
    assert store.count() == 5


# Which database --------------------------------------------------------------


def test_a_database_of_the_version_before_is_brought_up_to_date(url):
    kind = url.partition(":")[0]
    execute(url, OLD_TABLE.format(**OLD_TYPES[kind]), OLD_INDEX, OLD_ROWS)
    with contextlib.closing(Corrections(url, create=False)) as store:
        old, imported = store.all()
        assert (old.key, old.strokes, old.size) == ("1", [[[1, 2], [3, 4]]], 15 + 400)
        assert old.created.isoformat() == "2026-11-25T10:00:00+00:00"
        assert (imported.token, imported.label) == (module.IMPORT_TOKEN, 4)
        assert store.get(MINE, "1") == old
        new = add(store)
    with contextlib.closing(Corrections(url)) as store:
        assert [one.id for one in store.of(MINE)] == [1, 3]
        assert [store.delete_own(MINE, "2"), store.delete_own(MINE, "1")] == [0, 1]
        assert keys(store) == ["2", new]
    assert index_names(url) == {"corrections_token_key", "corrections_token_size"}


def test_the_environment_names_the_database(url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url.replace("postgresql:", "postgres:"))
    with contextlib.closing(Corrections()) as store:
        add(store)
    assert execute(url, "SELECT count(*) FROM corrections") == [(1,)]


def test_by_default_it_is_a_file(tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("DRAW_A_DIGIT_HOME")
    assert paths.corrections() == ROOT / "data" / "corrections.sqlite"
    monkeypatch.setenv("DRAW_A_DIGIT_HOME", str(tmp_path / "home"))
    with pytest.raises(UserError, match="no correction was kept yet"):
        Corrections(create=False)
    assert not (tmp_path / "home").exists()
    Corrections().close()
    assert (tmp_path / "home" / "data" / "corrections.sqlite").exists()


def test_only_who_may_create_a_database_does(url, tmp_path):
    with pytest.raises(UserError, match="no correction was kept yet, or the"):
        Corrections(url, create=False)
    assert list(tmp_path.iterdir()) == []
    if url.startswith("sqlite"):
        (tmp_path / "corrections.sqlite").touch()
        with pytest.raises(UserError, match="this database holds no corrections"):
            Corrections(url, create=False)
    with pytest.raises(sql.exc.DBAPIError):
        execute(url, "SELECT * FROM corrections")
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


def test_another_programs_table_is_refused_and_left_alone(url):
    execute(url, "CREATE TABLE corrections (id INTEGER, word TEXT)")
    with pytest.raises(UserError, match="of another program or version: name another"):
        Corrections(url)
    assert execute(url, "SELECT id, word FROM corrections") == []


# Several processes -----------------------------------------------------------

WRITER = """
import sys
from mnist_core.corrections.store import Corrections
assert "torch" not in sys.modules  # it takes seconds
store = Corrections({url!r})
print("ready", flush=True)
sys.stdin.readline()
for number in range({count}):
    print(store.add({token!r}, number % 10, [[[number, 1]]], None, None, "n"), flush=True)
"""


def writer(url: str, token: str, count: int) -> subprocess.Popen:
    """A process that, once it is told to, adds `count` corrections and prints each one's key."""
    command = [sys.executable, "-c", WRITER.format(url=url, token=token, count=count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def start(processes: list[subprocess.Popen]) -> None:
    for process in processes:  # wait for all, so that they run at once
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def test_processes_that_open_a_new_database_and_write_at_once_lose_nothing(url):
    processes = [writer(url, token, 50) for token in (MINE, YOURS, YOURS)]
    start(processes)
    mine, *yours = (process.communicate(timeout=60)[0].split() for process in processes)
    with contextlib.closing(Corrections(url)) as store:
        assert [one.key for one in store.of(MINE)] == mine
        found = store.of(YOURS)
    assert sorted(one.strokes[0][0][0] for one in found) == list(range(50))  # each once
    assert {one.key for one in found} <= {*yours[0], *yours[1]}


def test_what_was_acknowledged_outlives_a_killed_writer(url):
    with writer(url, MINE, 500) as process:
        start([process])
        acknowledged = [process.stdout.readline().strip() for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        # Not communicate(), which leaves out what readline() has already taken from the pipe.
        acknowledged += process.stdout.read().split("\n")[:-1]
    assert len(acknowledged) < 500
    with contextlib.closing(Corrections(url)) as store:
        found = keys(store)
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1  # one may have been kept and not yet told
        add(store, YOURS)


# When it can't be written ----------------------------------------------------


def refused(call: Callable, says: str | None = None, kind: type = StoreError) -> None:
    """`call` fails with a line with the remedy, without SQL and data."""
    with pytest.raises(StoreError, match=says) as caught:
        call()
    told = str(caught.value)
    assert type(caught.value) is kind
    assert "try again" in told
    assert not any(word in told for word in ("\n", "INSERT", "sqlalche", MINE, "[[", "secret"))
    assert caught.value.__suppress_context__


def test_what_is_refused_under_a_lock_is_never_kept(url, store, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.3)
    with contextlib.closing(Corrections(url)) as waiting:
        with contextlib.closing(Corrections(url)) as other, other._database.writing():
            refused(lambda: add(waiting), "locked|LockNotAvailable")
            assert store.count() == 0  # reading waits for nobody
        assert store.count() == 0
        add(waiting)


def test_a_change_that_is_late_is_rolled_back(store):
    late = pytest.raises(StoreError, match="takes too long: nothing was changed")
    with late, store._database.writing(0.2) as connection:
        connection.execute(sql.insert(database.CORRECTIONS), row())
        time.sleep(0.3)
    assert store.count() == 0


def test_whether_a_correction_is_kept_is_told_after_its_writer_has_ended(url, store):
    key, locked, go_on = uuid.uuid4().hex, threading.Event(), threading.Event()

    def write_slowly() -> None:
        with contextlib.closing(Corrections(url)) as other, other._database.writing() as connection:
            connection.execute(sql.insert(database.CORRECTIONS), row(key))
            locked.set()
            go_on.wait(1)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    locked.wait()
    assert store.get(MINE, key).key == key
    thread.join()


def test_a_commit_whose_answer_is_lost_has_an_unknown_outcome(postgresql_server):
    cut = "SELECT pg_terminate_backend({})"
    with postgresql.new_database(postgresql_server) as url:
        store, key = Corrections(url), uuid.uuid4().hex

        def commit_into_the_void() -> None:
            with store._database.writing() as connection:
                connection.execute(sql.insert(database.CORRECTIONS), row(key))
                (process,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
                execute(url, cut.format(process))

        refused(commit_into_the_void, kind=OutcomeUnknown)
        assert store.get(MINE, key) is None  # on a new connection
        store.close()


@pytest.mark.parametrize("fault", ["53100", "25006", "P0001"])
def test_postgresqls_errors_are_told_by_name(postgresql_server, fault):
    names = {"53100": "DiskFull", "25006": "ReadOnlySqlTransaction", "P0001": "RaiseException"}
    with postgresql.new_database(postgresql_server) as url:
        store = Corrections(url)
        execute(
            url,
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
            f"'bad strokes: %%', NEW.strokes USING ERRCODE = '{fault}'; END $$",
            "CREATE TRIGGER t BEFORE INSERT ON corrections FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        refused(lambda: add(store), names[fault])
        execute(url, "DROP TRIGGER t ON corrections")
        add(store)
        store.close()


def test_sqlites_errors_are_told_in_its_words(tmp_path):
    url = f"sqlite:///{tmp_path}/a.sqlite"
    refused(lambda: Corrections(f"sqlite:///{tmp_path}/none/a.sqlite"), "unable to open database")
    with contextlib.closing(Corrections(url)) as store:
        add(store)
        (tmp_path / "a.sqlite").write_text("This is a letter, and nothing else. " * 100)
        refused(lambda: add(store), "file is not a database")
        (tmp_path / "a.sqlite").unlink()
        refused(lambda: add(store), "no such table")


def test_a_server_that_is_not_there_is_told():
    address = f"postgresql://a:secret@127.0.0.1:{free_port()}/a"
    refused(lambda: Corrections(address), "See that it runs")
