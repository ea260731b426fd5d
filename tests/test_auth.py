"""Authentication: guessing passwords, sessions, and the page that one signs in on."""

import base64
from types import SimpleNamespace

import pytest

from mnist_core.errors import UserError
from serving import auth, limits
from serving.auth import Passwords, credentials
from serving.errors import Refusal
from serving.limits import MAX_WRONG_PASSWORDS, WRONG_PASSWORD_SECONDS
from serving.options import PASSWORDS
from serving.reloader import ModelReloader
from tests.conftest import ROOT, site
from tests.drawings import DRAWINGS

DRAWING = {"strokes": DRAWINGS[7]}
ANN = {"username": "ann", "password": "chalk"}
USERS = [("ann", "chalk"), ("bob", "slate")]
HTML = {"accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def client():
    """A browser that is not signed in, before a server of its own."""
    with site(ModelReloader(ROOT / "weights"), auth=USERS) as client:
        yield client


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=10.0 * WRONG_PASSWORD_SECONDS)
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def guess(passwords: Passwords, name: str, password: str, client: str = "10.0.0.1") -> bool | int:
    try:
        return passwords.check(name, password, client)
    except Refusal as refusal:
        assert 0 < int(refusal.headers["retry-after"]) <= WRONG_PASSWORD_SECONDS
        return refusal.status


@pytest.mark.parametrize("names", [["ann"], [f"user{n}" for n in range(500)]])
def test_guesses_from_one_address_have_to_wait(clock, names):
    passwords = Passwords(dict(USERS))
    answers = [guess(passwords, names[n % len(names)], f"{n}") for n in range(500)]
    assert answers == [False] * MAX_WRONG_PASSWORDS + [429] * (500 - MAX_WRONG_PASSWORDS)
    assert guess(passwords, "ann", "chalk") == 429  # even if it is right
    assert guess(passwords, "ann", "chalk", "10.0.0.2") is True  # others are not shut out
    clock.seconds += WRONG_PASSWORD_SECONDS
    assert guess(passwords, "ann", "chalk") is True


def test_wrong_passwords_are_refused(client):
    guesses = [{**ANN, "password": f"guess{n}"} for n in range(MAX_WRONG_PASSWORDS + 1)]
    codes = [client.post("login", data=data).json()["code"] for data in guesses]
    assert codes == ["wrong_password"] * MAX_WRONG_PASSWORDS + ["too_many_passwords"]
    assert client.post("recognize", json=DRAWING, auth=("bob", "slate")).status_code == 429


def test_signing_in_answers_200_and_opens_everything(client):
    assert client.post("recognize", json=DRAWING).status_code == 401
    answer = client.post("login", data=ANN, headers=HTML)
    assert answer.status_code == 200
    cookie = [*answer.history, answer][0].headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    assert client.post("recognize", json=DRAWING).json()["digit"] == 7
    assert '"signed_in": true' in client.get("/").text


@pytest.mark.parametrize(
    "form",
    [
        {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"data": {"username": "\x00é" * 99, "password": "٧"}},
        {"files": {"username": ("ann", b"ann"), "password": ("x", b"chalk")}},
        {"json": ANN},
    ],
)
def test_other_forms_sign_nobody_in_and_are_no_fault_of_ours(client, form):
    answer = client.post("login", **form)
    assert answer.status_code in (400, 422)
    assert "set-cookie" not in answer.headers
    assert "chalk" not in answer.text


def test_a_session_ends_with_signing_out_a_password_or_another_secret(client, monkeypatch):
    monkeypatch.setenv(auth.SECRET, "kept by all replicas")

    def opens(users: list, cookies: dict) -> bool:
        with site(ModelReloader(ROOT / "weights"), auth=users, cookies=cookies) as other:
            return other.post("recognize", json=DRAWING).status_code == 200

    with site(ModelReloader(ROOT / "weights"), auth=USERS) as replica:
        replica.post("login", data=ANN)
        kept = dict(replica.cookies)
        assert replica.get("logout").status_code == 405
        assert replica.post("logout", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert replica.post("logout", follow_redirects=False).status_code == 303
        assert replica.post("recognize", json=DRAWING).status_code == 401
    assert opens(USERS, kept)
    assert not opens([("ann", "new"), ("bob", "slate")], kept)
    name, value = next(iter(kept.items()))
    assert not opens(USERS, {name: value[:-3] + "AAA"})
    monkeypatch.setenv(auth.SECRET, "another")
    assert not opens(USERS, kept)


def test_programs_may_send_the_password_with_each_request(client):
    def ask(header: str) -> int:
        headers = {"authorization": header}
        return client.post("recognize", json=DRAWING, headers=headers).status_code

    right, wrong = (base64.b64encode(text).decode() for text in (b"bob:slate", b"bob:chalk"))
    assert ask(f"Basic {right}") == ask(f"Bearer {right}") == 200
    for header in (f"Basic {wrong}", "", "Basic", "Basic bob:slate", "Basic ///=", "Digest x"):
        assert ask(header) == 401


def test_the_sign_in_page_is_in_the_browsers_language_and_has_a_strict_policy(client):
    chinese = {**HTML, "accept-language": "zh-CN,zh;q=0.9"}
    english = client.get("/", headers={**HTML, "accept-language": "de,en;q=0.5"})
    assert "Sign in</button>" in english.text
    assert "登录</button>" in client.get("/", headers=chinese).text
    wrong = client.post("login", data={**ANN, "password": "x"}, headers=chinese)
    assert wrong.status_code == 400
    assert "用户名或密码不正确。" in wrong.text
    for answer in (english, wrong):
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_credentials_come_from_the_command_line_and_the_environment(monkeypatch):
    assert credentials([]) is None
    assert credentials(["ann:a", "bob:b:c"]).by_name == {"ann": "a", "bob": "b:c"}
    monkeypatch.setenv(PASSWORDS, "eve:e\n\nmallory: m \n")
    assert credentials(["ann:a"]).by_name == {"ann": "a", "eve": "e", "mallory": " m"}


@pytest.mark.parametrize("text", ["ann", "ann:", ":secret"])
def test_half_a_credential_is_refused_and_not_shown(text, monkeypatch):
    with pytest.raises(UserError, match="--auth is not USER:PASSWORD"):
        credentials([text])
    monkeypatch.setenv(PASSWORDS, f"eve:e\n\n{text}\n")
    with pytest.raises(UserError, match=f"line 3 of the variable {PASSWORDS} is not USER"):
        credentials(["ann:a"])
