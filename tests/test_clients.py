"""Gradio's clients and MCP: what they are answered, and that nothing they name is opened."""

import base64
import json
import tempfile
import threading
import time
from concurrent.futures import wait
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from gradio import processing_utils
from gradio_client import Client
from gradio_client.exceptions import AppError, ValidationError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from mnist_core import Recognizer
from serving import limits
from serving.gradio_api import ENDPOINTS
from tests.conftest import run_async, serving
from tests.drawings import DRAWINGS, data_url

SHIFTED = [[[x + 0.7, y] for x, y in stroke] for stroke in DRAWINGS[5]]
FORTY_FIVE = DRAWINGS[4] + SHIFTED


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


# Gradio's clients ------------------------------------------------------------


def test_drawings_pictures_and_numbers_are_read(client, mnist):
    for digit in (2, 7):
        answer = client.predict(DRAWINGS[digit], api_name="/predict")
        assert list(answer) == list("0123456789")
        assert sum(answer.values()) == pytest.approx(1, abs=1e-4)
        assert max(answer, key=answer.get) == str(digit)
    picture = Image.fromarray(255 - mnist[0][0].numpy()).resize((280, 280))
    answer = client.predict(data_url(picture), api_name="/predict_image")
    assert max(answer, key=answer.get) == str(mnist[1][0].item())
    number = client.predict(FORTY_FIVE, api_name="/predict_number")
    assert (number["number"], number["verdict"], len(number["digits"])) == ("45", "sure", 2)


def test_a_client_is_told_what_is_wrong(client):
    with pytest.raises(ValidationError, match="Stroke 1 holds something else"):
        client.predict([[[1]]], api_name="/predict")
    for kind, error in (("text/plain", ValidationError), ("image/png", AppError)):
        with pytest.raises(error, match="send a PNG, JPEG or WebP file"):
            client.predict(f"data:{kind};base64,RGVhciBzaXI=", api_name="/predict_image")


def test_all_functions_are_listed(client):
    listed = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert set(listed) == {f"/{name}" for name in ENDPOINTS}


def test_a_fault_of_ours_is_told_as_one(client, monkeypatch):
    monkeypatch.setattr(Recognizer, "predict_strokes", lambda *_: 1 / 0)
    with pytest.raises(AppError, match="Something went wrong here"):
        client.predict(DRAWINGS[7], api_name="/predict")


def test_more_jobs_than_may_wait_are_refused_and_later_ones_answered(client, server, monkeypatch):
    monkeypatch.setattr(limits, "QUICK_POINTS", 0)  # so that all of them are in the slow lane
    hold, read = threading.Event(), Recognizer.predict_strokes
    monkeypatch.setattr(
        Recognizer, "predict_strokes", lambda *given: hold.wait(30) and read(*given)
    )
    jobs = [client.submit(DRAWINGS[7], api_name="/predict") for _ in range(limits.MAX_SLOW + 4)]
    for _ in range(300):  # until those that found no place have been told
        if sum(job.done() for job in jobs) >= 4:
            break
        time.sleep(0.1)
    hold.set()
    wait(job.future for job in jobs)
    refused = [str(job.exception()) for job in jobs if job.exception()]
    assert len(refused) == 4
    assert all("Too many people" in words for words in refused)
    assert client.predict(DRAWINGS[7], api_name="/predict")["7"] > 0.9


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
    """A listener that Gradio would take for a public one, and what it was asked for."""

    async def get(url: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(url)

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_get", get)
    with listener() as (address, asked):
        yield address, asked


def kept() -> set[Path]:
    return set((Path(tempfile.gettempdir()) / "gradio").rglob("*"))


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [[[value] * 3]]])
@pytest.mark.parametrize(
    ("path", "frame"),
    [
        ("call/predict", lambda value: {"data": [value]}),
        ("call/predict_image", lambda value: {"data": [value]}),
        ("call/predict_number", lambda value: {"data": [value]}),
        ("queue/join", lambda value: {"data": [value], "fn_index": 0, "session_hash": "a"}),
        ("queue/join", lambda value: {"data": [value], "fn_index": 1, "session_hash": "b"}),
    ],
)
def test_nothing_that_a_client_names_is_fetched(server, trap, path, frame, wrap):
    address, asked = trap
    before = kept()
    named = {"path": f"{address}/f.txt", "meta": {"_type": "gradio.FileData"}}
    response = httpx.post(f"{server}gradio_api/{path}", json=frame(wrap(named)))
    assert response.status_code == 422
    assert address not in response.text
    assert (asked, kept()) == ([], before)


@pytest.mark.parametrize(
    ("key", "value"),
    [("fn_index", n) for n in (-1, 3, 10**30, "0", True, None)]
    + [("session_hash", name) for name in ("y" * 65, "../x", "é", "a\n", 7, None)],
)
def test_the_queue_takes_one_of_the_functions_and_a_short_name(server, key, value):
    payload = {"data": [DRAWINGS[7]], "fn_index": 0, "session_hash": "abc"}
    address = f"{server}gradio_api/queue/join"
    assert httpx.post(address, json=payload).status_code == 200
    assert httpx.post(address, json={**payload, key: value}).status_code in (400, 422)


# MCP -------------------------------------------------------------------------


async def use_mcp(address: str, path: str, headers: dict[str, str]):
    """The tools, and what the official client gets from some right and some wrong calls."""
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as connection,
        streamable_http_client(f"{address}{path}", http_client=connection) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()
        await session.send_ping()
        tools = (await session.list_tools()).tools
        call = session.call_tool
        answers = [
            await call("predict", {"strokes": DRAWINGS[7]}),
            await call("predict_number", {"strokes": FORTY_FIVE}),
            await call("predict_image", {"picture": data_url(Image.new("L", (40, 40), 255))}),
        ]
        file = {"path": "http://127.0.0.1:9/f", "meta": {"_type": "gradio.FileData"}}
        refused = [
            await call("predict", {"strokes": [[[1]]]}),
            await call("predict", {"strokes": [[[file]]]}),
            await call("predict_image", {"picture": file}),
            await call("predict_image", {"strokes": DRAWINGS[7]}),
            await call("predict", {}),
            await call("lambda", {}),
        ]
        return tools, answers, refused


ANN = f"Basic {base64.b64encode(b'ann:chalk').decode()}"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("mcp", {}),
        ("gradio_api/mcp/", {}),
        ("mcp", {"host": "page.example", "origin": "https://page.example"}),
    ],
)
def test_recognition_is_a_tool_over_mcp_under_any_name(mcp_server, path, headers):
    headers = {"authorization": ANN, **headers}
    tools, answers, refused = run_async(use_mcp(mcp_server, path, headers))
    assert [tool.name for tool in tools] == list(ENDPOINTS)
    assert "how probable each digit is" in tools[0].description.lower()
    assert tools[0].inputSchema["required"] == ["strokes"]
    assert not any(answer.isError for answer in answers)
    seven, number, _ = [json.loads(answer.content[0].text) for answer in answers]
    assert max(seven, key=seven.get) == "7"
    assert number["number"] == "45"
    assert all(answer.isError for answer in refused)
    assert "Stroke 1 holds something else" in refused[0].content[0].text


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def test_mcp_is_for_who_has_signed_in(mcp_server):
    assert httpx.post(f"{mcp_server}mcp", json=PING).status_code == 401


@pytest.mark.parametrize("path", ["mcp", "gradio_api/mcp", "gradio_api/mcp/"])
def test_mcp_is_offered_only_where_it_was_asked_for(server, path):
    assert httpx.post(f"{server}{path}", json=PING).status_code == 404


@pytest.fixture(scope="module")
def mcp_server():
    with serving(mcp=True, corrections=False, auth=[("ann", "chalk")]) as address:
        yield address
