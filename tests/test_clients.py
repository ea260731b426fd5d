"""Gradio's clients and MCP: what they are answered, and that no file they name is fetched."""

import base64
import json

import httpx
import pytest
from gradio import processing_utils
from gradio_client import Client
from gradio_client.exceptions import AppError, ValidationError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

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


@pytest.mark.parametrize(
    ("path", "frame"),
    [
        ("call/predict", lambda value: {"data": [value]}),
        ("call/predict_image", lambda value: {"data": [value]}),
        ("queue/join", lambda value: {"data": [value], "fn_index": 0, "session_hash": "a"}),
    ],
)
def test_a_file_that_a_client_names_is_refused_before_gradio_sees_it(
    server, path, frame, monkeypatch
):
    """Gradio would fetch what is named anywhere in the data, as if it had been uploaded."""
    seen = []
    monkeypatch.setattr(processing_utils, "async_move_files_to_cache", seen.append)
    named = {"path": "http://127.0.0.1:9/f.txt", "meta": {"_type": "gradio.FileData"}}
    response = httpx.post(f"{server}gradio_api/{path}", json=frame([[[named] * 3]]))
    assert response.status_code == 422
    assert "127.0.0.1" not in response.text
    assert seen == []


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


def test_recognition_is_a_tool_over_mcp_under_any_name(mcp_server):
    headers = {"authorization": ANN, "host": "page.example", "origin": "https://page.example"}
    tools, answers, refused = run_async(use_mcp(mcp_server, "mcp", headers))
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


@pytest.mark.parametrize("path", ["mcp", "gradio_api/mcp", "gradio_api/mcp/"])
def test_mcp_is_offered_only_where_it_was_asked_for(server, path):
    assert httpx.post(f"{server}{path}", json=PING).status_code == 404


@pytest.fixture(scope="module")
def mcp_server():
    with serving(mcp=True, corrections=False, auth=[("ann", "chalk")]) as address:
        yield address
