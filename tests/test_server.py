"""Clients that send slowly or hold on; how the server ends, logs and compresses."""

import contextlib
import fcntl
import gzip
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import brotli
import httpx
import pytest

from serving import limits, log
from serving.app import make_page
from serving.log import BoundedHandler, JSONFormatter
from serving.reloader import ModelReloader
from tests.conftest import ROOT, app_process, serving, site, wait_until_served
from tests.drawings import DRAWINGS

BODY = json.dumps({"strokes": DRAWINGS[7]}).encode()
HEAD = b"POST /recognize HTTP/1.1\r\nhost: page\r\ncontent-length: %d\r\n" % len(BODY)


@pytest.fixture(scope="module")
def address():
    with serving(corrections=False) as address:
        yield address


@pytest.fixture
def connect(address):
    """Opens connections that send some bytes, and then nothing."""
    with contextlib.ExitStack() as stack:
        yield lambda sent=b"": stack.enter_context(connection(address, sent))


def connection(address: str, sent: bytes = b"") -> socket.socket:
    url = httpx.URL(address)
    opened = socket.create_connection((url.host, url.port), timeout=30)
    opened.sendall(sent)
    return opened


def read(address: str, **kwargs) -> int:
    """The digit that a person who comes now is told."""
    answer = httpx.post(f"{address}recognize", content=BODY, timeout=30, **kwargs)
    assert answer.status_code == 200, answer.text
    return answer.json()["digit"]


# Slow and long requests ------------------------------------------------------


def test_heads_without_bodies_take_nobody_s_place(address, connect):
    for _ in range(limits.MAX_UNDERWAY + 2):
        connect(HEAD + b"\r\n")
    assert read(address) == 7


def test_a_class_of_forty_behind_one_address_is_not_throttled(connect):
    asking = [connect(HEAD + b"\r\n" + BODY) for _ in range(40)]
    assert {each.recv(15) for each in asking} == {b"HTTP/1.1 200 OK"}


def test_a_body_has_a_minimum_rate(connect, monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.5)
    slow = connect(HEAD + b"\r\n" + BODY[:20])
    answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408") and b"too_slow" in answer


def test_a_body_that_comes_fast_enough_may_take_longer(connect, monkeypatch):
    """1 MB from a mobile phone takes longer than a drawing."""
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.5)
    size = 200_000
    upload = connect(b"POST /recognize HTTP/1.1\r\nhost: page\r\ncontent-length: %d\r\n\r\n" % size)
    for _ in range(10):
        time.sleep(0.1)
        upload.sendall(b" " * (size // 10))
    assert b"400" in upload.recv(15)  # it came, and is no JSON


def test_a_body_in_chunks_is_refused_before_it_comes(connect):
    head = b"POST /recognize HTTP/1.1\r\nhost: page\r\ntransfer-encoding: chunked\r\n\r\n"
    for sent in (head, head + b"1\r\n{\r\n" * 10_000):
        assert b"411" in connect(sent).recv(15)


def test_a_request_has_one_length(connect):
    both = b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    assert b"400" in connect(HEAD + both).recv(15)


def test_long_bodies_on_their_way_have_a_bound_and_drawings_pass(monkeypatch):
    monkeypatch.setattr(limits, "UPLOADS_PER_CLIENT", 1)
    size = 200_000
    head = b"POST /recognize HTTP/1.1\r\nhost: page\r\ncontent-length: %d\r\n\r\n" % size
    with (
        serving(corrections=False) as address,
        connection(address, head + b" " * 160_000) as first,
    ):
        while True:  # until the first has its place
            with connection(address, head + b" " * size) as second:
                if b"503" in second.recv(15):
                    break
        assert read(address) == 7
        first.sendall(b" " * 40_000)
        assert b"400" in first.recv(15)


def test_answers_that_go_on_have_a_bound_of_their_own(monkeypatch):
    monkeypatch.setattr(limits, "STREAMS_PER_CLIENT", 2)
    with serving(corrections=False) as address, contextlib.ExitStack() as stack:
        heartbeats = [f"{address}gradio_api/heartbeat/{name}" for name in "abc"]
        answers = [stack.enter_context(httpx.stream("GET", each)) for each in heartbeats]
        assert [each.status_code for each in answers] == [200, 200, 503]
        assert read(address) == 7


def test_web_sockets_are_shut(connect):
    upgrade = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    key = b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    answer = connect(b"GET / HTTP/1.1\r\nhost: page\r\n" + upgrade + key).recv(15)
    assert b"101" not in answer


# The document ----------------------------------------------------------------


def test_the_document_comes_compressed_by_what_the_browser_knows(address):
    whole = httpx.get(address, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in whole.headers
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}
    for accepted, encoding in (("gzip, deflate, br", "br"), ("gzip, deflate", "gzip")):
        with httpx.stream("GET", address, headers={"accept-encoding": accepted}) as answer:
            content = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["vary"] == "accept-encoding"
        assert unpack[encoding](content).decode() == whole.text
        assert len(content) < 65_000
        again = {"accept-encoding": accepted, "if-none-match": answer.headers["etag"]}
        kept = httpx.get(address, headers=again)
        assert (kept.status_code, kept.content) == (304, b"")


def test_the_document_is_compressed_once_and_not_for_each_visitor(address):
    httpx.get(address)
    before = make_page.cache_info()
    for _ in range(5):
        httpx.get(address)
    after = make_page.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 5)


def test_the_page_names_the_network_that_answers(address):
    settings = re.search(r'id="settings">(.*?)</script>', httpx.get(address).text)[1]
    settings = json.loads(settings)
    assert settings["network_name"] == httpx.get(f"{address}network").json()["name"]
    name = f"{address}{settings['network']}/{settings['network_name']}.bin"
    weights = httpx.get(name)
    assert weights.headers["content-encoding"] == "gzip"
    assert "immutable" in weights.headers["cache-control"]
    assert httpx.get(address + settings["images"]).headers["cache-control"].endswith("immutable")


# Health, the log and the end -------------------------------------------------


def test_health_needs_no_thread(address, monkeypatch):
    monkeypatch.setattr(limits.Lane, "run", None)
    assert httpx.get(f"{address}healthz").json()["status"] == "ok"


def test_refusals_are_counted_and_logged_without_what_was_sent(caplog, monkeypatch):
    with site(ModelReloader(ROOT / "weights")) as client, caplog.at_level(logging.INFO):
        client.post("/recognize", json={"strokes": DRAWINGS[7]})
        secret = {"strokes": [[[12345.678, 98765.4321, 1]]]}
        client.post("/recognize", json=secret, headers={"x-forwarded-for": "192.0.2.7"})
        client.get("/gradio_api/upload")
        counts = client.get("/metrics").text
    line, _ = [JSONFormatter().format(r) for r in caplog.records if r.name == "serving"]
    entry = json.loads(line)
    assert (entry["event"], entry["endpoint"], entry["status"], entry["code"]) == (
        "refused", "/recognize", 422, "invalid_strokes",
    )  # fmt: skip
    assert not re.search(r"12345|98765|192\.0\.2|testclient", line)
    assert 'digit_predictions_total{endpoint="/recognize"} 1.0' in counts
    assert 'digit_refusals_total{endpoint="/recognize",status="422"} 1.0' in counts
    assert 'digit_refusals_total{endpoint="other",status="404"} 1.0' in counts


def test_a_fault_of_ours_is_a_neutral_sentence_and_a_traceback_without_its_words(
    caplog, monkeypatch
):
    drawn = "what a person drew: " + "12345"

    def broken(*_: object) -> None:
        raise ValueError(drawn)  # as bad input raises

    monkeypatch.setattr("serving.routes.answer", broken)
    with site(ModelReloader(ROOT / "weights")) as client:
        answer = client.post("/recognize", json={"strokes": DRAWINGS[7]})
        assert 'digit_errors_total{endpoint="/recognize"} 1.0' in client.get("/metrics").text
    assert (answer.status_code, answer.json()["code"]) == (500, "our_fault")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    line = JSONFormatter().format(record)
    assert "in broken" in line
    assert "12345" not in line + answer.text


def test_the_log_has_so_many_lines_a_minute_and_quotes_nobody(monkeypatch):
    monkeypatch.setattr(log, "MAX_LOG_LINES", 2)
    handler = BoundedHandler()
    for name, words in [("asyncio", "accept failed\nof 192.0.2.7: %s")] * 5 + [("serving", "%s")]:
        handler.handle(logging.LogRecord(name, logging.WARNING, "", 1, words, ("reason",), None))
    lines = [json.loads(handler.queue.get_nowait().getMessage()) for _ in range(3)]
    assert handler.queue.empty()
    assert [line["event"] for line in lines] == ["accept failed"] * 2 + ["reason"]


@contextlib.contextmanager
def page_process(**kwargs):
    kwargs.setdefault("stdout", subprocess.DEVNULL)
    with app_process("--no-corrections", **kwargs) as (process, address):
        wait_until_served(address, process)
        yield process, address


def test_what_is_under_way_at_the_end_is_answered():
    with page_process() as (process, address):
        with connection(address, HEAD + b"\r\n" + BODY[:20]) as asking:
            read(address)
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
            asking.sendall(BODY[20:])
            assert b"200" in asking.recv(15)
        assert process.wait(10) == 0


def test_it_ends_as_process_1_too_whoever_holds_on():
    """Process 1 ignores signals that it has not asked for; in a container it is the page."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("no process may be the first of its own here")
    with (
        page_process(before=unshare) as (process, address),
        connection(address, HEAD + b"\r\n"),
    ):
        read(address)
        (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(first), signal.SIGTERM)
        assert process.wait(12) == 0


def test_a_reader_of_stderr_who_stalls_stops_nobody():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with page_process(stderr=writer) as (process, address):
        with httpx.Client(base_url=address, timeout=30) as client:
            for _ in range(200):
                assert client.get("/nothing").status_code == 404
        assert not select.select([], [writer], [], 0)[1]  # there is no room any more
        assert read(address) == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(12) == 0
    os.close(writer), os.close(reader)
