"""What tests share: MNIST, the shipped network, a running app and a browser."""

import asyncio
import concurrent.futures
import contextlib
import io
import os
import runpy
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mnist_core import Recognizer
from mnist_core.data import Dataset, load_mnist
from scripts.browser import chromium
from tests.page import open_page

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """MNIST's 60,000 training images and labels."""
    return load_mnist(ROOT / "data", train=True)


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    return Recognizer.load(ROOT / "weights")


def run(*command: object, **kwargs) -> subprocess.CompletedProcess:
    """Run this Python with `command`; give back its exit code and what it printed."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=240,
        **kwargs,
    )


def call(script: Path, *arguments: object) -> subprocess.CompletedProcess:
    """What `run` gives, but in this process: quicker where little is done."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", [str(script), *map(str, arguments)])
        patch.setattr(sys, "path", sys.path.copy())
        patch.setattr(torch, "set_num_threads", lambda _: None)
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(script, code, out.getvalue(), err.getvalue())


def run_async(coroutine: Coroutine) -> Any:
    """Its result; in a thread of its own, as Playwright keeps this one's event loop."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory) -> None:
    """No test touches the clone's own corrections."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("corrections") / "corrections.sqlite"
        patch.setenv("DATABASE_URL", f"sqlite:///{place}")
        yield


@contextlib.contextmanager
def serving(
    *options: object, port: int | None = None, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """The address of `python app.py` with `options`, running in a process of its own."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, ROOT / "app.py", *map(str, options)],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "GRADIO_SERVER_PORT": str(port), **(environment or {})},
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_until_served(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a page that all tests may use."""
    with serving() as address:
        yield address


def wait_until_served(address: str, process: subprocess.Popen) -> None:
    for _ in range(600):
        assert process.poll() is None, f"the app ended with exit code {process.returncode}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing is served at {address}")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; where there is none, tests skip, or fail with REQUIRE_BROWSER=1."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(chromium())
        except FileNotFoundError as error:
            (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(str(error))
        yield found


@pytest.fixture
def open_context(browser, server):
    """Opens windows on the page, as `browser.new_context` takes them.

    No page may log an error or ask another host.
    """
    contexts, complaints, hosts = [], [], []

    def open_one(fragment: str = "", **settings):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if line.type == "error" else None
        )
        page.on("request", lambda request: hosts.append(request.url))
        open_page(page, server + fragment)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [line for line in complaints if "Failed to load resource" not in str(line)] == []
    assert [url for url in hosts if not url.startswith((server, "data:", "blob:"))] == []


@pytest.fixture
def page(open_context):
    """The page, loaded, in a window of its own."""
    return open_context()
