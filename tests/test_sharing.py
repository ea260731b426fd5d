"""Sharing: passwords, public links that come and that do not, and the invitation on the page."""

import io
import os
import subprocess
import sys
import textwrap

import httpx
import pytest
import segno
from playwright.sync_api import expect

from scripts.browser import draw
from serving.sharing import PASSWORDS, credentials, qr_picture, qr_text
from tests.conftest import ROOT, call, free_port, serving
from tests.drawings import DRAWINGS
from tests.page import expect_leader, open_page

LINK = "https://0123456789abcdef.gradio.live"
# A launch whose tunnel comes at once, as nothing here may ask another host for one.
SHARED = f"""
    import sys
    from gradio import networking
    networking.setup_tunnel = lambda *args, **kwargs: "{LINK}"
    sys.argv = ["app.py", "--share", "--port", "%s"]
    import app
    app.main()
"""


def test_credentials_come_from_the_command_line_and_the_environment(monkeypatch):
    assert credentials([]) is None
    assert credentials(["ann:a", "bob:b:c"]) == [("ann", "a"), ("bob", "b:c")]
    monkeypatch.setenv(PASSWORDS, "eve:e\n\nmallory: m \n")
    assert credentials(["ann:a"]) == [("ann", "a"), ("eve", "e"), ("mallory", " m")]


@pytest.mark.parametrize("text", ["ann", "ann:", ":secret"])
def test_half_a_credential_is_refused(text):
    with pytest.raises(ValueError, match="USER:PASSWORD"):
        credentials([text])


def test_the_codes_hold_the_address():
    lines = qr_text(LINK).splitlines()
    assert len(lines) > 10
    assert qr_picture(LINK).startswith("data:image/svg+xml")
    out = io.StringIO()
    segno.make(LINK, micro=False).terminal(out, compact=True)
    assert qr_text(LINK) == out.getvalue()


@pytest.mark.parametrize("option", ["--share", "--share-or-exit"])
def test_a_link_that_does_not_come_is_explained(option, tmp_path):
    # An address where nothing listens: the tunnel's maker can't be asked.
    closed = {"https_proxy": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    port = str(free_port())
    process = subprocess.Popen(
        [sys.executable, ROOT / "app.py", "--port", port, option],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **closed, "no_proxy": "127.0.0.1,localhost"},
    )
    try:
        said = process.stderr.readline() + process.stderr.readline()
        if option == "--share":
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        else:
            assert process.wait(20) == 3
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=20)
    assert "there is no public link" in said
    assert "Could not create share link" in said
    assert "proxy or firewall" in said
    assert out.startswith("Draw at http://127.0.0.1:")


def test_a_link_that_comes_stands_on_a_line_of_its_own_and_on_the_page(browser):
    port = free_port()
    script = textwrap.dedent(SHARED % port)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        lines = [process.stdout.readline().strip() for _ in range(3)]
        assert lines[2] == LINK
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        open_page(page, f"http://127.0.0.1:{port}/")
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.get_by_text("Open this page on a phone").click()
        expect(page.get_by_role("link", name=LINK)).to_be_visible()
        code = page.locator("#invitation img")
        expect(code).to_be_visible()
        assert code.evaluate("image => image.naturalWidth") > 0
        ours = (f"http://127.0.0.1:{port}/", "data:", "blob:")
        assert [url for url in asked if not url.startswith(ours)] == []
        page.close()
    finally:
        process.terminate()
        process.wait(20)


def test_with_passwords_nobody_draws_who_has_not_logged_in(browser):
    passwords = {PASSWORDS: "ann:chalk\nbob:slate"}
    with serving(environment=passwords) as address:
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
        page.goto(address)
        page.get_by_label("username").fill("ann")
        page.get_by_label("password").fill("chalk")
        page.get_by_role("button", name="Login").click()
        expect(page.locator(".hint span")).not_to_be_empty()
        draw(page, DRAWINGS[7])
        expect_leader(page, 7)
        page.context.clear_cookies()
        draw(page, [[(0.2, 0.9), (0.3, 0.9)]])
        expect(page.get_by_text("You are logged out.")).to_be_visible()
        expect(page.get_by_role("button", name="Load the page again")).to_be_visible()
        page.close()


def test_a_wrong_password_text_is_refused_before_anything_is_served():
    done = call(ROOT / "app.py", "--auth", "ann")
    assert done.returncode == 2
    assert done.stderr == "app.py: --auth takes USER:PASSWORD, neither of them empty\n"
