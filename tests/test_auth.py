"""Passwords under attack: guessing, logging somebody out, and getting in beside the login."""

import base64
import contextlib
import json
import logging
import time
from collections import Counter
from types import SimpleNamespace

import httpx
import pytest
from gradio_client import Client

from serving import auth
from serving.auth import ALWAYS, MAX_WRONG, WINDOW, Passwords
from serving.errors import Refusal
from serving.metrics import JSONFormatter
from tests.conftest import serving
from tests.drawings import DRAWINGS
from tests.page import log_in_by_form

DRAWING = {"strokes": DRAWINGS[7]}
ANN = {"username": "ann", "password": "chalk"}


@pytest.fixture
def guarded():
    """The address of a page of its own, so that no other test's wrong passwords count."""
    with serving(auth=[("ann", "chalk"), ("bob", "slate")], corrections=False) as address:
        yield address


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=10.0 * WINDOW)
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


class Door:
    """Ann's, and who knocks at it from an address."""

    def __init__(self) -> None:
        self.passwords = Passwords({"ann": "chalk", "bob": "slate"})

    def answer(self, name: str, password: str, address: str = "10.0.0.1") -> bool | int:
        try:
            return self.passwords(name, password, address)
        except Refusal as refusal:
            assert 0 < int(refusal.headers["retry-after"]) <= WINDOW
            return refusal.status


@pytest.fixture
def log_in(guarded):
    """Gives a new browser, logged in."""
    with contextlib.ExitStack() as stack:

        def one() -> httpx.Client:
            client = stack.enter_context(httpx.Client(base_url=guarded))
            assert client.post("login", data=ANN).json() == {"success": True}
            return client

        yield one


def test_guesses_from_one_address_are_slowed_down_and_forgotten(clock):
    door = Door()
    answers = [door.answer("ann", str(guess)) for guess in range(1500)]
    assert answers == [False] * MAX_WRONG + [429] * (1500 - MAX_WRONG)
    assert door.answer("ann", "chalk") == 429  # nor does a right one tell that it is right
    clock.seconds += WINDOW
    assert door.answer("ann", "chalk") is True


def test_guesses_at_many_names_from_one_address_are_slowed_down(clock):
    door = Door()
    answers = [door.answer(f"user{n}", "123456") for n in range(1500)]
    assert answers == [False] * MAX_WRONG + [429] * (1500 - MAX_WRONG)


def test_guesses_at_one_name_from_many_addresses_are_slowed_down_too(clock):
    door = Door()
    answers = [door.answer("ann", str(n), f"10.0.{n % 50}.1") for n in range(1500)]
    assert answers.count(False) == 50 * ALWAYS  # what an address may always try
    assert set(answers[50 * ALWAYS :]) == {429}
    assert door.answer("bob", "slate", "10.0.1.1") is True


def test_who_guesses_does_not_shut_out_the_others(clock):
    door = Door()
    for guess in range(1500):
        door.answer("ann", str(guess), f"10.6.6.{guess % 250}")
    assert [door.answer("ann", "chalc", "10.0.0.1") for _ in range(ALWAYS - 1)] == [False] * 4
    assert door.answer("ann", "chalk", "10.0.0.1") is True


def test_a_class_of_40_behind_one_address_may_mistype_twice_each(clock):
    door = Door()
    assert {door.answer("ann", "chalc") for _ in range(80)} == {False}
    assert {door.answer("ann", "chalk") for _ in range(40)} == {True}


def test_what_is_remembered_of_guesses_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(auth, "MAX_REMEMBERED", 100)
    door = Door()
    for guess in range(1000):
        door.answer(f"user{guess}", "x", f"10.0.{guess % 250}.{guess // 250}")
        assert len(door.passwords.wrong) <= 102
    assert not any("user" in kept for kind, kept in door.passwords.wrong)


def test_wrong_passwords_are_slowed_counted_and_logged_without_a_name(guarded, log_in, caplog):
    caplog.set_level(logging.INFO, "serving")
    start, guesses = time.monotonic(), 0
    watcher = log_in()
    with httpx.Client(base_url=guarded) as client:
        while time.monotonic() < start + 7 and guesses < 1500:
            answer = client.post("login", data={**ANN, "password": f"guess{guesses}"})
            guesses += 1
        assert answer.status_code == 429
        assert answer.headers["retry-after"].isdecimal()
        assert "wait some minutes" in answer.json()["error"]
        # The other doors are shut to the same guesser.
        asked = client.post("recognize", json=DRAWING, auth=("bob", "slate"))
        assert asked.status_code == 429
        assert client.get("metrics").status_code == 401
        counts = watcher.get("metrics").text
    lines = [JSONFormatter().format(record) for record in caplog.records]
    statuses = Counter(json.loads(line)["status"] for line in lines)
    assert statuses == {400: MAX_WRONG, 429: guesses - MAX_WRONG + 1, 401: 1}
    assert not [line for line in lines if "ann" in line or "guess1" in line]
    assert f'digit_refusals_total{{endpoint="/login",status="400"}} {MAX_WRONG}.0' in counts
    assert f'endpoint="/login",status="429"}} {guesses - MAX_WRONG}.0' in counts


def test_programs_may_send_the_password_with_each_request(guarded):
    def ask(header: str) -> int:
        headers = {"authorization": header}
        return httpx.post(f"{guarded}recognize", json=DRAWING, headers=headers).status_code

    right, wrong = (base64.b64encode(text).decode() for text in (b"bob:slate", b"bob:chalk"))
    assert ask(f"Basic {right}") == ask(f"Bearer {right}") == 200
    assert ask(f"Basic {wrong}") == 401
    refused, told = (httpx.get(f"{guarded}metrics", auth=who) for who in (None, ("bob", "slate")))
    assert (refused.status_code, told.status_code) == (401, 200)
    assert "curl -u USER:PASSWORD" in refused.json()["error"]
    for header in ("", "Basic", "Basic bob:slate", "Basic Ym9i", "Basic ///=", "Digest x" * 100):
        assert ask(header) == 401
    assert Client(guarded, auth=("ann", "chalk"), verbose=False).predict(
        DRAWINGS[7], api_name="/predict"
    )


@pytest.mark.parametrize(
    "form",
    [
        {"content": b""},
        {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"data": {"username": "\x00é" * 99, "password": "٧"}},
        {"files": {"username": ("ann", b"ann"), "password": ("x", b"chalk")}},
        {"data": {f"name{n}": "x" for n in range(50)}},
    ],
)
def test_what_is_no_form_is_no_login_and_no_fault_of_ours(guarded, form):
    answer = httpx.post(f"{guarded}login", **form)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_logins_are_bounded(log_in, monkeypatch):
    monkeypatch.setattr(auth, "MAX_REMEMBERED", 2)
    first, second, third = (log_in() for _ in range(3))
    answers = [c.post("recognize", json=DRAWING).status_code for c in (first, second, third)]
    assert answers == [401, 200, 200]


def test_logging_out_takes_a_post_and_ends_one_login_alone(log_in):
    one, other = log_in(), log_in()
    elsewhere = {"origin": "https://evil.example"}

    def inside(client: httpx.Client) -> bool:
        return client.post("recognize", json=DRAWING).status_code == 200

    kept = dict(one.cookies)
    assert one.get("logout", headers={"sec-fetch-site": "cross-site"}).status_code == 200
    assert one.get("logout", params={"all_session": "true"}).headers.get("set-cookie") is None
    assert one.post("logout", headers=elsewhere).status_code == 403
    assert one.post("logout", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert inside(one)
    assert inside(other)
    assert one.post("logout/").status_code == 404  # Gradio's
    left = one.post("logout")
    assert (left.status_code, left.headers["location"]) == (303, "./")
    assert not inside(one)
    assert inside(other)
    one.cookies.update(kept)
    assert not inside(one)  # who has kept the cookie is out too


def test_the_button_logs_out(browser, guarded):
    page = browser.new_page()
    log_in_by_form(page, guarded)
    page.goto(f"{guarded}logout")
    with page.expect_navigation(url=guarded):
        page.get_by_role("button", name="Log out").click()
    page.get_by_label("password").wait_for()
    page.close()


def test_nobody_who_has_not_logged_in_is_told_anything_but_how_to(guarded):
    for path in ("config", "network", "gradio_api/info", "gradio_api/openapi.json"):
        assert httpx.get(f"{guarded}{path}").status_code == 401
