"""Fixtures: MNIST, the shipped network, a page that is served, a browser and Node.js.

PyTorch and Gradio are imported where they are needed: pytest's own process, which hands the
tests to its workers, needs neither.
"""

import asyncio
import concurrent.futures
import contextlib
import gzip
import io
import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

os.environ["OMP_NUM_THREADS"] = "1"  # the workers share two cores with a browser


def pytest_configure(config: pytest.Config) -> None:
    """Unpack MNIST once, before the workers start, and hide the developer's own network and runs.

    The tests, and the processes that they start, use the shipped network.
    """
    if hasattr(config, "workerinput"):
        return
    home = tempfile.TemporaryDirectory()
    config.add_cleanup(home.cleanup)
    os.environ["DRAW_A_DIGIT_HOME"] = home.name
    for packed in (ROOT / "data" / "MNIST" / "raw").glob("*.gz"):
        unpacked = packed.with_suffix("")
        if not unpacked.exists():
            beside = packed.with_suffix(".unpacking")
            with gzip.open(packed) as source, open(beside, "wb") as target:
                shutil.copyfileobj(source, target)
            beside.rename(unpacked)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all tests of a file to one worker, so that its fixtures are made once.

    All files that use a browser go to the same worker: two Chromiums would share two cores.
    """
    from xdist.scheduler import LoadScopeScheduling

    class FileScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "browser" if re.search(r"\bbrowser\b", (ROOT / file).read_text()) else file

    return FileScheduling(config, log)


@pytest.fixture(scope="session")
def mnist():
    """MNIST's 60,000 training images and labels."""
    from mnist_core.training.data import load_mnist

    return load_mnist(ROOT / "data", train=True)


@pytest.fixture(scope="session")
def recognizer():
    from mnist_core import Recognizer

    return Recognizer.load(ROOT / "weights")


@pytest.fixture
def directory(tmp_path):
    """A copy of the shipped network, to be replaced."""
    return copy_network(ROOT / "weights", tmp_path / "network")


def copy_network(source: Path, directory: Path) -> Path:
    """Copy the files of the network in `source` to `directory`; gives `directory`."""
    from mnist_core.network import weights

    directory.mkdir(exist_ok=True)
    for name in weights.FILES:
        shutil.copy(source / name, directory)
    return directory


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A folder of this test's own for what a user's commands write."""
    monkeypatch.setenv("DRAW_A_DIGIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# Scripts ---------------------------------------------------------------------


def run(*command: object, **kwargs) -> subprocess.CompletedProcess:
    """Run this Python with `command`; give back its exit code and what it printed."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=240,
        **kwargs,
    )


def call(script: Path | ModuleType, *arguments: object) -> subprocess.CompletedProcess:
    """What `run` gives, but in this process: quicker where little is done.

    Of a module its `main` is called, with what a test has put into it.
    """
    out, err, code = io.StringIO(), io.StringIO(), 0
    file = script if isinstance(script, Path) else script.__file__
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", [str(file), *map(str, arguments)])
        patch.setattr(sys, "path", sys.path.copy())
        try:
            runpy.run_path(str(file), run_name="__main__") if script is file else script.main()
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(script, code, out.getvalue(), err.getvalue())


def run_async(coroutine: Coroutine) -> Any:
    """Its result; in a thread of its own, as Playwright keeps this one's event loop."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


# A page that is served -------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory) -> Iterator[None]:
    """No test touches the clone's own corrections."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("corrections") / "corrections.sqlite"
        patch.setenv("DATABASE_URL", f"sqlite:///{place}")
        yield


@contextlib.contextmanager
def serving(
    weights: str | Path = ROOT / "weights",
    corrections: bool = True,
    root_path: str = "",
    mcp: bool = False,
    port: int | None = None,
    auth: list[tuple[str, str]] | None = None,
    live: Any = None,
    classroom: Any = None,
    host: str = "127.0.0.1",
    show_page: bool = False,
) -> Iterator[Any]:
    """The address of the page, served as app.py does from a thread of this process.

    Where it is asked for, the page with its address.
    """
    from mnist_core.corrections.store import Corrections
    from serving import server
    from serving.app import PageServer, launch
    from serving.auth import Passwords
    from serving.origins import Site
    from serving.reloader import ModelReloader

    reloader = ModelReloader(weights)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(Corrections())) if corrections else None
        users = auth and Passwords(dict(auth))
        page = PageServer(reloader, store, live, Site(root_path), users, mcp, classroom)
        stack.enter_context(pytest.MonkeyPatch.context()).setenv(server.TRUSTED, "")
        served = launch(page, host, port or free_port())
        stack.callback(page.get_blocks().close, verbose=False)
        if classroom:
            stack.callback(classroom.close)
        reloader.watch()
        yield (page, served.address) if show_page else served.address


@contextlib.contextmanager
def app_main(*options: object) -> Iterator[str]:
    """What `python app.py` with `options` does, in this process; the address it serves at."""
    import app
    from serving import server
    from serving.options import argument_parser

    args = argument_parser().parse_args(["--port", str(free_port()), *map(str, options)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(server.TRUSTED, "")  # undone afterwards
        with app.served(args) as address:
            yield address


@contextlib.contextmanager
def app_process(*options: object, environment: dict[str, str] | None = None, **kwargs):
    """`python app.py` with `options`, and its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, ROOT / "app.py", *map(str, options)],
        env={**os.environ, "GRADIO_SERVER_PORT": str(port), **(environment or {})},
        cwd=ROOT,
        text=True,
        **kwargs,
    )
    try:
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a page that all tests may use."""
    with serving() as address:
        yield address


def wait_until_served(address: str, process: subprocess.Popen) -> None:
    for _ in range(1200):
        assert process.poll() is None, f"the app ended with exit code {process.returncode}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing is served at {address}")


@pytest.fixture
def client(tmp_path):
    """The whole site in this process, without a port and Gradio's own routes."""
    from mnist_core.corrections.store import Corrections
    from serving.reloader import ModelReloader

    address = f"sqlite:///{tmp_path}/c.sqlite"
    with (
        contextlib.closing(Corrections(address)) as store,
        site(ModelReloader(ROOT / "weights"), store) as client,
    ):
        client.store = store
        yield client


@contextlib.contextmanager
def site(reloader, store=None, auth=None, classroom=None, **settings):
    """A client of the page that `reloader` and `store` make, without a port or Gradio."""
    from starlette.testclient import TestClient

    from serving.app import PageServer
    from serving.auth import Passwords

    page = PageServer(reloader, store, users=auth and Passwords(dict(auth)), classroom=classroom)
    with TestClient(page, raise_server_exceptions=False, **settings) as client:
        yield client


# A browser -------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; without one, tests are skipped, or fail if REQUIRE_BROWSER=1."""
    from mnist_core.errors import UserError
    from tests.browser import chromium

    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(chromium("--process-per-site"))
        except UserError as error:
            (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(str(error))
        yield found


@pytest.fixture
def new_window(browser):
    """Opens an empty window that shares nothing with others; no script may fail in it.

    Takes the settings of `browser.new_context`.
    """
    complaints = []
    with contextlib.ExitStack() as stack:

        def open_one(**settings):
            context = stack.enter_context(contextlib.closing(browser.new_context(**settings)))
            context.on("weberror", lambda error: complaints.append(str(error.error)))
            return context.new_page()

        yield open_one
    assert complaints == []


@pytest.fixture(scope="session")
def contexts(browser):
    """The contexts that `open_context` made, by their settings."""
    opened = {}
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture
def open_context(browser, contexts, server):
    """Opens the page in a new window; takes the settings of `browser.new_context`.

    Windows with the same settings share a context and with it the HTTP cache; its storage is
    emptied after each test. With `alone` a window has a context of its own, for what Playwright
    does to all windows of one, such as setting clocks. Without `has_network` the page asks the
    server for predictions. Fails where the page logs an error or asks another host.
    """
    from tests.page import open_page

    pages, complaints, hosts = [], [], []

    def open_one(fragment: str = "", alone: bool = False, has_network: bool = True, **settings):
        key = os.urandom(8) if alone else str(settings)
        if key not in contexts:
            size = {"width": 1280, "height": 800}
            contexts[key] = browser.new_context(**{"viewport": size, **settings})
            # Keeps the process that draws the page: starting one takes as long as a page.
            contexts[key].new_page().goto(f"{server}healthz")
        page = contexts[key].new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if line.type == "error" else None
        )
        page.on("request", lambda request: hosts.append(request.url))
        open_page(page, server + fragment, has_network)
        return page

    yield open_one
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()
    for key in [key for key in contexts if isinstance(key, bytes)]:
        contexts.pop(key).close()  # of those that are alone
    assert [line for line in complaints if "Failed to load resource" not in str(line)] == []
    assert [url for url in hosts if not url.startswith((server, "data:", "blob:"))] == []


@pytest.fixture
def page(open_context):
    """The page, ready to be drawn on."""
    return open_context()


@pytest.fixture
def asking_page(open_context):
    """The page where the network cannot be loaded: the server predicts."""
    return open_context(has_network=False)


# Node.js ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def node():
    """Runs a JavaScript function on each of `cases`, after `imports`, and returns the results."""
    program = shutil.which("node")
    if program is None:
        words = "no Node.js here: install it to test the modules by themselves"
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(words)

    def run(imports: str, script: str, cases: object) -> list:
        source = f"""{imports}
            import {{ readFileSync }} from "node:fs";
            const cases = JSON.parse(readFileSync(0, "utf8"));
            console.log(JSON.stringify(await Promise.all(cases.map({script}))));"""
        done = subprocess.run(
            [program, "--input-type=module", "--eval", source],
            input=json.dumps(cases), capture_output=True, text=True, cwd=ROOT, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
