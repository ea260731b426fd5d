"""Slow and long requests, the document, and the log."""

import contextlib
import gzip
import json
import logging
import re
import socket

import httpx
import pytest

from serving import limits
from serving.log import JSONFormatter
from serving.reloader import ModelReloader
from tests.conftest import ROOT, serving, site
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


def recognized(address: str) -> int:
    answer = httpx.post(f"{address}recognize", content=BODY, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["digit"]


def test_a_class_of_forty_behind_one_address_is_not_throttled(connect):
    asking = [connect(HEAD + b"\r\n" + BODY) for _ in range(40)]
    assert {each.recv(15) for each in asking} == {b"HTTP/1.1 200 OK"}


def test_one_client_has_so_many_requests_under_way(address, connect):
    held = [connect(HEAD + b"\r\n") for _ in range(limits.MAX_REQUESTS_PER_CLIENT)]
    while (answer := httpx.post(f"{address}recognize", content=BODY)).status_code == 200:
        pass  # until all those have their places
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    for each in held:
        each.close()
    while httpx.post(f"{address}recognize", content=BODY).status_code == 503:
        pass  # until it is known that they have gone


def test_a_body_that_comes_too_slowly_is_refused(connect, monkeypatch):
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.5)
    answer = connect(HEAD + b"\r\n" + BODY[:20]).recv(65536)
    assert answer.startswith(b"HTTP/1.1 408") and b"too_slow" in answer


def test_answers_that_go_on_have_a_limit_of_their_own(monkeypatch):
    monkeypatch.setattr(limits, "MAX_STREAMS_PER_CLIENT", 2)
    with serving(corrections=False) as address, contextlib.ExitStack() as stack:
        heartbeats = [f"{address}gradio_api/heartbeat/{name}" for name in "abc"]
        answers = [stack.enter_context(httpx.stream("GET", each)) for each in heartbeats]
        assert [each.status_code for each in answers] == [200, 200, 503]
        assert recognized(address) == 7


@pytest.mark.parametrize(
    ("accepted", "is_gzipped"),
    [
        ("gzip, deflate, br", True),
        ("gzip;q=0, identity", False),
        ("br;q=0", False),
    ],
)
def test_the_document_is_compressed_where_the_browser_accepts_it(address, accepted, is_gzipped):
    with httpx.stream("GET", address, headers={"accept-encoding": accepted}) as answer:
        content = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == ("gzip" if is_gzipped else None)
    assert answer.headers["vary"] == "accept-encoding"
    assert b"<!doctype html>" in (gzip.decompress(content) if is_gzipped else content)
    assert len(content) < 115_000 or not is_gzipped
    again = {"accept-encoding": accepted, "if-none-match": answer.headers["etag"]}
    kept = httpx.get(address, headers=again)
    assert (kept.status_code, kept.content) == (304, b"")


def test_the_page_names_the_network_that_answers(address):
    settings = json.loads(re.search(r'id="settings">(.*?)</script>', httpx.get(address).text)[1])
    assert settings["network_name"] == httpx.get(f"{address}network").json()["name"]
    assert httpx.get(address + settings["images"]).headers["cache-control"].endswith("immutable")


def test_refusals_are_counted_and_logged_without_what_was_sent(caplog):
    with site(ModelReloader(ROOT / "weights")) as client, caplog.at_level(logging.INFO):
        before = client.get("/metrics").text
        client.post("/recognize", json={"strokes": DRAWINGS[7]})
        secret = {"strokes": [[[12345.678, 98765.4321, 1]]]}
        client.post("/recognize", json=secret, headers={"x-forwarded-for": "192.0.2.7"})
        client.get("/gradio_api/upload")
        after = client.get("/metrics").text
    line, _ = [JSONFormatter().format(r) for r in caplog.records if r.name == "serving"]
    entry = json.loads(line)
    assert (entry["event"], entry["endpoint"], entry["status"], entry["code"]) == (
        "refused", "/recognize", 422, "invalid_strokes",
    )  # fmt: skip
    assert not re.search(r"12345|98765|192\.0\.2|testclient", line)
    for name in (
        'digit_prediction_seconds_count{endpoint="/recognize"}',
        'digit_refusals_total{endpoint="/recognize",status="422"}',
        'digit_refusals_total{endpoint="other",status="404"}',
    ):
        assert count(after, name) == count(before, name) + 1


def count(metrics: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics, re.M)
    return float(found[1]) if found else 0


def test_a_fault_of_ours_is_a_neutral_sentence_and_a_traceback_without_its_words(
    caplog, monkeypatch
):
    drawn = "what a person drew: " + "12345"

    def broken(*_: object) -> None:
        raise ValueError(drawn)  # as bad input raises

    monkeypatch.setattr("serving.routes.answer", broken)
    with site(ModelReloader(ROOT / "weights")) as client:
        answer = client.post("/recognize", json={"strokes": DRAWINGS[7]})
    assert (answer.status_code, answer.json()["code"]) == (500, "our_fault")
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR and r.name == "serving"]
    line = JSONFormatter().format(record)
    assert "in broken" in line
    assert "12345" not in line + answer.text
