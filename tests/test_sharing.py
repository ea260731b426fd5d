"""Sharing: public links that come and that do not, the invitation on the page, and Spaces."""

import io
import re
import sys

import httpx
import numpy as np
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from serving import sharing
from serving.reloader import ModelReloader
from tests.conftest import ROOT, app_main, site
from tests.drawings import DRAWINGS

LINK = "https://0123456789abcdef.gradio.live"


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


def test_the_address_in_the_network_is_printed_and_answers(capsys):
    with app_main("--host", "0.0.0.0", "--no-corrections") as local:
        first, *others = capsys.readouterr().out.splitlines()
        assert first == f"Draw at {local}".replace("127.0.0.1", "localhost")
        if others:  # this machine has a network
            assert others[0] == "In your network at"
            assert "127.0.0.1" not in others[1]
            assert httpx.get(f"{others[1]}healthz").status_code == 200
    assert sharing.network_address("127.0.0.1", 7860) is None  # nobody else gets there


def test_a_missing_link_is_explained(monkeypatch, capsys):
    # An address where nothing listens: the tunnel's maker can't be asked.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with app_main("--share", "--no-corrections") as address:
        assert httpx.get(f"{address}healthz").status_code == 200
    error = capsys.readouterr().err
    assert "there is no public link" in error
    assert "Could not create share link" in error
    with pytest.raises(SystemExit) as ended, app_main("--share-or-exit"):
        pass
    assert ended.value.code == 3
    assert "there is no public link" in capsys.readouterr().err


def tags(answer: httpx.Response) -> dict[str, str]:
    """What a chat reads of a link."""
    return dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', answer.text))


def test_a_public_link_is_printed_and_shown_on_the_page_and_in_chats(
    new_window, monkeypatch, capsys
):
    # A tunnel that comes at once, as nothing here may ask another host for one.
    monkeypatch.setattr("gradio.networking.setup_tunnel", lambda *_, **__: LINK)
    with app_main("--share") as address:
        assert LINK in capsys.readouterr().out.splitlines()
        shown = tags(httpx.get(address, headers={"host": "evil.example"}))
        assert shown["title"] == "Draw a digit"
        assert (shown["url"], shown["image"]) == (f"{LINK}/", f"{LINK}/preview.png")
        assert Image.open(io.BytesIO(httpx.get(f"{address}preview.png").content)).width == 1200
        assert httpx.get(f"{address}corrections").status_code == 404  # public: none are kept
        page = new_window()
        page.goto(address)
        page.get_by_text("Open this page on a phone").click()
        expect(page.get_by_role("link", name=LINK)).to_be_visible()
        code = page.locator("#invitation img")
        expect(code).to_be_visible()
        assert code_in(Image.open(io.BytesIO(code.screenshot()))) == LINK


def test_on_spaces_its_frame_may_ask_and_no_other_space(monkeypatch):
    monkeypatch.setenv("SPACE_HOST", "somebody-draw.hf.space")
    with site(ModelReloader(ROOT / "weights"), auth=[("ann", "chalk")]) as client:
        for origin, status in [
            ("https://huggingface.co", 200),
            ("https://somebody-draw.hf.space", 200),
            ("https://anybody-else.hf.space", 403),
        ]:
            asked = {"json": {"strokes": DRAWINGS[7]}, "headers": {"origin": origin}}
            answer = client.post("/recognize", auth=("ann", "chalk"), **asked)
            assert answer.status_code == status
        policy = client.get("/", auth=("ann", "chalk")).headers["content-security-policy"]
        own = "https://huggingface.co https://somebody-draw.hf.space"
        assert policy.endswith(f"frame-ancestors 'self' {own}")
        signed_in = client.post("/login", data={"username": "ann", "password": "chalk"})
        cookie = signed_in.headers["set-cookie"].lower()  # the page is in another site's frame
        assert "samesite=none" in cookie and "secure" in cookie
