"""Corrections on the page and at their doors; networks that are swapped while people draw."""

import contextlib
import json
import shutil
import threading

import gradio as gr
import httpx
import pytest
import torch
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

import app
from mnist_core import weights
from mnist_core.corrections import MAX_PER_MINUTE, Corrections
from mnist_core.strokes import read_drawings
from scripts.browser import draw
from serving.metrics import Metrics
from serving.networks import Networks
from tests.conftest import ROOT, serving
from tests.drawings import DRAWINGS
from tests.page import expect_leader, open_page
from tests.test_doors import EXAMPLES, JSON_VALUES, expect_words

TOKEN = {"x-token": "0123456789abcdef" * 2}
OTHER = {"x-token": "fedcba9876543210" * 2}


@pytest.fixture
def store(tmp_path):
    with contextlib.closing(Corrections.open(f"sqlite:///{tmp_path}/c.sqlite")) as store:
        yield store


@pytest.fixture
def directory(tmp_path):
    """A copy of the shipped network, to be replaced."""
    weights.copy(ROOT / "weights", tmp_path / "network")
    return tmp_path / "network"


@pytest.fixture
def networks(directory):
    return Networks(directory)


@pytest.fixture
def client(networks, store):
    metrics = Metrics()
    page = app.build(networks, metrics, teach=True)
    settings = app.settings(networks, metrics, store)
    site = gr.mount_gradio_app(FastAPI(), page, path="/", **settings)
    with TestClient(site, raise_server_exceptions=False) as client:
        yield client


def correction(digit: int, label: int) -> dict:
    return {"strokes": DRAWINGS[digit], "label": label}


def other_network(directory) -> str:
    """Replace the network in `directory` by one that says 3 to everything; its name."""
    model, config = weights.load(directory)
    with torch.no_grad():
        model.layers[-1].bias[3] += 1000
    weights.save(model, directory, config["provenance"], config["thresholds"])
    return weights.load(directory)[1]["name"]


def test_a_correction_is_kept_with_what_the_network_answered(client, store, networks):
    kept = client.post("/corrections", json=correction(7, 1), headers=TOKEN)
    assert kept.status_code == 200
    (row,) = store.all()
    assert (row.id, row.label, row.answer) == (kept.json()["id"], 1, 7)
    assert row.network == networks.current.name
    assert row.strokes == DRAWINGS[7]
    assert row.probabilities[7] > 0.9


def test_a_browser_sees_and_deletes_its_own_alone(client, store):
    mine = client.post("/corrections", json=correction(7, 7), headers=TOKEN).json()["id"]
    theirs = client.post("/corrections", json=correction(4, 4), headers=OTHER).json()["id"]
    (shown,) = client.get("/corrections", headers=TOKEN).json()["corrections"]
    assert (shown["id"], shown["label"]) == (mine, 7)
    assert "token" not in shown
    assert client.delete(f"/corrections/{theirs}", headers=TOKEN).json() == {"removed": 0}
    assert client.delete(f"/corrections/{mine}", headers=TOKEN).json() == {"removed": 1}
    assert client.delete("/corrections", headers=TOKEN).json() == {"removed": 0}
    assert [row.id for row in store.all()] == [theirs]


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (correction(7, 10), TOKEN, 422, "the label is 10"),
        (correction(7, True), TOKEN, 422, "the label is not a digit"),
        ({"strokes": [], "label": 1}, TOKEN, 422, "no ink"),
        ({"label": 1}, TOKEN, 422, "Expected"),
        ([1], TOKEN, 422, "Expected"),
        (correction(7, 7), {}, 422, "token"),
        (correction(7, 7), {"x-token": "../../etc/passwd and more"}, 422, "token"),
    ],
)
def test_what_is_no_correction_is_refused(client, store, body, headers, status, says):
    response = client.post("/corrections", json=body, headers=headers)
    assert response.status_code == status
    assert says in response.json()["error"].replace("The label", "the label")
    expect_words(response)
    assert store.count() == 0


@EXAMPLES
@given(JSON_VALUES, st.text("ab09-_/.", max_size=70))
def test_anything_else_is_refused(client, value, token):
    for body in (value, {"strokes": value, "label": value}, {**correction(1, 1), "label": value}):
        expect_words(
            client.post("/corrections", content=json.dumps(body), headers={"x-token": token[:12]})
        )


def test_too_many_at_once_are_refused_in_words(client):
    answers = [
        client.post("/corrections", json=correction(1, 1), headers=TOKEN)
        for _ in range(MAX_PER_MINUTE + 1)
    ]
    assert [answer.status_code for answer in answers] == [200] * MAX_PER_MINUTE + [429]
    assert "wait a little" in answers[-1].json()["error"]


def test_a_full_disk_is_said_and_recognition_goes_on(client, store, monkeypatch):
    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr("mnist_core.corrections._lock", full)
    refused = client.post("/corrections", json=correction(7, 7), headers=TOKEN)
    assert refused.status_code == 507
    assert "the disk is full. Free some space." in refused.json()["error"]
    assert client.post("/recognize", json={"strokes": DRAWINGS[7]}).json()["digit"] == 7


def test_a_database_that_cannot_be_opened_leaves_the_rest(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////no/such/folder/c.sqlite")
    assert app.open_corrections(None, public=False) is None
    assert "can't be corrected here" in capsys.readouterr().err


def test_public_pages_keep_nothing_unless_told(store):
    assert app.open_corrections(None, public=True) is None
    assert app.open_corrections(False, public=False) is None
    for wanted, public in ((True, True), (None, False)):
        app.open_corrections(wanted, public).close()


def test_a_new_network_is_swapped_in_when_its_files_rest(networks, directory):
    old = networks.current
    name = other_network(directory)
    networks.look()
    assert networks.current is old  # perhaps it is still being written
    networks.look()
    assert (networks.current.name, networks.previous) == (name, old)
    assert networks.current.predict_strokes(DRAWINGS[7]).digit == 3


def test_a_damaged_network_changes_nothing(networks, directory, capsys):
    old = networks.current
    (directory / weights.MODEL_FILE).write_bytes(b"half")
    for _ in range(3):
        networks.look()
    assert networks.current is old
    assert capsys.readouterr().err.count("The network stays as it is") == 1
    shutil.rmtree(directory)
    for _ in range(3):
        networks.look()
    assert networks.current is old


def test_no_request_is_dropped_while_networks_are_swapped(client, networks, directory):
    answers, over = [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.append(client.post("/recognize", json={"strokes": DRAWINGS[7]}))

    people = [threading.Thread(target=ask) for _ in range(3)]
    for person in people:
        person.start()
    other_network(directory)
    while len(answers) < 60:
        networks.look()
    over.set()
    for person in people:
        person.join()
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["digit"] for answer in answers} == {7, 3}
    assert len({answer.json()["network"] for answer in answers}) == 2


def test_old_and_new_answer_side_by_side(client, networks, directory):
    question = {"strokes": DRAWINGS[7], "details": True}
    alone = client.post("/recognize", json=question).json()
    assert "before" not in alone
    name = other_network(directory)
    networks.look()
    networks.look()
    both = client.post("/recognize", json=question).json()
    assert (both["network"], both["digit"]) == (name, 3)
    assert both["before"] == {"network": alone["network"], "probabilities": alone["probabilities"]}
    assert client.get("/network").json()["name"] == name


def test_a_person_corrects_sees_exports_and_deletes(page, tmp_path):
    for part in (".choices", ".consent", ".take-back"):
        expect(page.locator(part)).to_be_hidden()
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.get_by_role("button", name="Right", exact=True).click()
    consent = page.get_by_text("nothing about you")
    expect(consent).to_be_visible()
    page.get_by_role("button", name="No", exact=True).click()
    expect(consent).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0  # nothing was kept, here or there

    page.keyboard.press("1")
    page.get_by_role("button", name="Keep it, and").click()
    expect(page.get_by_text("Kept as 1.")).to_be_visible()
    expect(page.locator(".choices")).to_be_hidden()
    page.locator(".take-back").click()
    expect(page.get_by_text("It is deleted.")).to_be_visible()
    page.keyboard.press("7")  # agreed already
    expect(page.get_by_text("Kept as 7.")).to_be_visible()

    page.get_by_text("What you gave").click()
    expect(page.locator(".given li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "corrections.jsonl")
    (drawing,) = read_drawings(tmp_path / "corrections.jsonl")
    assert (drawing.label, drawing.extra["answer"]) == (7, 7)
    page.get_by_role("button", name="Delete 7").click()
    expect(page.get_by_text("This browser has given nothing.")).to_be_visible()


def test_undo_is_offered_for_a_minute(page):
    page.clock.install()
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.evaluate("localStorage.setItem('corrections', 'yes')")
    page.keyboard.press("7")
    expect(page.locator(".take-back")).to_be_visible()
    page.clock.fast_forward(59_000)
    expect(page.locator(".take-back")).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(page.locator(".take-back")).to_be_hidden()


def test_a_store_that_fails_is_said_on_the_page(page):
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    page.evaluate("localStorage.setItem('corrections', 'yes')")
    full = {"status": 507, "json": {"error": "The disk is full."}}
    page.route("**/corrections", lambda route: route.fulfill(**full))
    page.keyboard.press("7")
    expect(page.get_by_text("It could not be kept. The disk is full.")).to_be_visible()
    expect(page.locator(".choices")).to_be_visible()  # to try again


def test_the_page_compares_networks_and_says_which_answered(browser, directory):
    with serving("--weights", directory) as address:
        page = browser.new_page()
        open_page(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        name = other_network(directory)
        for _ in range(100):
            answer = httpx.post(f"{address}recognize", json={"strokes": DRAWINGS[7]}).json()
            if answer["network"] == name:
                break
            page.wait_for_timeout(100)
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Redo").click()
        expect(page.get_by_text(f"Answered by network {name}")).to_be_visible()
        rows = page.locator(".side tbody tr")
        expect(rows.nth(0)).to_contain_text(f"now: {name}")
        expect(rows.nth(0).locator("td").nth(3)).to_have_text("100")
        expect(rows.nth(1).locator("td").nth(7)).to_have_text("100")
        page.close()


def test_without_corrections_nothing_of_them_is_there(browser):
    with serving("--no-corrections") as address:
        page = browser.new_page()
        open_page(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        expect(page.locator(".choices")).to_have_count(0)
        refused = httpx.post(f"{address}corrections", json=correction(7, 7), headers=TOKEN)
        assert refused.status_code == 404
        page.close()
