"""The middleware before apps that do what no real one should; what it keeps shut of Gradio."""

import asyncio
import json
import logging
import tracemalloc
from types import SimpleNamespace

import httpx
import pytest

from mnist_core.errors import UserError
from serving import limits, middleware
from serving.metrics import JSONFormatter, Metrics
from serving.middleware import MAX_BODY, MAX_UNDERWAY, SECURITY_HEADERS, LimitsMiddleware
from tests.conftest import run_async

SECRET = "what a person drew: 12345"


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def broken(scope, receive, send):
    raise ZeroDivisionError(SECRET)


async def broken_late(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ZeroDivisionError(SECRET)


def fake_blocks():
    queue = SimpleNamespace(
        pending_event_ids_session={},
        pending_messages_per_session={},
        event_ids_to_events={},
        event_queue_per_concurrency_id={},
    )
    state = SimpleNamespace(session_data={}, time_last_used={})
    return SimpleNamespace(_queue=queue, fns={}, state_holder=state, share_url=None)


def limited(inner):
    """`inner` behind the middleware, in an app such as Gradio's."""
    blocks = fake_blocks()
    behind = LimitsMiddleware(inner, Metrics(), "abc", "")

    async def whole(scope, receive, send):
        await behind({**scope, "app": SimpleNamespace(get_blocks=lambda: blocks)}, receive, send)

    return whole


def ask(inner, method="POST", path="/recognize", **kwargs):
    async def once():
        transport = httpx.ASGITransport(limited(inner))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.request(method, path, **kwargs)

    return run_async(once())


def test_a_body_comes_through_whole_with_headers_on_the_answer():
    response = ask(echo, content=b"x" * MAX_BODY)
    assert response.content == b"x" * MAX_BODY
    assert response.headers["page-version"] == "abc"
    assert SECURITY_HEADERS.items() <= dict(response.headers).items()


def test_a_body_of_any_length_is_cut_off():
    async def endless():
        while True:
            yield b"x" * 65536

    assert ask(echo, content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert ask(echo, content=endless()).status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.05)

    async def slow():
        yield b"{"
        await asyncio.sleep(60)

    response = ask(echo, content=slow())
    assert response.status_code == 408
    assert "took too long" in response.json()["error"]


def test_values_are_counted_while_they_come():
    """64 at once of a mebibyte of points each stay under 100 MiB, and are refused early on."""
    part, sent = b"[1,2]," * 10922, []  # 64 KiB

    async def points():
        yield b'{"strokes":['
        for _ in range(15):
            sent.append(part)
            yield part
            await asyncio.sleep(0)  # the others go on

    async def crowd():
        transport = httpx.ASGITransport(limited(echo))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            asked = (client.post("/recognize", content=points()) for _ in range(MAX_UNDERWAY))
            return await asyncio.gather(*asked)

    tracemalloc.start()
    responses = run_async(crowd())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {response.status_code for response in responses} == {422}
    assert "at most 8000 points" in responses[0].json()["error"].lower()
    assert len(sent) <= 2 * MAX_UNDERWAY
    assert peak < 100 * 2**20


@pytest.mark.parametrize("most", ["MAX_UNDERWAY", "UNDERWAY_OF_ONE"])
def test_over_capacity_it_says_so_at_once_and_recovers(monkeypatch, most):
    monkeypatch.setattr(middleware, most, 8)
    go_on = asyncio.Event()

    async def waiting(scope, receive, send):
        await go_on.wait()
        await echo(scope, receive, send)

    async def crowd():
        transport = httpx.ASGITransport(limited(waiting))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            held = [asyncio.create_task(client.post("/recognize")) for _ in range(8)]
            await asyncio.sleep(0.1)
            refused = await client.post("/recognize")
            go_on.set()
            return refused, await asyncio.gather(*held), await client.post("/recognize")

    refused, held, later = run_async(crowd())
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert "too many people" in refused.json()["error"].lower()
    assert {response.status_code for response in held} == {200}
    assert later.status_code == 200


def raising(error: Exception):
    async def app(scope, receive, send):
        raise error

    return app


def test_a_fault_of_ours_is_a_neutral_sentence_and_a_traceback_without_its_words(caplog):
    response = ask(broken)
    assert response.status_code == 500
    assert response.json() == {
        "error": "Something went wrong here. It was noted; please try again."
    }
    (record,) = caplog.records
    assert (record.levelno, record.exc_info[0]) == (logging.ERROR, ZeroDivisionError)
    line = JSONFormatter().format(record)
    entry = json.loads(line)
    assert (entry["event"], entry["error"], entry["endpoint"]) == (
        "error", "ZeroDivisionError", "/recognize",
    )  # fmt: skip
    assert "test_middleware.py" in entry["traceback"][-1]
    assert SECRET not in line
    assert ask(broken_late).content == b"half"


def test_only_what_a_person_can_mend_is_their_fault():
    refused = ask(raising(UserError("the label is 11: expected a digit")))
    assert refused.status_code == 422
    assert refused.json() == {"error": "The label is 11: expected a digit."}
    numpy_s = ValueError("operands could not be broadcast together with shapes (10,) (11,)")
    assert ask(raising(numpy_s)).status_code == 500
    assert ask(raising(OSError("no such file"))).status_code == 500


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/component_server",
        "/gradio_api/component_server/",
        "/gradio_api/run/predict",
        "/gradio_api/api/predict",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/gradio_api/process_recording",
        "/gradio_api/cancel",
        "/gradio_api/reset",
        "/gradio_api/stream/x",
        "/gradio_api/dev/reload",
        "/gradio_api/vibe-code",
        "/gradio_api/mcp/sse",
        "/login/",
        "/logout/",
        "/gradio_api/runs",
        "/gradio_api/call/lambda",
        "/monitoring",
        "/monitoring/summary",
        "/docs",
        "/assets/../../secret",
        "/assets/..%2f..%2fsecret",
        "/static/" + "a" * 9000,
        "/pwa_icon/99999",
        "/.git/config",
        "/app.py",
    ],
)
def test_what_the_page_does_not_use_is_shut(path):
    for method in ("GET", "POST"):
        response = ask(broken, method, path)
        assert response.status_code == 404
        assert response.json() == {"error": "There is nothing at this address."}


async def query(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["query_string"]})


@pytest.mark.parametrize(
    ("sent", "handed_on"),
    [
        ("session_hash=ab-1&all_session=true", "session_hash=ab-1&all_session=true"),
        ("s%65ssion_hash=a", "session_hash=a"),
        ("deep_link=../../etc/passwd", ""),
        ("%64eep_link=x", ""),
        ("page=x&utm_source=a", ""),
        ("session_hash=..%2fx&all_session=%3Cscript%3E", ""),
        ("session_hash=" + "a" * 65, ""),
        ("%ff=%ff&&=&;%", ""),
    ],
)
def test_of_a_query_only_what_is_known_is_handed_on(sent, handed_on):
    assert ask(query, "GET", f"/?{sent}").text == handed_on


def test_a_request_has_one_length():
    response = ask(echo, headers={"content-length": "2", "transfer-encoding": "chunked"})
    assert response.status_code == 400
    assert response.headers["connection"] == "close"


def test_headers_have_a_limit():
    assert ask(echo, headers={"cookie": "a" * 20_000}).status_code == 431


def test_names_of_events_that_nobody_fetched_are_dropped():
    blocks = fake_blocks()
    blocks._queue.pending_event_ids_session = {"gone": {"1"}, "here": {"2"}}
    blocks._queue.pending_messages_per_session = {"here": "an answer"}
    blocks.state_holder.session_data["here"] = "what was sent"
    middleware._forget_abandoned(blocks)
    assert blocks._queue.pending_event_ids_session == {"here": {"2"}}
    assert blocks.state_holder.session_data == {}
