"""What reaches Gradio is made anew: nothing that a client names is fetched, opened or kept."""

import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from gradio import processing_utils
from gradio_client.client import Endpoint

from mnist_core import Recognizer
from serving.middleware import MAX_WAITING
from tests.conftest import serving
from tests.drawings import DRAWINGS


@contextmanager
def listener():
    """A server on this machine, and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"fetched")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()


@pytest.fixture
def trap(monkeypatch):
    """A listener that Gradio would take for a public one; what lies in its folder and what not."""

    async def get(url: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(url)

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_get", get)
    with listener() as (address, asked):
        yield address, asked


def kept() -> set[Path]:
    return set((Path(tempfile.gettempdir()) / "gradio").rglob("*"))


def send(server: str, path: str, envelope: object) -> httpx.Response:
    """Its answer; where it was taken, waits until it was worked on."""
    response = httpx.post(f"{server}gradio_api/{path}", json=envelope)
    if response.status_code == 200:
        event = response.json()["event_id"]
        httpx.get(f"{server}gradio_api/call/predict/{event}")
    return response


def wrap_many(value: object) -> list:
    return [[[value] * 3]]


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [[value]], wrap_many])
@pytest.mark.parametrize(
    ("path", "frame"),
    [
        ("call/predict", lambda value: {"data": [value]}),
        ("call/predict_image", lambda value: {"data": [value]}),
        ("call/v2/predict", lambda value: {"strokes": value}),
        ("call/v2/predict_image", lambda value: {"picture": value}),
        ("queue/join", lambda value: {"data": [value], "fn_index": 0, "session_hash": "a"}),
        ("queue/join", lambda value: {"data": [value], "fn_index": 1, "session_hash": "b"}),
    ],
)
def test_nothing_that_a_client_names_is_fetched(server, trap, path, frame, wrap):
    address, asked = trap
    before = kept()
    named = {"path": f"{address}/f.txt", "meta": {"_type": "gradio.FileData"}}
    response = send(server, path, frame(wrap(named)))
    assert asked == []
    assert kept() == before
    assert response.status_code == 422
    assert address not in response.text


def test_a_tool_over_mcp_opens_nothing_either(trap, tmp_path, monkeypatch):
    address, asked = trap
    (tmp_path / "secret").write_text("of the server's")
    opened, upload = [], Endpoint._upload_file
    monkeypatch.setattr(
        Endpoint, "_upload_file", lambda *args, **kw: (opened.append(args[1]), upload(*args, **kw))
    )
    with serving(mcp=True, corrections=False) as server:
        for path in (f"{address}/f.txt", str(tmp_path / "secret")):
            named = {"path": path, "meta": {"_type": "gradio.FileData"}}
            call = {"name": "predict", "arguments": {"strokes": [[named]]}}
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
            response = httpx.post(
                f"{server}gradio_api/mcp/",
                json=message,
                headers={"accept": "application/json, text/event-stream"},
                timeout=60,
            )
            assert '"isError":true' in response.text
            assert path not in response.text
            assert opened == asked == []


def test_what_waits_in_gradios_queue_has_a_bound_in_bytes():
    """Of 40 pictures of a mebibyte at once few are let in; afterwards all of them are gone."""
    url = "data:image/png;base64," + "A" * 1_000_000
    hold = threading.Event()
    with serving(corrections=False) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Recognizer, "predict_strokes", lambda *_: hold.wait(30) and 1 / 0)
            send_one(server, {"data": [DRAWINGS[7]], "fn_index": 0, "session_hash": "first"})
            statuses = [
                send_one(server, {"data": [url], "fn_index": 1, "session_hash": f"s{number}"})
                for number in range(40)
            ]
            hold.set()
            assert set(statuses) == {200, 503}
            assert statuses.count(200) * len(url) <= MAX_WAITING
        for _ in range(100):
            time.sleep(0.1)
            later = {"data": [url], "fn_index": 1, "session_hash": "later"}
            if send_one(server, later) == 200:
                break
        else:
            pytest.fail("the queue stays full")


def send_one(server: str, envelope: dict) -> int:
    return httpx.post(f"{server}gradio_api/queue/join", json=envelope).status_code
