"""Strangers that hold connections, send slowly or not at all; how the server ends and logs."""

import contextlib
import fcntl
import json
import logging
import os
import resource
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from serving import limits, metrics, middleware, routes, server
from tests.conftest import app_process, serving, wait_until_served
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


def is_closed(opened: socket.socket) -> bool:
    """Whether the server closes it, at last."""
    try:
        while opened.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def newcomers_close_one(address: str, held: list[socket.socket]) -> bool:
    """Whether one of those `held` is closed; who comes is answered."""
    for _ in range(100):
        assert read(address) == 7
        if select.select(held, [], [], 0.1)[0]:
            return True
    return False


# Who sends nothing -----------------------------------------------------------


def test_heads_without_bodies_take_nobody_s_place(address, connect):
    for _ in range(middleware.MAX_UNDERWAY + 2):
        connect(HEAD + b"\r\n")
    assert read(address) == 7


def test_a_class_of_forty_behind_one_address_is_not_throttled(address, connect):
    """Six connections each, as browsers hold them, and a drawing of each at once."""
    held = [connect() for _ in range(40 * 6)]
    asking = held[:40]
    for each in asking:
        each.sendall(HEAD + b"\r\n" + BODY)
    assert {each.recv(15) for each in asking} == {b"HTTP/1.1 200 OK"}
    for each in held[40:]:  # none of them was closed for the others
        each.sendall(HEAD + b"connection: close\r\n\r\n" + BODY)
        assert each.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"\r\n"], ids=["nothing", "head", "body"])
def test_who_holds_most_connections_makes_room_for_others(address, connect, monkeypatch, sent):
    monkeypatch.setattr(limits, "PATIENCE", 60)  # nothing is closed for being late
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 20)
    assert newcomers_close_one(address, [connect(sent) for _ in range(25)])


def test_one_address_has_its_share_of_connections(address, connect, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 60)
    monkeypatch.setattr(server, "MAX_OF_ONE", 5)
    assert newcomers_close_one(address, [connect() for _ in range(6)])


def test_a_trusted_proxy_may_hold_the_connections_of_many(monkeypatch):
    monkeypatch.setattr(server, "MAX_OF_ONE", 2)
    with (
        serving(corrections=False, trusted="127.0.0.1") as address,
        contextlib.ExitStack() as stack,
    ):
        held = [stack.enter_context(connection(address)) for _ in range(6)]
        assert read(address) == 7
        assert not select.select(held, [], [], 0.3)[0]


def test_a_request_that_is_answered_gives_way_to_nobody(address, connect, monkeypatch):
    monkeypatch.setattr(server, "MAX_OF_ONE", 1)
    answer = routes.answer
    monkeypatch.setattr(routes, "answer", lambda *given: time.sleep(1) or answer(*given))
    asked = connect(HEAD + b"\r\n" + BODY)
    time.sleep(0.3)
    connect(), connect()
    assert asked.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET /healthz HTTP/1.1\r\nhost: page\r\ncontent-length: 99\r\n\r\n{",
        b"GET /healthz HTTP/1.1\r\nhost: page\r\n\r\nGET",
    ],
    ids=["nothing", "half a line", "half a body that nobody reads", "half of a second"],
)
def test_a_head_that_does_not_come_is_not_waited_for(address, connect, monkeypatch, sent):
    monkeypatch.setattr(limits, "PATIENCE", 0.3)
    assert is_closed(connect(sent))


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(connect, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.5)
    slow = connect(b"GET / HTTP/1.1\r\nhost: page\r\nx: ")
    with pytest.raises(OSError):
        for _ in range(300):
            slow.sendall(b"a")
            time.sleep(0.1)


def test_a_body_has_a_minimum_rate(connect, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.5)
    slow = connect(HEAD + b"\r\n")
    with contextlib.suppress(OSError):
        for byte in BODY[:100]:
            slow.sendall(bytes([byte]))
            time.sleep(0.02)
    assert b"408" in slow.recv(15)


def test_a_body_that_comes_fast_enough_may_take_longer(connect, monkeypatch):
    """1 MB from a mobile phone takes longer than a drawing."""
    monkeypatch.setattr(limits, "PATIENCE", 0.5)
    size = 100_000
    upload = connect(b"POST /recognize HTTP/1.1\r\nhost: page\r\ncontent-length: %d\r\n\r\n" % size)
    for _ in range(10):
        time.sleep(0.15)
        upload.sendall(b" " * (size // 10))
    assert b"400" in upload.recv(15)  # it came, and is no JSON


def test_who_does_not_read_is_not_waited_for(connect, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.3)
    deaf = connect(b"GET / HTTP/1.1\r\nhost: page\r\n\r\n" * 200)  # 20 MB that nobody takes
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        for _ in range(300):
            time.sleep(0.1)
            deaf.sendall(b"G")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nx: ",
        b"POST /recognize HTTP/1.1\r\nhost: page\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
    ],
    ids=["head", "trailer"],
)
def test_a_head_has_an_end(connect, sent):
    endless = connect(sent)
    with pytest.raises(OSError):
        for _ in range(100):
            endless.sendall(b"a" * 65536)
            time.sleep(0.01)


def test_there_are_no_web_sockets(connect):
    """They would be connections that nothing here counts or cuts."""
    upgrade = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    key = b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    assert b"200" in connect(b"GET / HTTP/1.1\r\nhost: page\r\n" + upgrade + key).recv(15)


def test_long_bodies_on_their_way_have_a_bound_and_drawings_pass(monkeypatch):
    monkeypatch.setattr(middleware, "COMING_OF_ONE", 1)
    size = 200_000
    head = b"POST /recognize HTTP/1.1\r\nhost: page\r\ncontent-length: %d\r\n\r\n" % size
    with (
        serving(corrections=False) as address,
        connection(address, head + b" " * 160_000) as first,
    ):
        time.sleep(0.5)
        with connection(address, head + b" " * 160_000) as second:
            assert b"503" in second.recv(15)
        assert read(address) == 7
        first.sendall(b" " * 40_000)
        assert b"400" in first.recv(15)
        assert httpx.post(f"{address}recognize", content=b" " * size).status_code == 400


def test_answers_that_go_on_have_a_bound_of_their_own(monkeypatch):
    monkeypatch.setattr(middleware, "STREAMS_OF_ONE", 2)
    with serving() as address, contextlib.ExitStack() as stack:
        heartbeats = [f"{address}gradio_api/heartbeat/{name}" for name in "abc"]
        answers = [stack.enter_context(httpx.stream("GET", each)) for each in heartbeats]
        assert [each.status_code for each in answers] == [200, 200, 503]
        mine = {"x-token": "0123456789abcdef" * 2}
        assert httpx.get(f"{address}corrections", headers=mine).status_code == 503
        assert read(address) == 7


# Few files, the end and the log ----------------------------------------------


@pytest.fixture(params=["uvloop and httptools", "as pip installs it"])
def environment(request, tmp_path) -> dict[str, str]:
    """uvicorn with and without what makes it faster: it listens in another way."""
    if request.param.startswith("uvloop"):
        return {}
    for name in ("uvloop", "httptools"):
        (tmp_path / f"{name}.py").write_text("raise ImportError")
    return {"PYTHONPATH": str(tmp_path)}


@contextlib.contextmanager
def page_process(**kwargs):
    kwargs.setdefault("stdout", subprocess.DEVNULL)
    with app_process("--no-corrections", **kwargs) as (process, address):
        wait_until_served(address, process)
        yield process, address


def test_more_connections_than_files_leave_the_page_answering(tmp_path, environment):
    log = tmp_path / "log"
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))}
    with (
        open(log, "w") as stderr,
        page_process(environment=environment, stderr=stderr, **limit) as (process, address),
        contextlib.ExitStack() as stack,
    ):
        for sent in (b"", HEAD, HEAD + b"\r\n"):
            for _ in range(150):
                stack.enter_context(connection(address, sent))
        assert read(address) == 7
        # Where something else has taken the files, accepting fails; the log still has an end.
        files = len(os.listdir(f"/proc/{process.pid}/fd"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (files, 256))
        for _ in range(20):
            stack.enter_context(connection(address))
        time.sleep(3)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (256, 256))
        assert read(address) == 7
    assert log.stat().st_size < 200_000


def test_what_is_under_way_at_the_end_is_answered(environment):
    with page_process(environment=environment) as (process, address):
        with (
            connection(address, HEAD + b"\r\n" + BODY[:20]) as asking,
            connection(address) as idle,
            connection(address) as late,
        ):
            read(address)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            late.sendall(HEAD + b"\r\n" + BODY)
            assert b"200" in late.recv(15)
            time.sleep(1)
            asking.sendall(BODY[20:])
            assert b"200" in asking.recv(15)
            assert is_closed(idle)
        assert process.wait(10) == 0


def test_it_ends_while_it_begins():
    """As soon as it listens; Gradio then still looks whether it answers."""
    with app_process("--no-corrections", stdout=subprocess.DEVNULL) as (process, address):
        while process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), connection(address):
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(12) == 0


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


def test_the_log_has_so_many_lines_a_minute_and_quotes_nobody(monkeypatch, capfd):
    monkeypatch.setattr(metrics, "MAX_LINES", 2)
    handler = metrics.PatientHandler()

    def log(name: str, *words: str) -> None:
        handler.handle(logging.LogRecord(name, logging.WARNING, "", 1, *words, None))

    for _ in range(5):
        log("asyncio", "accept failed\nof 192.0.2.7: %s", ("what a client sent",))
    log("serving.reloader", "The network stays as it is: %s", ("it has no weights",))
    handler.flush()
    *others, ours = map(json.loads, capfd.readouterr().err.splitlines())
    assert [(line["event"], line["logger"]) for line in others] == [
        ("accept failed", "asyncio")
    ] * 2
    assert ours["event"] == "The network stays as it is: it has no weights"


def test_uvicorn_logs_there_too(connect, monkeypatch, capfd):
    monkeypatch.setattr(logging, "lastResort", metrics.PatientHandler())
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])  # pytest's
    assert b"400" in connect(b"no HTTP at all\r\n\r\n").recv(15)
    logging.lastResort.flush()
    line = json.loads(capfd.readouterr().err)
    assert (line["logger"], line["event"]) == ("uvicorn.error", "Invalid HTTP request received.")
