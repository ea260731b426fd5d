"""Corrections are kept, once acknowledged, whatever happens; on SQLite and on PostgreSQL alike."""

import contextlib
import datetime
import itertools
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql

from mnist_core import paths
from mnist_core.corrections import database
from mnist_core.corrections import store as module
from mnist_core.corrections.store import Correction, Corrections, LimitReached, StoreError
from mnist_core.drawing.strokes import Drawing, parse_strokes, read_drawings, write_drawings
from mnist_core.errors import UserError
from tests import postgresql
from tests.conftest import ROOT, free_port
from tests.drawings import DRAWINGS
from tests.processes import become_nobody, in_a_process

MINE, YOURS = "a" * 16, "b_-B" * 16
SEVEN = DRAWINGS[7]
NUMBERS = itertools.count()


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
    opened = Corrections(url)
    yield opened
    opened.close()


def add(store: Corrections, token: str = MINE, label: int = 7, strokes: object = None, **other):
    """Keep a drawing, another each time where none is given."""
    rest = {"answer": 1, "probabilities": None, "network": "test"} | other
    if strokes is None:
        strokes = [*SEVEN, [[next(NUMBERS), 0]]]
    return store.add(token, label, strokes, **rest)


def get(store: Corrections, id: int) -> Correction | None:
    return next((one for one in store.all() if one.id == id), None)


def execute(url: str, *statements: str) -> list:
    """Run SQL beside the store; the last statement's rows."""
    engine = sql.create_engine(database._address(url), poolclass=sql.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return result.all() if result.returns_rows else []


# What is kept ----------------------------------------------------------------


def test_a_correction_comes_back_as_it_was_given(url):
    probabilities = [0.25, 0.75, *[0] * 8]
    store = Corrections(url)
    before = datetime.datetime.now(datetime.timezone.utc)
    id = add(store, strokes=[[[1, 2.5], [3, 4]], [], [[5, 6]]], probabilities=probabilities)
    store.close()
    store = Corrections(url)  # as after a restart
    found = get(store, id)
    store.close()
    assert before <= found.created <= datetime.datetime.now(datetime.timezone.utc)
    assert found.created.utcoffset() == datetime.timedelta(0)
    assert found == Correction(
        id, MINE, 7, "[[[1,2.5],[3,4]],[[5,6]]]", 1, json.dumps(probabilities), "test",
        found.created,
    )  # fmt: skip
    assert found.strokes == [[[1, 2.5], [3, 4]], [[5, 6]]]
    assert found.probabilities == probabilities


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


def test_what_is_public_is_all_but_the_token(store):
    id = add(store, strokes=[[[1, 2.5], [3, 4]]], probabilities=[1.0, *[0.0] * 9])
    (correction,) = store.of(MINE)
    assert json.loads(correction.public()) == {
        "id": id,
        "label": 7,
        "strokes": [[[1, 2.5], [3, 4]]],
        "answer": 1,
        "probabilities": [1.0, *[0.0] * 9],
        "network": "test",
        "created": correction.created.isoformat(),
    }
    assert correction.token == MINE


def test_one_drawing_has_one_correction_at_a_time(store):
    id, other, theirs = add(store, strokes=SEVEN), add(store), add(store, YOURS, strokes=SEVEN)
    before = get(store, id)
    answer = {"answer": 7, "probabilities": [0.1] * 10, "network": "newer"}
    assert add(store, label=2, strokes=SEVEN, **answer) == id
    found = get(store, id)
    assert (found.label, found.answer, found.probabilities, found.network) == (
        2, 7, [0.1] * 10, "newer"
    )  # fmt: skip
    assert found.strokes == before.strokes
    assert found.created > before.created
    assert add(store, label=7, strokes=SEVEN) == id
    assert get(store, id).probabilities is None
    assert [one.id for one in store.all()] == [id, other, theirs]
    assert get(store, theirs).network == "test"


def test_everybody_sees_their_own(store):
    first, other, second = add(store), add(store, YOURS), add(store, label=2)
    assert [one.id for one in store.of(MINE)] == [first, second]
    assert [one.id for one in store.of(YOURS)] == [other]
    assert [one.id for one in store.all()] == [first, other, second]
    assert store.of("c" * 16) == []
    assert store.count() == 3


def test_only_ones_own_are_relabelled_and_removed(store):
    id = add(store)
    assert not store.delete(id, YOURS)
    assert store.relabel(id, 2)  # whoever runs the page may
    assert get(store, id).label == 2
    assert store.delete(id, MINE)
    assert not store.delete(id, MINE)
    assert get(store, id) is None


def test_all_of_one_person_are_removed_at_once(store):
    add(store), add(store, YOURS), add(store)
    assert store.delete_all(MINE) == 2
    assert store.delete_all(MINE) == 0
    assert [one.token for one in store.all()] == [YOURS]


def test_an_id_is_not_given_twice(store):
    id = add(store)
    store.delete(id)
    assert add(store) > id


def test_what_is_no_id_names_nothing(store):
    add(store)
    for id in (0, -1, 10**6, 2**31, 10**30):
        assert not store.relabel(id, 3)
        assert not store.delete(id)
    assert store.count() == 1


def test_what_was_removed_is_nowhere_in_sqlites_files(tmp_path):
    store = Corrections(f"sqlite:///{tmp_path}/a.sqlite")
    secret = [[[31415, 92653], [58979, 32384]]]
    add(store, strokes=secret)
    removed = add(store, YOURS, strokes=[*SEVEN * 50, *secret], network="secret-network")
    assert b"secret-network" in content(tmp_path)
    store.delete(removed)
    left = content(tmp_path)
    assert left.count(b"31415") == 1  # the other one
    assert b"secret-network" not in left
    assert YOURS.encode() not in left
    store.close()


def test_what_is_removed_while_others_read_leaves_sqlites_files_at_once(tmp_path):
    url = f"sqlite:///{tmp_path}/a.sqlite"
    with contextlib.closing(Corrections(url)) as store, ThreadPoolExecutor(3) as others:
        kept = [add(store, YOURS) for _ in range(20)]
        ended = threading.Event()

        def read() -> None:
            while not ended.is_set():
                assert len(store.of(YOURS)) == len(kept)

        reading = [others.submit(read) for _ in range(2)]
        try:
            for _ in range(20):
                id = add(store, network="secret-network")
                assert b"secret-network" in content(tmp_path)
                assert store.delete(id)
                assert b"secret-network" not in content(tmp_path)
        finally:
            ended.set()
        for one in reading:
            one.result()
        # Whoever has begun to read is waited for: what is acknowledged is gone.
        id = add(store, network="secret-network")
        with Corrections(url)._database.reading() as connection:
            connection.execute(sql.select(database.CORRECTIONS)).all()
            deleted = others.submit(lambda: (store.delete(id), content(tmp_path)))
            with pytest.raises(TimeoutError):
                deleted.result(0.5)
        assert deleted.result()[0]
        assert b"secret-network" not in deleted.result()[1]


def test_many_are_removed_a_few_at_a_time(store, monkeypatch):
    monkeypatch.setattr(database, "AT_ONCE", 2)
    for given in (4, 5):
        for _ in range(given):
            add(store)
        add(store, YOURS)
        assert store.delete_all(MINE) == given
        assert store.delete_all(YOURS) == 1
        assert store.count() == 0


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


# What is refused -------------------------------------------------------------


BAD = [
    ({"token": "a" * 15}, "16 to 64"),
    ({"token": "a" * 65}, "16 to 64"),
    ({"token": "a" * 16 + "\n"}, "16 to 64"),
    ({"token": "é" * 16}, "16 to 64"),
    ({"token": None}, "16 to 64"),
    ({"label": 10}, "the label is 10"),
    ({"label": True}, "the label is True"),
    ({"label": "7"}, "the label is '7'"),
    ({"strokes": []}, "no ink"),
    ({"strokes": [[]]}, "no ink"),
    ({"strokes": [[[1]]]}, "stroke 1"),
    ({"strokes": [[[float("nan"), 1]]]}, "not finite"),
]


def test_bad_input_is_refused_with_a_reason(store):
    for bad, says in BAD:
        with pytest.raises(UserError, match=says):
            add(store, **bad)
    assert store.count() == 0


def test_tokens_are_checked_wherever_they_are_given(store):
    for call in (
        lambda: store.of("short"),
        lambda: store.delete_all(module.IMPORT_TOKEN),
        lambda: store.delete(1, "' OR 1=1 --      "),
        lambda: store.delete(1, ""),
    ):
        with pytest.raises(UserError, match="16 to 64"):
            call()


@pytest.mark.parametrize("label", [10, -1, True, "7"])
def test_a_label_is_a_digit(store, label):
    id = add(store)
    with pytest.raises(UserError, match="expected a digit, 0 to 9"):
        store.relabel(id, label)
    assert get(store, id).label == 7


# Reading ---------------------------------------------------------------------


def peak(work: Callable[[], object]) -> int:
    """Bytes that `work` needs at most."""
    work()  # what it needs once, the database's statements above all, is there afterwards
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_reading_all_holds_a_few(store, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 20)
    ink = parse_strokes(SEVEN * 30)
    store.add_drawings([Drawing(7, [ink[0] + n, *ink[1:]]) for n in range(1000)])
    list(store.all(last=1))  # what is made at the first reading
    held = peak(lambda: list(store.all()))
    assert peak(lambda: sum(1 for _ in store.all())) < held / 10
    assert peak(lambda: list(store.all(last=30))) < held / 10


def test_the_newest_are_read_alone(store, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    ids = [add(store) for _ in range(5)]
    store.delete(ids.pop(2))
    for last in (1, 2, 3, 4, 5, 10**9):
        assert [one.id for one in store.all(last)] == ids[-last:]
    assert [one.id for one in store.all()] == ids


def test_others_write_while_all_are_read(url, store, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    ids = [add(store) for _ in range(5)]
    reading = store.all()
    assert next(reading).id == ids[0]
    other = Corrections(url)
    assert other.delete(ids[0])
    assert other.delete(ids[2])
    assert other.relabel(ids[4], 3)
    ids.append(add(other))
    other.close()
    rest = [(one.id, one.label) for one in reading]
    assert rest == [(ids[1], 7), (ids[3], 7), (ids[4], 3), (ids[5], 7)]


# Limits ----------------------------------------------------------------------


def test_one_person_can_give_so_many_a_minute(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_PER_MINUTE", 3)
    for _ in range(3):
        add(store)
    with pytest.raises(LimitReached, match="3 corrections within a minute: wait"):
        add(store)
    add(store, YOURS)
    assert store.count() == 4


def test_a_clock_that_is_set_back_shuts_nobody_out(url, store, monkeypatch):
    monkeypatch.setattr(module, "MAX_PER_MINUTE", 1)
    id = add(store)
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    execute(url, f"UPDATE corrections SET created = '{later:%Y-%m-%d %H:%M:%S.%f}'")
    assert add(store) > id
    with pytest.raises(LimitReached, match="within a minute"):
        add(store)


def test_the_minute_passes(url, store, monkeypatch):
    monkeypatch.setattr(module, "MAX_PER_MINUTE", 1)
    id = add(store)
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=61)
    execute(url, f"UPDATE corrections SET created = '{then:%Y-%m-%d %H:%M:%S.%f}'")
    assert add(store) > id


def test_one_person_can_give_so_many_in_all(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_PER_TOKEN", 2)
    first, _ = add(store), add(store)
    with pytest.raises(LimitReached, match="2 corrections, as many as are kept"):
        add(store)
    add(store, YOURS)
    store.delete(first, MINE)
    add(store)


def test_the_total_is_limited_and_removing_makes_room(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_TOTAL", 3)
    first, *_ = add(store), add(store, YOURS), add(store)
    for call in (lambda: add(store, "c" * 16), lambda: store.add_drawings([drawing()])):
        with pytest.raises(LimitReached, match="room for 3 corrections in all"):
            call()
    store.delete(first)
    add(store, "c" * 16)
    assert store.count() == 3


def test_a_replacement_needs_no_room_but_keeps_to_the_minute(store, monkeypatch):
    id = add(store, strokes=SEVEN)
    monkeypatch.setattr(module, "MAX_TOTAL", 1)
    monkeypatch.setattr(module, "MAX_PER_TOKEN", 1)
    assert add(store, label=1, strokes=SEVEN) == id
    monkeypatch.setattr(module, "MAX_PER_MINUTE", 1)
    with pytest.raises(LimitReached, match="within a minute"):
        add(store, label=2, strokes=SEVEN)
    assert get(store, id).label == 1


def test_one_drawing_is_limited(store):
    long = [[[x / 7, x / 7] for x in range(4000)]]
    with pytest.raises(LimitReached, match="bytes and 64,000 are kept"):
        add(store, strokes=long)


def test_limits_are_those_that_the_docs_promise():
    """docs/serving.md, the row of /corrections."""
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith("| `/corrections` |"))
    assert f"{module.MAX_PER_MINUTE} corrections a minute" in row
    assert f"{module.MAX_PER_TOKEN:,} in all of one token" in row
    assert f"{module.MAX_TOTAL:,} corrections in all" in row
    assert f"{module.MAX_BYTES // 1000} kB each" in row


def test_probabilities_keep_six_places_and_names_are_sixteen_signs(tmp_path):
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/c.sqlite")) as store:
        add(store, probabilities=[0.12345678, *[0.0] * 9])
        (correction,) = store.of(MINE)
    assert correction.probabilities[0] == 0.123457
    writer = correction.drawing().extra["writer"]
    assert re.fullmatch("[0-9a-f]{16}", writer)
    assert writer != MINE


def test_what_is_kept_for_a_full_disk_is_larger_than_what_is_removed_at_once(tmp_path):
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/c.sqlite")):
        reserve = (tmp_path / "c.sqlite-reserve").stat().st_size
    assert reserve > database.AT_ONCE * module.MAX_BYTES


def test_limits_use_the_index(url, store):
    """At 200,000 rows a scan would take long."""
    if url.startswith("sqlite"):
        for columns, condition in (("count(*)", "created > '2026'"), ("id", "strokes = '[]'")):
            query = f"SELECT {columns} FROM corrections WHERE token = 'a' AND {condition}"
            plan = str(execute(url, f"EXPLAIN QUERY PLAN {query}"))
            assert "INDEX corrections_token_created (token=?" in plan
    else:
        (found,) = execute(
            url, "SELECT indexdef FROM pg_indexes WHERE indexname = 'corrections_token_created'"
        )
        assert "(token, created)" in found[0]


# Drawing files ---------------------------------------------------------------


def drawing(number: int = 0, label: int = 7, **extra) -> Drawing:
    """A 7 that differs from those of other numbers."""
    return Drawing(label, parse_strokes([*SEVEN, [[number, 0]]]), extra)


def test_imported_drawings_are_nobodys_and_not_slowed_down(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_PER_MINUTE", 3)
    known = [drawing(n, answer=1, network="best", writer="x") for n in range(300)]
    odd = [drawing(n, answer="one", network=[1]) for n in range(300, 600)]
    assert store.add_drawings(known + odd) == 600
    assert store.count() == 600
    first, *_, last = store.all()
    assert (first.answer, first.network, first.token) == (1, "best", module.IMPORT_TOKEN)
    assert (last.answer, last.network) == (None, "imported")
    assert store.add_drawings([]) == 0


def test_the_same_drawing_with_the_same_label_is_imported_once(store, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    add(store, strokes=[*SEVEN, [[0, 0]]])  # a person's counts too
    drawings = [drawing(number) for number in (0, 1, 2, 2)]
    assert store.add_drawings(drawings) == 2
    assert store.add_drawings(drawings) == 0
    assert store.add_drawings([drawing(0, label=1)]) == 1
    assert [one.label for one in store.all()] == [7, 7, 7, 1]


def test_an_import_is_all_or_nothing(store):
    with pytest.raises(UserError, match="drawing 2: the drawing has no ink"):
        store.add_drawings([drawing(), Drawing(3, [])])
    assert store.count() == 0


# Which database --------------------------------------------------------------


def test_the_environment_names_the_database(url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url.replace("postgresql:", "postgres:"))
    store = Corrections()
    add(store)
    store.close()
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


@pytest.mark.parametrize("columns", ["id INTEGER, word TEXT", "id INTEGER"])
def test_another_programs_table_is_refused_and_left_alone(url, columns):
    execute(url, f"CREATE TABLE corrections ({columns})")
    with pytest.raises(UserError, match="this program's, or another version's: name another"):
        Corrections(url)
    assert execute(url, "SELECT id FROM corrections") == []


# Several processes -----------------------------------------------------------

WRITER = """
import sys
from mnist_core.corrections import store as module
assert "torch" not in sys.modules  # it takes seconds
module.MAX_PER_MINUTE = module.MAX_PER_TOKEN = {limit}
store = module.Corrections({url!r})
print("ready", flush=True)
sys.stdin.readline()
for number in range({first}, {first} + {count}):
    try:
        print(store.add({token!r}, number % 10, [[[number, 1]]], None, None, "n"), flush=True)
    except module.LimitReached:
        print("refused", flush=True)
"""


def writer(
    url: str, token: str, count: int, limit: int = 10**6, first: int = 0
) -> subprocess.Popen:
    """A process that, once it is told to, adds `count` corrections and prints each one's id."""
    code = WRITER.format(url=url, token=token, count=count, limit=limit, first=first)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def start(processes: list[subprocess.Popen]) -> None:
    for process in processes:  # wait for all, so that they run at once
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def test_processes_that_open_a_new_database_and_write_at_once_lose_nothing(url):
    processes = [writer(url, token, 200) for token in (MINE, YOURS)]
    start(processes)
    printed = [process.communicate(timeout=60)[0].split() for process in processes]
    store = Corrections(url)
    for token, ids in zip((MINE, YOURS), printed, strict=True):
        found = store.of(token)
        assert [one.id for one in found] == list(map(int, ids))
        assert [one.strokes for one in found] == [[[[number, 1]]] for number in range(200)]
    store.close()


def test_processes_that_correct_the_same_drawings_at_once_keep_each_once(url):
    processes = [writer(url, MINE, 100) for _ in range(2)]
    start(processes)
    one, other = (process.communicate(timeout=60)[0].split() for process in processes)
    assert one == other
    store = Corrections(url)
    assert [str(correction.id) for correction in store.of(MINE)] == one
    store.close()


def test_processes_together_keep_within_the_limit(url):
    processes = [writer(url, MINE, 40, limit=30, first=first) for first in (0, 100)]
    start(processes)
    printed = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sum(len(lines) - lines.count("refused") for lines in printed) == 30


def test_what_was_acknowledged_outlives_a_killed_writer(url):
    with writer(url, MINE, 1000) as process:
        start([process])
        acknowledged = [int(process.stdout.readline()) for _ in range(150)]
        process.send_signal(signal.SIGKILL)
        # Not communicate(), which leaves out what readline() has already taken from the pipe.
        acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    assert process.returncode == -signal.SIGKILL
    assert len(acknowledged) < 1000
    store = Corrections(url)
    found = store.of(MINE)
    assert [one.id for one in found][: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1  # one may have been kept and not yet told
    assert [one.label for one in found] == [number % 10 for number in range(len(found))]
    add(store, YOURS)
    store.close()


# When it can't be written ----------------------------------------------------


def refused(call: Callable, says: str) -> str:
    """What `call` fails with: a line with the remedy, without SQL and data."""
    with pytest.raises(StoreError) as caught:
        call()
    told = str(caught.value)
    assert "\n" not in told
    assert len(told) < 160
    assert not any(word in told for word in ("INSERT", "sqlalche", "sqlite3.", MINE, "[["))
    assert caught.value.__suppress_context__
    assert says in told
    return told


def test_a_full_disk_is_told_and_room_helps(tmp_path):
    in_a_process(fill_the_disk, tmp_path)


def fill_the_disk(place: Path) -> None:
    store = Corrections(f"sqlite:///{place}/a.sqlite")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # bytes of one file
    big, kept = SEVEN * 50, []
    refused(
        lambda: [kept.append(add(store, f"{n:016}", strokes=big)) for n in range(500)],
        "the disk is full",
    )
    refused(lambda: add(store, strokes=big), "the disk is full")
    assert [one.id for one in store.all()] == kept != []  # it can be read
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    add(store)
    assert store.count() == len(kept) + 1


def test_on_a_full_disk_drawings_can_be_removed_and_are_gone(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", tmp_path]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        in_a_process(remove_from_a_full_disk, tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def remove_from_a_full_disk(place: Path) -> None:
    store = Corrections(f"sqlite:///{place}/a.sqlite")
    module.MAX_PER_MINUTE = 1000
    big = [[[n / 7, n / 3] for n in range(1500)]]  # 54 kB
    removed = [add(store, network="secret-network", strokes=[*big, [[n, 9]]]) for n in range(90)]
    add(store, YOURS)
    fill(place / "others")
    refused(lambda: [add(store, f"{n:016}", strokes=big) for n in range(500)], "disk is full")
    for _ in range(3):  # the reserve is there again each time
        assert store.delete(removed.pop(), MINE)
        fill(place / "others")
    assert store.delete_all(MINE) == len(removed)
    assert b"secret-network" not in content(place)
    (place / "others").unlink()
    add(store)
    store.close()


def fill(file: Path) -> None:
    with open(file, "ab", buffering=0) as others, contextlib.suppress(OSError):
        while others.write(bytes(4096)):
            pass


def test_sqlites_own_limit_is_a_full_disk_too(tmp_path, monkeypatch):
    store = Corrections(f"sqlite:///{tmp_path}/a.sqlite")
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "max_page_count = 8"))
    big = SEVEN * 90
    full = "the disk is full. Free some space"
    refused(lambda: [add(store, f"{n:016}", strokes=big) for n in range(50)], full)
    monkeypatch.undo()
    add(store, strokes=big)
    store.close()


def test_a_read_only_disk_is_told_and_writing_again_helps():
    with tempfile.TemporaryDirectory() as place:  # tmp_path's parents are closed to nobody
        in_a_process(make_read_only, Path(place))


def make_read_only(place: Path) -> None:
    file, url = place / "a.sqlite", f"sqlite:///{place}/a.sqlite"
    Corrections(url).close()
    become_nobody(place, *place.iterdir())
    for folder_mode, file_mode in ((0o555, 0o644), (0o555, 0o444), (0o755, 0o444)):
        file.chmod(file_mode)
        place.chmod(folder_mode)
        refused(lambda: keep_one(url), "writable")
    for one in place.iterdir():  # SQLite's log has taken the rights of its file
        one.chmod(0o644)
    keep_one(url)


def keep_one(url: str) -> None:
    with contextlib.closing(Corrections(url)) as store:
        add(store)


def test_a_database_that_had_a_write_ahead_log_is_read_on_without_it(tmp_path):
    url = f"sqlite:///{tmp_path}/a.sqlite"
    keep_one(url)
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("UPDATE corrections SET network = 'in the log'")
        connection.commit()
        for file in list(tmp_path.glob("*-wal")):
            shutil.copy(file, tmp_path / "log")
        refused(lambda: keep_one(url), "others keep it locked")
    (tmp_path / "log").rename(tmp_path / "a.sqlite-wal")  # as a killed process leaves it
    with contextlib.closing(Corrections(url)) as store:
        assert [one.network for one in store.all()] == ["in the log"]
    assert sorted(os.listdir(tmp_path)) == ["a.sqlite", "a.sqlite-reserve"]


@pytest.mark.parametrize("taken", ["file", "folder"])
def test_a_file_that_is_taken_away_is_told_at_once_and_can_be_put_back(tmp_path, taken):
    folder = tmp_path / "folder"
    folder.mkdir()
    store = Corrections(f"sqlite:///{folder}/a.sqlite")
    id = add(store)
    place = folder if taken == "folder" else folder / "a.sqlite"
    place.rename(tmp_path / "away")
    for call in (lambda: add(store), store.count, lambda: store.delete(id)):
        refused(call, "the file and its folder must exist")
    assert not place.exists()  # nor is another made
    (tmp_path / "away").rename(place)
    assert add(store) > id
    assert store.count() == 2
    store.close()


def test_where_another_file_takes_its_place_that_one_is_used(tmp_path):
    store = Corrections(f"sqlite:///{tmp_path}/a.sqlite")
    add(store)
    shutil.copy(tmp_path / "a.sqlite", tmp_path / "backup")
    add(store)
    (tmp_path / "backup").rename(tmp_path / "a.sqlite")
    assert store.count() == 1
    id = add(store)
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/a.sqlite")) as other:
        assert get(other, id).token == MINE


@pytest.mark.parametrize("when", ["before the row", "after it"])
def test_a_file_that_is_taken_away_while_it_is_written_is_not_acknowledged(tmp_path, when):
    store = Corrections(f"sqlite:///{tmp_path}/a.sqlite")
    id = add(store)
    label = sql.update(database.CORRECTIONS).where(database.CORRECTIONS.c.id == id).values(label=1)
    says = r"moved|must exist"
    with pytest.raises(StoreError, match=says), store._database.writing() as connection:
        if when == "after it":
            connection.execute(label)
        (tmp_path / "a.sqlite").rename(tmp_path / "away")
        shutil.copy(tmp_path / "away", tmp_path / "a.sqlite")
        connection.execute(label)
    store.close()


def test_a_missing_folder_is_told(tmp_path):
    url = f"sqlite:///{tmp_path}/none/a.sqlite"
    refused(lambda: Corrections(url), "its folder must exist and be writable")


def test_postgresql_full_or_read_only_is_told_and_mending_helps(postgresql_server):
    with postgresql.new_database(postgresql_server) as url:
        store = Corrections(url)
        raising = "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'"
        execute(
            url,
            f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {raising}; END $$",
            "CREATE TRIGGER t BEFORE INSERT ON corrections EXECUTE FUNCTION full_disk()",
        )
        refused(lambda: add(store), "disk is full")
        execute(url, "DROP TRIGGER t ON corrections")
        add(store)
        name = url.rpartition("/")[2]
        execute(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        other = Corrections(url)
        refused(lambda: add(other), "the database is read-only")
        other.close()
        add(store)
        store.close()


def test_postgresql_restarted_or_absent_is_told(postgresql_server):
    address = f"postgresql://a:secret@127.0.0.1:{free_port()}/a"
    told = refused(lambda: Corrections(address), "can't be reached. See that it runs")
    assert "secret" not in told
    with postgresql.new_database(postgresql_server) as url:
        store = Corrections(url)
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
        execute(postgresql_server + "/postgres", cut.format(url.rpartition("/")[2]))
        add(store)  # on a new connection
        store.close()


def test_a_lock_that_lasts_is_told(url, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    store = Corrections(url)
    other = Corrections(url)
    with other._database.writing():
        refused(lambda: add(store), "locked. Try again")
        assert store.count() == 0  # reading waits for nobody
    add(store)
    store.close()
    other.close()


def test_a_file_that_is_no_database_or_damaged_is_told(tmp_path):
    url = f"sqlite:///{tmp_path}/a.sqlite"
    (tmp_path / "a.sqlite").write_text("This is a letter, and nothing else. " * 100)
    refused(lambda: Corrections(url), "no SQLite database, or damaged")
    (tmp_path / "a.sqlite").unlink()
    keep_one(url)
    whole = (tmp_path / "a.sqlite").read_bytes()
    (tmp_path / "a.sqlite").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    refused(lambda: keep_one(url), "no SQLite database, or damaged")


def test_what_a_database_quotes_is_not_told(postgresql_server):
    with postgresql.new_database(postgresql_server) as url:
        store = Corrections(url)
        execute(
            url,
            "CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'bad strokes: %%', NEW.strokes; END $$",
            "CREATE TRIGGER t BEFORE INSERT ON corrections FOR EACH ROW EXECUTE FUNCTION quote()",
        )
        refused(lambda: add(store), f"the database failed (P0001). {database.OTHERWISE}")
        store.close()


def test_sqlite_waits_for_the_disk_and_overwrites(tmp_path):
    store = Corrections(f"sqlite:///{tmp_path}/a.sqlite")
    with store._database.reading() as connection:
        for pragma, value in (("synchronous", 3), ("secure_delete", 1), ("journal_mode", "delete")):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sorted(os.listdir(tmp_path)) == ["a.sqlite", "a.sqlite-reserve"]
