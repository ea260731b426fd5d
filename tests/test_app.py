"""The app from its command line, and its API for Gradio's clients and MCP."""

import base64
import json
import signal
import socket
import subprocess
import textwrap

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError, ValidationError
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from tests.conftest import (
    ROOT,
    app_process,
    call,
    free_port,
    run,
    run_async,
    serving,
    wait_until_served,
)
from tests.drawings import DRAWINGS, data_url

APP = ROOT / "app.py"


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def test_the_api_reads_drawings(client):
    for digit in (2, 7):
        answer = client.predict(DRAWINGS[digit], api_name="/predict")
        assert list(answer) == list("0123456789")
        assert sum(answer.values()) == pytest.approx(1, abs=1e-4)
        assert max(answer, key=answer.get) == str(digit)


def test_the_api_reads_pictures(client, mnist):
    image, label = mnist[0][0].numpy(), mnist[1][0].item()
    picture = Image.fromarray(255 - image).resize((280, 280))
    answer = client.predict(data_url(picture), api_name="/predict_image")
    assert max(answer, key=answer.get) == str(label)


def test_the_api_says_what_is_wrong(client):
    with pytest.raises(ValidationError, match="Stroke 1 holds something else"):
        client.predict([[[1]]], api_name="/predict")
    for kind, error in (("text/plain", ValidationError), ("image/png", AppError)):
        with pytest.raises(error, match="send a PNG, JPEG or WebP file"):
            client.predict(f"data:{kind};base64,RGVhciBzaXI=", api_name="/predict_image")


def test_both_endpoints_are_listed(client):
    listed = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert set(listed) == {"/predict", "/predict_image"}


def test_help_explains_every_option():
    done = call(APP, "--help")
    assert done.returncode == 0
    for option in ["host", "port", "share-or-exit", "auth", "root-path", "allowed-host", "mcp"]:
        assert f"--{option} " in done.stdout


def test_what_is_mistyped_is_told_and_that_it_starts_before_anything_heavy_is_imported():
    script = """
        import runpy, sys
        scripts = sys.argv[1:]
        for sys.argv in [[script, option] for script in scripts for option in ("-h", "--typo")]:
            try:
                runpy.run_path(sys.argv[0], run_name="__main__")
            except SystemExit as end:
                assert (end.code == 2) == (sys.argv[1] == "--typo"), sys.argv
        sys.argv = scripts[:1]
        sys.modules["gradio"] = None  # to import it fails
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except ImportError:
            print(sorted({"torch", "ray", "matplotlib", "numpy"} & sys.modules.keys()))
    """
    done = run("-c", textwrap.dedent(script), APP, *ROOT.glob("scripts/*.py"))
    assert done.returncode == 0, done.stderr
    starting = "Starting: this takes some seconds, the first time a minute"
    assert done.stdout.splitlines()[-2:] == [starting, "[]"]


def test_a_busy_port_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = call(APP, "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--weights", "/no/such/place"), "scripts/train.py"),
        (("--port", "99999"), "expected 1 to 65535"),
        (("--port", "http"), "invalid"),
        (("--host", "192.0.2.1"), "not this machine's"),
        (("--auth", "ann"), "--auth is not USER:PASSWORD, neither of them empty"),
        (("--root-path", "digits"), "expected /digits or https://NAME/PATH, found digits"),
    ],
)
def test_wrong_arguments_are_explained(arguments, says):
    done = call(APP, "--port", free_port(), *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_of_ours_is_not_said_to_be_a_busy_port(monkeypatch):
    from ui import page

    settings = page.settings()
    monkeypatch.setattr(
        page, "settings", lambda: {**settings, "css_paths": ROOT / "ui" / "none.css"}
    )
    with pytest.raises(FileNotFoundError, match=r"none\.css"):
        call(APP, "--port", free_port(), "--no-corrections")


def test_it_starts_as_a_space_does_and_ends_when_told_to():
    """Hugging Face runs `python app.py` with these variables, and no options."""
    front_matter = (ROOT / "README.md").read_text(encoding="utf-8").split("---")[1]
    settings = dict(line.split(": ", 1) for line in front_matter.strip().splitlines())
    assert settings["sdk"] == "gradio"
    assert settings["app_file"] == "app.py"
    space = {
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/draw-a-digit",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SSR_MODE": "True",
    }
    with app_process(environment=space, stdout=subprocess.DEVNULL) as (process, address):
        wait_until_served(address, process)
        answer = httpx.post(f"{address}recognize", json={"strokes": DRAWINGS[7]})
        assert answer.json()["digit"] == 7
        shut = httpx.get(f"{address}corrections")  # nobody asked for it
        assert (shut.status_code, list(shut.json())) == (404, ["error"])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_serving_asks_no_other_host():
    # An audit hook sees every connection and look-up of the process that serves the page.
    script = f"""
        import sys, urllib.request
        asked = []
        def listen(event, args):
            if event == "socket.connect" and isinstance(args[1], tuple):
                asked.append(args[1][0])
            if event == "socket.getaddrinfo":
                asked.append(args[0])
        sys.addaudithook(listen)
        sys.argv = ["app.py", "--port", "{free_port()}"]
        import app, gradio
        def visit(page):
            urllib.request.urlopen(page.local_url).read()
        gradio.Blocks.block_thread = visit
        app.main()
        print(sorted(set(asked) - {{"127.0.0.1", "localhost"}}))
    """
    done = run("-c", textwrap.dedent(script), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


CALLS = [2, 7] * 50  # on one connection


async def use_mcp(address: str, headers: dict[str, str] | None = None):
    """The tools, and what the official client gets from CALLS and from some wrong ones."""
    limits = httpx.Limits(max_connections=1)
    async with (
        httpx.AsyncClient(limits=limits, headers=headers, timeout=30) as connection,
        streamable_http_client(f"{address}gradio_api/mcp/", http_client=connection) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()
        await session.send_ping()
        tools = (await session.list_tools()).tools
        call = session.call_tool
        answers = [await call("predict", {"strokes": DRAWINGS[d]}) for d in CALLS]
        file = {"path": "http://127.0.0.1:9/f", "meta": {"_type": "gradio.FileData"}}
        refused = [
            await call("predict", {"strokes": [[[1]]]}),
            await call("predict", {"strokes": file}),
            await call("predict", {"strokes": [[[file]]]}),
            await call("predict_image", {"picture": file}),
            await call("predict_image", {"strokes": DRAWINGS[7]}),
            await call("predict", {}),
        ]
        with pytest.raises(McpError, match="no such method or tool"):
            await call("lambda", {})
        return tools, answers, refused


@pytest.mark.parametrize("scheme", [None, "Basic", "Bearer", "cookie"])
def test_recognition_is_a_tool_over_mcp(scheme):
    with serving(mcp=True, corrections=False, auth=scheme and [("ann", "chalk")]) as address:
        headers = {"authorization": f"{scheme} {base64.b64encode(b'ann:chalk').decode()}"}
        if scheme == "cookie":
            login = httpx.post(f"{address}login", data={"username": "ann", "password": "chalk"})
            headers = {"cookie": "; ".join(f"{k}={v}" for k, v in login.cookies.items())}
        tools, answers, refused = run_async(use_mcp(address, headers if scheme else None))
    assert {tool.name for tool in tools} == {"predict", "predict_image"}
    assert "how probable each digit is" in tools[0].description.lower()
    assert not any(answer.isError for answer in answers)
    read = [json.loads(answer.content[0].text) for answer in answers]
    assert [int(max(p, key=p.get)) for p in read] == CALLS
    assert all(answer.isError for answer in refused)
    assert "Stroke 1 holds something else" in refused[0].content[0].text
    assert not any("127.0.0.1:9" in answer.content[0].text for answer in refused)


def test_mcp_is_open_only_where_it_was_asked_for(server):
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for path in ("gradio_api/mcp", "gradio_api/mcp/"):
        assert httpx.post(f"{server}{path}", json=message).status_code == 404
        assert httpx.get(f"{server}{path}").status_code == 404


def test_without_login_nothing_of_mcp_answers():
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with serving(mcp=True, corrections=False, auth=[("ann", "chalk")]) as address:
        mcp = f"{address}gradio_api/mcp"
        for method in ("initialize", "ping", "tools/list", "tools/call", "notifications/cancelled"):
            for path in (mcp, f"{mcp}/"):
                assert httpx.post(path, json={**message, "method": method}).status_code == 401
        assert httpx.post(f"{mcp}/", json=message, auth=("ann", "x")).status_code == 401
        assert httpx.post(f"{mcp}/", json=message, auth=("ann", "chalk")).status_code == 200
        for path in (mcp, f"{mcp}/"):  # no stream is held for who only waits
            events = {"accept": "text/event-stream"}
            assert httpx.get(path, headers=events).status_code == 405
        for path in ("schema", "sse", "messages/", "http", "http/", "./x"):
            assert httpx.get(f"{mcp}/{path}").status_code == 404
            assert httpx.post(f"{mcp}/{path}", json=message).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"7", 400),
        (b"[" * 5_000, 400),
        (b'{"jsonrpc": "2.0", "id": {"a": []}, "method": "ping"}', 202),
        (b'{"jsonrpc": "2.0", "method": "notifications/initialized"}', 202),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {}}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": {"a": 1}}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": 7}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", '
         b'"params": {"protocolVersion": [1]}}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": []}}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/read"}', 200),
    ],
)  # fmt: skip
def test_what_is_no_message_of_mcp_is_refused_in_words(mcp_server, body, status):
    answer = httpx.post(f"{mcp_server}gradio_api/mcp/", content=body)
    assert answer.status_code == status
    if status == 200:
        assert {"jsonrpc", "id"} < answer.json().keys()


@pytest.fixture(scope="module")
def mcp_server():
    with serving(mcp=True, corrections=False) as address:
        yield address
