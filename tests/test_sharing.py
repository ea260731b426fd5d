"""Sharing: passwords, public links that come and that do not, and the invitation on the page."""

import io
import sys

import httpx
import numpy as np
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from mnist_core.errors import UserError
from serving import sharing
from serving.auth import PASSWORDS, credentials
from tests.browser import draw
from tests.conftest import app_main, serving
from tests.drawings import DRAWINGS
from tests.page import expect_leader, log_in_by_form, open_page

LINK = "https://0123456789abcdef.gradio.live"


def test_credentials_come_from_the_command_line_and_the_environment(monkeypatch):
    assert credentials([]) is None
    assert credentials(["ann:a", "bob:b:c"]).by_name == {"ann": "a", "bob": "b:c"}
    monkeypatch.setenv(PASSWORDS, "eve:e\n\nmallory: m \n")
    assert credentials(["ann:a"]).by_name == {"ann": "a", "eve": "e", "mallory": " m"}


@pytest.mark.parametrize("text", ["ann", "ann:", ":secret"])
def test_half_a_credential_is_refused_where_it_stands(text, monkeypatch):
    with pytest.raises(UserError, match="--auth is not USER:PASSWORD"):
        credentials([text])
    monkeypatch.setenv(PASSWORDS, f"eve:e\n\n{text}\n")
    with pytest.raises(UserError, match=f"line 3 of the variable {PASSWORDS} is not USER"):
        credentials(["ann:a"])


def code_in(picture: Image.Image) -> str:
    """What a QR code says to a decoder that is not ours."""
    (code,) = zxingcpp.read_barcodes(picture)
    return code.text


def test_the_code_in_the_terminal_holds_the_address(monkeypatch, capsys):
    sharing.print_address("Shared for a week", LINK)
    assert capsys.readouterr().out == f"Shared for a week at\n{LINK}\n"  # in a file
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    sharing.print_address("Shared for a week", LINK)
    _, address, *code = capsys.readouterr().out.splitlines()
    assert address == LINK
    halves = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}  # upper, lower
    rows = []
    for line in code:
        rows += zip(*(halves[character] for character in line), strict=True)
    picture = Image.fromarray(np.array(rows, np.uint8))
    larger = picture.resize((8 * picture.width, 8 * picture.height), Image.Resampling.NEAREST)
    assert code_in(larger) == LINK


def test_the_address_in_the_network_is_told_and_answers(capsys):
    with app_main("--host", "0.0.0.0", "--no-corrections") as local:
        first, *others = capsys.readouterr().out.splitlines()
        assert first == f"Draw at {local}".replace("127.0.0.1", "localhost")
        if others:  # this machine has a network
            assert others[0] == "In your network at"
            assert "127.0.0.1" not in others[1]
            assert httpx.get(f"{others[1]}healthz").status_code == 200
    assert sharing.network_address("127.0.0.1", 7860) is None  # nobody else gets there


def test_a_link_that_does_not_come_is_explained(monkeypatch, capsys):
    # An address where nothing listens: the tunnel's maker can't be asked.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with app_main("--share", "--no-corrections") as address:
        assert httpx.get(f"{address}healthz").status_code == 200
    out, err = capsys.readouterr()
    assert "there is no public link" in err
    assert "Could not create share link" in err
    assert "proxy or firewall" in err
    assert out.startswith("Draw at http://127.0.0.1:")
    with pytest.raises(SystemExit) as ended, app_main("--share-or-exit"):
        pass
    assert ended.value.code == 3
    assert "there is no public link" in capsys.readouterr().err


def test_a_link_that_comes_stands_on_a_line_of_its_own_and_on_the_page(
    browser, monkeypatch, capsys
):
    # A tunnel that comes at once, as nothing here may ask another host for one.
    monkeypatch.setattr("gradio.networking.setup_tunnel", lambda *_, **__: LINK)
    with app_main("--share") as address:
        assert LINK in capsys.readouterr().out.splitlines()
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        open_page(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.get_by_role("button", name="Yes", exact=True).click()
        expect(page.locator(".consent")).to_be_hidden()  # public: nobody said to keep any
        page.get_by_text("Open this page on a phone").click()
        expect(page.get_by_role("link", name=LINK)).to_be_visible()
        code = page.locator("#invitation img")
        expect(code).to_be_visible()
        assert code_in(Image.open(io.BytesIO(code.screenshot()))) == LINK
        ours = (address, "data:", "blob:")
        assert [url for url in asked if not url.startswith(ours)] == []
        page.close()


def test_with_passwords_nobody_draws_who_has_not_logged_in(browser):
    with serving(auth=[("ann", "chalk"), ("bob", "slate")]) as address:
        drawing = {"strokes": DRAWINGS[7]}
        refused = httpx.post(f"{address}recognize", json=drawing)
        assert refused.status_code == 401
        assert "not logged in" in refused.json()["error"]
        assert httpx.get(f"{address}config").status_code == 401
        assert httpx.get(f"{address}healthz").status_code == 200  # for who watches over it
        with httpx.Client(base_url=address) as client:
            wrong = client.post("login", data={"username": "ann", "password": "slate"})
            assert wrong.status_code == 400
            client.post("login", data={"username": "bob", "password": "slate"})
            assert client.post("recognize", json=drawing).json()["digit"] == 7
        page = browser.new_page()
        log_in_by_form(page, address)
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.context.clear_cookies()
        draw(page, [[(0.2, 0.9), (0.3, 0.9)]])
        expect(page.get_by_text("You are logged out.")).to_be_visible()
        expect(page.get_by_role("button", name="Load the page again")).to_be_visible()
        page.close()
