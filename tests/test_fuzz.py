"""benchmarks/fuzz.py: an intact server passes, one with a hole reopened doesn't."""

import shutil

import anyio
import httpx
import pytest
from gradio import processing_utils

from benchmarks import fuzz
from mnist_core.drawing import pictures
from mnist_core.errors import UserError
from serving import limits, middleware, origins, routes
from serving.middleware import LimitsMiddleware
from tests.conftest import run_async, serving
from tests.test_benchmarks import end, rows

PASSWORD = "ann:chalk"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The temporary folder of the servers below, which are alone in using it."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def page(folder):
    with serving() as address:
        yield address


@pytest.fixture(scope="module")
def locked(folder):
    with serving(auth=[tuple(PASSWORD.split(":"))]) as address:
        yield address


def faults(address, folder, number, kinds, **options) -> dict[str, list[str]]:
    return run_async(fuzz.fuzz(address, range(number), kinds=kinds, temporary=folder, **options))


# An intact server ------------------------------------------------------------


def test_malformed_requests_do_no_harm(page, folder, monkeypatch, capsys):
    monkeypatch.setattr(fuzz, "GROWTH", 0.2)  # the client is in this process too
    monkeypatch.setattr(limits, "PATIENCE", 1)
    arguments = ("--address", page, "--temporary", folder, "--requests", 500)
    assert end(monkeypatch, fuzz, *arguments) == 0, capsys.readouterr().err
    answers = rows(capsys.readouterr().out, "")
    assert [row[1:] for row in answers if row[0] == "a good drawing"] == [["200", "10"]]
    assert {row[0] for row in answers} > {"values that name files", "slow bodies", "two lengths"}


def test_malformed_requests_do_no_harm_behind_a_password(locked, folder, monkeypatch, capsys):
    monkeypatch.setattr(fuzz, "GROWTH", 0.2)
    kinds = [kind for kind in fuzz.ALL if kind not in ("slow_body", "slow_head", "silence")]
    assert faults(locked, folder, 400, kinds, auth=PASSWORD) == {}
    assert rows(capsys.readouterr().out, "a good drawing")


def test_slow_requests_are_not_waited_for(page, folder, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 1)
    assert faults(page, folder, 20, ["slow_head", "silence", "slow_body"]) == {}


def test_a_server_with_a_password_has_to_be_told_it(locked, folder, monkeypatch, capsys):
    assert end(monkeypatch, fuzz, "--address", locked, "--temporary", folder) == 2
    assert "401 Unauthorized" in capsys.readouterr().err


def test_a_request_can_be_sent_again_alone(page, folder, monkeypatch):
    sent = []
    monkeypatch.setattr(fuzz.Run, "note", lambda run, *values: sent.append(values[:2]))
    for numbers in (range(3), range(2, 3)):
        run_async(fuzz.fuzz(page, numbers, seed=5, kinds=["drawing"], temporary=folder))
    assert sent[-1][0] == 2
    assert sent[-1] in sent[:-1]


# A hole reopened ---------------------------------------------------------------


def test_what_gradio_would_fetch_is_found(page, folder, monkeypatch):
    async def get(url: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(url)

    monkeypatch.setattr(middleware, "fresh_envelope", lambda *_: None)
    monkeypatch.setattr(processing_utils, "async_ssrf_protected_get", get)
    try:
        found = faults(page, folder, 150, ["named"])
    finally:
        for left in folder.iterdir():
            shutil.rmtree(left)
    assert "values that name files: 200, which is not right" in found
    assert any("GET /" in request for request in found["an address that was sent was asked"])
    assert found["a file was left"]


def test_costly_pictures_are_found(page, folder, monkeypatch):
    monkeypatch.setattr(pictures, "MOST", {**pictures.MOST, "JPEG": {}})
    monkeypatch.setattr(fuzz, "MAX_COST", 25)  # other tests' pages work in this process too
    found = faults(page, folder, 20, ["costly_picture"])
    assert "costly pictures, scans: 200, which is not right" in found
    assert "costly pictures, scans: cost too much" in found


def test_an_echo_is_found(page, folder, monkeypatch):
    def check(value: object) -> str:
        raise UserError(f"this is no picture: {value}")

    monkeypatch.setattr(pictures, "check_data_url", check)
    found = faults(page, folder, 100, ["picture"])
    assert "/recognize picture: 422, which echoes what was sent" in found


def test_a_failure_is_found(page, folder, monkeypatch):
    monkeypatch.setattr(routes, "decode_picture", {}.__getitem__)
    found = faults(page, folder, 20, ["picture"])
    assert found.keys() == {"/recognize picture: 500, which is not right", "the server failed"}


def test_a_page_that_other_sites_may_read_is_found(page, folder, monkeypatch):
    passed = LimitsMiddleware.__call__

    async def reflect(self, scope, receive, send):
        async def send_with_origin(message):
            for name, value in scope.get("headers", []):
                if name == b"origin" and "headers" in message:
                    message["headers"].append((b"access-control-allow-origin", value))
            await send(message)

        await passed(self, scope, receive, send_with_origin)

    monkeypatch.setattr(LimitsMiddleware, "__call__", reflect)
    found = faults(page, folder, 40, ["reader_of_another_site"])
    assert "readers of other sites: 200, which may be read by another site" in found


def test_a_body_that_is_waited_for_is_found(page, folder, monkeypatch):
    monkeypatch.setattr(fuzz, "HELD_SECONDS", 1)
    monkeypatch.setattr(anyio, "fail_after", lambda _: anyio.CancelScope())
    found = faults(page, folder, 10, ["slow_body"])
    assert found.keys() == {"slow bodies: no answer, which is not right"}


def test_memory_that_is_kept_is_found(page, folder, monkeypatch):
    kept, answer = [], routes.answer

    def keep(*values):
        kept.append(b"x" * 500_000)
        return answer(*values)

    monkeypatch.setattr(routes, "answer", keep)
    found = faults(page, folder, 600, ["drawing"])
    assert found.keys() == {"the server's memory grew"}


def test_a_drawing_that_is_misread_is_found(page, folder, monkeypatch):
    run, answer = [], routes.answer
    monkeypatch.setattr(
        routes, "answer", lambda *v: (run.append(1), {**answer(*v), "digit": len(run)})[1]
    )
    assert faults(page, folder, 1, ["drawing"]).keys() == {"a good drawing was misread"}


def test_an_open_door_is_found(locked, folder, monkeypatch):
    monkeypatch.setattr(routes, "check_signed_in", lambda request: None)
    found = faults(locked, folder, 60, ["without_login"], auth=PASSWORD)
    assert "without a login: 200, which is not right" in found


def test_a_log_that_tells_what_was_sent_is_found(page, folder, monkeypatch, tmp_path):
    log, parse = tmp_path / "log", origins.parse_qsl
    log.touch()

    def parse_and_tell(query: str) -> list:
        with log.open("a") as file:
            file.write(f"{query}\n")
        return parse(query)

    monkeypatch.setattr(origins, "parse_qsl", parse_and_tell)
    found = faults(page, folder, 40, ["query"], log=log)
    assert found.keys() == {"what was sent is in the log"}


def test_a_traceback_in_the_log_is_found(page, folder, monkeypatch, tmp_path):
    log, answer = tmp_path / "log", routes.answer
    traceback = "Traceback (most recent call last)\n"
    log.write_text(traceback)  # of an earlier run

    def answer_and_tell(*values):
        log.write_text(2 * traceback)
        return answer(*values)

    monkeypatch.setattr(routes, "answer", answer_and_tell)
    found = faults(page, folder, 1, ["drawing"], log=log)
    assert found == {"a traceback is in the log": ["Traceback (most"]}
