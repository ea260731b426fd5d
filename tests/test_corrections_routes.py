"""/corrections: what is kept and shown, what is refused, and that nobody waits for it."""

import contextlib
import json
import subprocess
import tempfile
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.corrections import store as database
from mnist_core.corrections.store import MAX_PER_MINUTE, StoreError
from mnist_core.drawing.strokes import Drawing, parse_strokes
from serving import corrections
from serving.corrections import open_store
from serving.reloader import ModelReloader
from tests import postgresql
from tests.conftest import ROOT, app_process, serving, site, wait_until_served
from tests.drawings import DRAWINGS
from tests.test_routes import EXAMPLES, JSON_VALUES, expect_words

TOKEN = {"x-token": "0123456789abcdef" * 2}
OTHER = {"x-token": "fedcba9876543210" * 2}


def correction(digit: int, label: object) -> dict:
    return {"strokes": DRAWINGS[digit], "label": label}


def rows(client) -> list:
    return list(client.store.all())


def test_a_correction_is_kept_with_what_the_network_answered(client):
    kept = client.post("/corrections", json=correction(7, 1), headers=TOKEN)
    assert kept.status_code == 200
    (row,) = rows(client)
    assert (row.id, row.label, row.answer) == (kept.json()["id"], 1, 7)
    assert row.network == client.get("/network").json()["name"]
    assert row.strokes == DRAWINGS[7]
    assert row.probabilities[7] > 0.9


def test_one_drawing_has_one_correction(client):
    ids = {
        client.post("/corrections", json=correction(7, label), headers=TOKEN).json()["id"]
        for label in (7, 7, 1)
    }
    (row,) = rows(client)
    assert (ids, row.label) == ({row.id}, 1)


def test_a_browser_sees_and_deletes_its_own_alone(client):
    mine = client.post("/corrections", json=correction(7, 7), headers=TOKEN).json()["id"]
    theirs = client.post("/corrections", json=correction(4, 4), headers=OTHER).json()["id"]
    (shown,) = client.get("/corrections", headers=TOKEN).json()["corrections"]
    assert (shown["id"], shown["label"]) == (mine, 7)
    assert TOKEN["x-token"] not in json.dumps(shown)
    assert client.delete(f"/corrections/{theirs}", headers=TOKEN).json() == {"removed": 0}
    assert client.delete(f"/corrections/{mine}", headers=TOKEN).json() == {"removed": 1}
    assert client.delete("/corrections", headers=TOKEN).json() == {"removed": 0}
    assert [row.id for row in rows(client)] == [theirs]
    assert client.delete("/corrections", headers=OTHER).json() == {"removed": 1}


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (correction(7, 10), TOKEN, 422, "label is not a digit"),
        (correction(7, True), TOKEN, 422, "label is not a digit"),
        ({"strokes": [], "label": 1}, TOKEN, 422, "no ink"),
        ({"label": 1}, TOKEN, 422, "Expected"),
        ([1], TOKEN, 422, "Expected"),
        (correction(7, 7), {}, 422, "token"),
        (correction(7, 7), {"x-token": "../../etc/passwd and more"}, 422, "token"),
    ],
)
def test_what_is_no_correction_is_refused(client, body, headers, status, says):
    response = client.post("/corrections", json=body, headers=headers)
    assert response.status_code == status
    assert says in response.json()["error"]
    expect_words(response)
    assert rows(client) == []


@EXAMPLES
@given(JSON_VALUES)
def test_anything_else_is_refused(client, value):
    """With a good token: what is refused is the body."""
    for body in (value, {"strokes": value, "label": value}, {"label": 1}, correction(1, [value])):
        content = json.dumps(body)
        expect_words(client.post("/corrections", content=content, headers=TOKEN))
    assert client.store.count() == 0


@EXAMPLES
@given(st.text("ab09-_/.", max_size=70))
def test_other_tokens_are_refused(client, token):
    response = client.post("/corrections", json=correction(1, 1), headers={"x-token": token})
    if database.TOKEN.fullmatch(token):
        assert response.status_code in (200, 429)
    else:
        expect_words(response)


def test_too_many_at_once_of_one_token_are_refused_in_words(client):
    answers = [
        client.post("/corrections", json={"strokes": [[[i, 1], [1, 9]]], "label": 1}, headers=TOKEN)
        for i in range(MAX_PER_MINUTE + 1)
    ]
    assert [answer.status_code for answer in answers] == [200] * MAX_PER_MINUTE + [429]
    assert answers[-1].json()["error"].endswith("within a minute: wait a little.")


@pytest.mark.parametrize("trusted", ["", "127.0.0.0/8"])
def test_too_many_from_one_address_are_refused_whatever_their_tokens(monkeypatch, trusted):
    monkeypatch.setattr(corrections, "MAX_PER_ADDRESS", 3)
    with serving(trusted=trusted, root_path="/digits") as address:

        def give(number: int, forwarded: str) -> int:
            headers = {"x-token": f"{number:032}", "x-forwarded-for": forwarded}
            body = correction(1, 1)
            return httpx.post(f"{address}corrections", json=body, headers=headers).status_code

        assert [give(n, f"192.0.2.{n}, 192.0.2.9") for n in range(4)] == [200, 200, 200, 429]
        # A trusted proxy's word, at the end, tells people apart; else nothing that is sent does.
        assert give(5, "192.0.2.9, 192.0.2.5") == (200 if trusted else 429)


def test_an_address_has_so_many_new_tokens_a_minute(client, monkeypatch):
    monkeypatch.setattr(corrections, "TOKENS_PER_ADDRESS", 2)
    with site(ModelReloader(ROOT / "weights"), client.store) as client:

        def give(token: dict) -> int:
            return client.post("/corrections", json=correction(1, 1), headers=token).status_code

        assert [give(TOKEN), give(OTHER), give(TOKEN)] == [200, 200, 200]
        made_up = [give({"x-token": f"{number:032}"}) for number in range(3)]
        assert (made_up, give(TOKEN)) == ([429] * 3, 200)


def test_a_store_that_fails_is_said_and_recognition_goes_on(client, monkeypatch):
    def full(*_: object) -> None:
        raise StoreError("the disk is full. Free some space")

    monkeypatch.setattr(client.store, "add", full)
    refused = client.post("/corrections", json=correction(7, 7), headers=TOKEN)
    assert refused.status_code == 507
    assert refused.json()["error"] == "The disk is full. Free some space."
    assert 'digit_errors_total{endpoint="/corrections"} 1.0' in client.get("/metrics").text
    assert client.post("/recognize", json={"strokes": DRAWINGS[7]}).json()["digit"] == 7


def test_rows_are_made_ready_outside_the_event_loop(client, monkeypatch):
    """2,000 of them take a second of processor, in which nobody's drawing would be read."""
    apart = []

    class Row:
        id = 1

        def public(self) -> str:
            apart.append(anyio.from_thread.run_sync(threading.get_ident) != threading.get_ident())
            return '{"id": 1}'

    monkeypatch.setattr(client.store, "of", lambda token, after, most: [] if after else [Row()])
    assert client.get("/corrections", headers=TOKEN).json() == {"corrections": [{"id": 1}]}
    assert apart == [True]


def test_corrections_are_shown_a_page_at_a_time(client, monkeypatch):
    monkeypatch.setattr(corrections, "PAGE", 2)
    token, asked = TOKEN["x-token"], []
    assert client.get("/corrections", headers=TOKEN).json() == {"corrections": []}
    ids = [client.store.add(token, 1, [[[i, 1]]], 7, [0.1] * 10, "n") for i in range(5)]
    of = client.store.of
    monkeypatch.setattr(client.store, "of", lambda *values: asked.append(values) or of(*values))
    rows = client.get("/corrections", headers=TOKEN).json()["corrections"]
    assert [row["id"] for row in rows] == ids
    assert rows[4]["strokes"] == [[[4, 1]]]
    assert asked == [(token, after, 2) for after in (0, ids[1], ids[3], ids[4])]


def test_showing_many_large_corrections_holds_a_few(tmp_path):
    with contextlib.closing(database.Corrections(f"sqlite:///{tmp_path}/c")) as store:
        ink = parse_strokes([[[x / 7, x / 3] for x in range(1500)]])
        store.add_drawings([Drawing(7, [ink[0] + n], {}) for n in range(100)])
        with store._database.writing() as connection:
            connection.exec_driver_sql(f"UPDATE corrections SET token = '{TOKEN['x-token']}'")
        tracemalloc.start()
        size = sum(len(part) for part in corrections.shown(store, TOKEN["x-token"]))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 3_000_000
    assert peak < 1.5 * size  # as lists they are twenty times that, as one answer twice


def test_what_fails_while_it_is_shown_is_no_answer(client, monkeypatch):
    """Half of one's drawings must not look like all."""
    monkeypatch.setattr(corrections, "PAGE", 1)
    for i in range(2):
        client.store.add(TOKEN["x-token"], 1, [[[i, 1]]], 7, None, "n")
    of, answers = client.store.of, iter([True])

    def fails_later(*values: object) -> list:
        if next(answers, None):
            return of(*values)
        raise StoreError("The disk fails")

    monkeypatch.setattr(client.store, "of", fails_later)
    with pytest.raises(ValueError):
        client.get("/corrections", headers=TOKEN).json()
    assert client.get("/corrections", headers=TOKEN).status_code == 507


@contextlib.contextmanager
def own_postgresql():
    """The folder of a server that may be frozen, and the address of a new database of it."""
    pytest.importorskip("psycopg")
    folder = postgresql.binaries() or pytest.skip(f"there is no PostgreSQL: {postgresql.TO_RUN}")
    with (
        tempfile.TemporaryDirectory(prefix="postgresql-") as place,
        postgresql.own_server(folder, Path(place)) as address,
        postgresql.new_database(address) as url,
    ):
        yield Path(place), url


def test_a_database_that_stands_still_is_told_within_5_s_and_reading_goes_on():
    with (
        own_postgresql() as (place, url),
        contextlib.closing(database.Corrections(url)) as store,
        site(ModelReloader(ROOT / "weights"), store) as client,
        ThreadPoolExecutor(4) as others,
    ):

        def give(digit: int) -> tuple[int, float]:
            started = time.monotonic()
            body = {"strokes": [[[digit, 1], [5, 9]]], "label": digit}
            answer = client.post("/corrections", json=body, headers=TOKEN)
            return answer.status_code, time.monotonic() - started

        assert give(1)[0] == 200
        with postgresql.frozen(place):
            answers = [others.submit(give, digit) for digit in (2, 3, 4)]
            read = 0
            while not all(answer.done() for answer in answers):
                assert client.post("/recognize", json={"strokes": DRAWINGS[7]}).json()["digit"] == 7
                read += 1
            given = [answer.result() for answer in answers] + [give(5)]
        assert {status for status, _ in given} == {507}
        assert max(seconds for _, seconds in given) < 5
        assert read > 10
        assert give(7)[0] == 200
        # What was told to have failed may be there after all: as a whole, and once.
        assert {1, 7} <= {row.label for row in store.all()} <= {1, 2, 3, 4, 5, 7}


def test_the_end_does_not_wait_for_a_database_that_stands_still():
    with (
        own_postgresql() as (place, url),
        app_process(environment={"DATABASE_URL": url}, stdout=subprocess.DEVNULL) as served,
    ):
        process, page = served
        wait_until_served(page, process)

        def give() -> int:
            sent = {"json": correction(7, 7), "headers": TOKEN, "timeout": 30}
            return httpx.post(f"{page}corrections", **sent).status_code

        assert give() == 200
        with postgresql.frozen(place):
            assert give() == 507
            process.terminate()
            assert process.wait(12) == 0


def test_a_database_that_cannot_be_opened_leaves_the_rest(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////no/such/folder/c.sqlite")
    assert open_store(None, public=False) is None
    assert "can't be corrected here" in capsys.readouterr().err


def test_public_pages_keep_nothing_unless_told():
    assert open_store(None, public=True) is None
    assert open_store(False, public=False) is None
    for wanted, public in ((True, True), (None, False)):
        open_store(wanted, public).close()


def test_without_a_store_there_is_nothing_there():
    with site(ModelReloader(ROOT / "weights")) as client:
        refused = client.post("/corrections", json=correction(7, 7), headers=TOKEN)
        assert refused.status_code == 404
