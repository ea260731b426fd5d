"""/corrections: what is kept and shown, what is refused, and that nobody waits for it."""

import contextlib
import json
import threading
import tracemalloc
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.testclient import TestClient

from mnist_core import Recognizer
from mnist_core.corrections import store as database
from mnist_core.corrections.database import StoreError
from mnist_core.corrections.store import Corrections
from mnist_core.drawing.strokes import Drawing, parse_strokes
from serving import corrections
from serving.corrections import correction_routes, open_store
from serving.errors import CODES
from serving.metrics import Metrics
from serving.reloader import ModelReloader
from tests.conftest import ROOT, site
from tests.drawings import DRAWINGS
from tests.routes import routes_alone

TOKEN = {"x-token": "0123456789abcdef" * 2}
OTHER = {"x-token": "fedcba9876543210" * 2}
ID = "0f" * 16


@contextlib.contextmanager
def served(store: Corrections) -> Iterator[TestClient]:
    """A client of the routes of `store`, and of a POST /recognize beside them."""
    reloader, metrics = ModelReloader(ROOT / "weights"), Metrics()
    router = correction_routes(reloader, store, metrics)

    @router.post("/recognize")
    async def recognize(request: Request) -> dict[str, int | None]:
        strokes = (await request.json())["strokes"]
        return {"digit": reloader.current.predict_strokes(strokes).digit}

    with routes_alone(router, metrics) as client:
        client.store, client.metrics = store, metrics
        yield client


@pytest.fixture
def client(tmp_path) -> Iterator[TestClient]:
    with (
        contextlib.closing(Corrections(f"sqlite:///{tmp_path}/c.sqlite")) as store,
        served(store) as client,
    ):
        yield client


def correction(digit: int, label: object, id: str | None = None) -> dict:
    return {"strokes": DRAWINGS[digit], "label": label, **({"id": id} if id else {})}


def give(client, body: dict, headers: dict = TOKEN) -> httpx.Response:
    return client.post("/corrections", json=body, headers=headers)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and code, beside a sentence for a person."""
    assert response.json()["error"].endswith(".")
    code = response.json()["code"]
    assert CODES[code] == response.status_code
    return response.status_code, code


def rows(client) -> list:
    return list(client.store.all())


def test_a_correction_is_kept_with_what_the_network_answered(client):
    kept = give(client, correction(7, 1, ID))
    assert (kept.status_code, kept.json()) == (200, {"id": ID})
    (row,) = rows(client)
    assert (row.key, row.label, row.answer) == (ID, 1, 7)
    assert row.network == Recognizer.load(ROOT / "weights").name
    assert row.strokes == DRAWINGS[7]
    assert row.probabilities[7] > 0.9


def test_it_may_be_given_again_under_its_id_and_asked_for(client):
    assert refusal(client.get(f"/corrections/{ID}", headers=TOKEN)) == (404, "not_found")
    assert [give(client, correction(7, 1, ID)).json()["id"] for _ in range(2)] == [ID, ID]
    assert refusal(give(client, correction(4, 1, ID))) == (409, "id_taken")
    shown = client.get(f"/corrections/{ID}", headers=TOKEN).json()
    assert (shown["id"], shown["label"], shown["strokes"]) == (ID, 1, DRAWINGS[7])
    assert shown == client.get("/corrections", headers=TOKEN).json()["corrections"][0]
    assert client.get(f"/corrections/{ID}", headers=OTHER).status_code == 404
    assert len(rows(client)) == 1


def test_one_drawing_has_one_correction(client):
    ids = [give(client, correction(7, label)).json()["id"] for label in (7, 1)]
    (row,) = rows(client)
    assert (row.key, row.label) == (ids[1], 1)


def test_a_person_sees_and_deletes_their_own_alone(client):
    mine = give(client, correction(7, 7)).json()["id"]
    theirs = give(client, correction(4, 4), OTHER).json()["id"]
    (shown,) = client.get("/corrections", headers=TOKEN).json()["corrections"]
    assert (shown["id"], shown["label"]) == (mine, 7)
    assert TOKEN["x-token"] not in json.dumps(shown)
    assert client.delete(f"/corrections/{theirs}", headers=TOKEN).json() == {"removed": 0}
    assert client.delete(f"/corrections/{mine}", headers=TOKEN).json() == {"removed": 1}
    assert client.delete("/corrections", headers=TOKEN).json() == {"removed": 0}
    assert [row.key for row in rows(client)] == [theirs]
    assert client.delete("/corrections", headers=OTHER).json() == {"removed": 1}


@pytest.mark.parametrize(
    ("body", "headers", "code", "says"),
    [
        (correction(7, 10), TOKEN, "invalid_label", "label is not a digit"),
        (correction(7, True), TOKEN, "invalid_label", "label is not a digit"),
        ({"strokes": [], "label": 1}, TOKEN, None, "no ink"),
        ({"label": 1}, TOKEN, "invalid_correction", "Expected"),
        ([1], TOKEN, "invalid_correction", "Expected"),
        ({**correction(7, 7), "id": 17}, TOKEN, "invalid_id", "32 hex digits"),
        (correction(7, 7, "17"), TOKEN, "invalid_id", "32 hex digits"),
        (correction(7, 7), {}, "invalid_token", "token"),
        (correction(7, 7), {"x-token": "../../etc/passwd and more"}, "invalid_token", "token"),
    ],
)
def test_what_is_no_correction_is_refused(client, body, headers, code, says):
    response = give(client, body, headers)
    assert response.status_code == 422
    assert code in (None, response.json()["code"])
    assert says in response.json()["error"]
    assert rows(client) == []


def test_limits_of_the_store_are_told_by_code(client, monkeypatch):
    monkeypatch.setattr(database, "MAX_OF_TOKEN", 100)
    assert refusal(give(client, correction(1, 1))) == (429, "too_many_corrections")
    monkeypatch.setattr(database, "MAX_TOTAL", 100)
    assert refusal(give(client, correction(1, 1))) == (507, "store_full")
    monkeypatch.setattr(database, "MAX_DRAWING", 10)
    assert refusal(give(client, correction(1, 1))) == (422, "drawing_too_large")


def test_malformed_requests_cost_nobody_a_place(tmp_path, monkeypatch):
    monkeypatch.setattr(corrections, "MAX_PER_ADDRESS", 2)
    store = contextlib.closing(Corrections(f"sqlite:///{tmp_path}/c"))
    with store as opened, served(opened) as client:
        bad = [correction(1, 10), {"strokes": [[]], "label": 1}, correction(1, 1, "17")]
        assert {give(client, body).status_code for body in bad} == {422}
        tokens = [{"x-token": f"{number:032}"} for number in range(3)]
        codes = [give(client, correction(1, 1), token).status_code for token in tokens]
    assert codes == [200, 200, 429]


def test_a_store_that_fails_is_said_and_recognition_goes_on(client, monkeypatch):
    def full(*_: object) -> None:
        raise StoreError("the disk is full. Free some space")

    monkeypatch.setattr(client.store, "add", full)
    refused = give(client, correction(7, 7))
    assert refusal(refused) == (507, "not_stored")
    assert refused.json()["error"] == "The disk is full. Free some space."
    counted = generate_latest(client.metrics.registry).decode()
    assert 'digit_errors_total{endpoint="/corrections"} 1.0' in counted
    assert client.post("/corrections/recognize", json={"strokes": DRAWINGS[7]}).json()["digit"] == 7


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
    keys = [client.store.add(token, 1, [[[i, 1]]], 7, [0.1] * 10, "n") for i in range(5)]
    of = client.store.of
    monkeypatch.setattr(client.store, "of", lambda *values: asked.append(values) or of(*values))
    rows = client.get("/corrections", headers=TOKEN).json()["corrections"]
    assert [row["id"] for row in rows] == keys
    assert rows[4]["strokes"] == [[[4, 1]]]
    assert asked == [(token, after, 2) for after in (0, 2, 4, 5)]


def test_showing_many_large_corrections_holds_a_few(tmp_path):
    with contextlib.closing(Corrections(f"sqlite:///{tmp_path}/c")) as store:
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


def stroke(number: int, id: str) -> dict:
    return {"strokes": [[[number, 1], [5, 9]]], "label": 1, "id": id}


def test_a_locked_sqlite_refuses_and_keeps_nothing(client, monkeypatch):
    monkeypatch.setattr(corrections, "TURN_SECONDS", 30)
    with client.store._database.writing(60), ThreadPoolExecutor(3) as others:
        ids = [uuid.uuid4().hex for _ in range(3)]
        given = [others.submit(give, client, stroke(n, id)) for n, id in enumerate(ids)]
        assert {refusal(one.result()) for one in given} == {(507, "not_stored")}
    assert rows(client) == []
    assert [client.get(f"/corrections/{id}", headers=TOKEN).status_code for id in ids] == [404] * 3


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
