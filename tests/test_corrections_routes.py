"""/corrections: what is kept and shown, what is refused, and that nobody waits for it."""

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mnist_core import Recognizer
from mnist_core.corrections import store as database
from mnist_core.corrections.database import StoreError
from serving import corrections
from serving.corrections import open_store
from serving.errors import CODES
from tests.conftest import ROOT
from tests.drawings import DRAWINGS

TOKEN = {"x-token": "0123456789abcdef" * 2}
OTHER = {"x-token": "fedcba9876543210" * 2}
ID = "0f" * 16


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
    ("body", "headers", "code", "names"),
    [
        (correction(7, 10), TOKEN, "invalid_input", "Label"),
        ({"strokes": [], "label": 1}, TOKEN, "invalid_strokes", "no ink"),
        (correction(7, 7, "17"), TOKEN, "invalid_input", "Id"),
        (correction(7, 7), {"x-token": "../../etc/passwd and more"}, "invalid_input", "token"),
    ],
)
def test_invalid_corrections_are_refused(client, body, headers, code, names):
    response = give(client, body, headers)
    assert refusal(response) == (422, code)
    assert names.lower() in response.json()["error"].lower()
    assert rows(client) == []


def test_limits_of_the_store_have_codes(client, monkeypatch):
    monkeypatch.setattr(database, "MAX_OF_TOKEN", 100)
    assert refusal(give(client, correction(1, 1))) == (429, "too_many_corrections")
    monkeypatch.setattr(database, "MAX_DRAWING", 10)
    assert refusal(give(client, correction(1, 1))) == (422, "drawing_too_large")


def test_a_failing_store_is_reported_and_recognition_goes_on(client, monkeypatch):
    def fail(*_: object) -> None:
        raise StoreError("the disk is full. Free some space")

    monkeypatch.setattr(client.store, "add", fail)
    refused = give(client, correction(7, 7))
    assert refusal(refused) == (507, "not_stored")
    assert refused.json()["error"] == "The disk is full. Free some space."
    assert recognized(client) == 7
    monkeypatch.setattr(client.store, "of", fail)
    assert refusal(client.get("/corrections", headers=TOKEN)) == (507, "not_stored")


def recognized(client) -> int:
    return client.post("/recognize", json={"strokes": DRAWINGS[7]}).json()["digit"]


def test_a_slow_database_leaves_the_outcome_unknown(client, monkeypatch):
    """What may have been kept is never said to be refused, and others draw meanwhile."""
    monkeypatch.setattr(corrections, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(corrections, "TURN_SECONDS", 0.05)
    go_on, add = threading.Event(), client.store.add
    monkeypatch.setattr(client.store, "add", lambda *given: go_on.wait(30) and add(*given))
    with ThreadPoolExecutor(2) as others:
        given = [others.submit(give, client, stroke(n, uuid.uuid4().hex)) for n in range(2)]
        assert recognized(client) == 7
        refused = {refusal(one.result()) for one in given}
    assert (503, "outcome_unknown") in refused
    assert refused <= {(503, "busy"), (503, "outcome_unknown")}
    go_on.set()
    while not (kept := rows(client)):  # the abandoned thread goes on
        time.sleep(0.05)
    assert client.get(f"/corrections/{kept[0].key}", headers=TOKEN).status_code == 200


def stroke(number: int, id: str) -> dict:
    return {"strokes": [[[number, 1], [5, 9]]], "label": 1, "id": id}


def test_a_database_that_cannot_be_opened_leaves_the_rest(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////no/such/folder/c.sqlite")
    assert open_store(None, public=False) is None
    assert "corrections can't be stored" in capsys.readouterr().err


def test_public_pages_keep_nothing_unless_asked_to():
    assert open_store(None, public=True) is None
    assert open_store(False, public=False) is None
    for wanted, public in ((True, True), (None, False)):
        open_store(wanted, public).close()
