"""The app from its command line."""

import signal
import subprocess
import sys
import textwrap
import threading

import httpx
import pytest

from tests.conftest import (
    ROOT,
    app_main,
    app_process,
    call,
    free_port,
    run,
    wait_until_served,
)
from tests.drawings import DRAWINGS

APP = ROOT / "app.py"


def test_arguments_are_parsed_before_anything_slow_is_imported():
    script = """
        import runpy, sys
        scripts = sys.argv[1:]
        sys.modules |= dict.fromkeys(("gradio", "torch", "numpy"))  # to import one fails
        for sys.argv in [[script, option] for script in scripts for option in ("-h", "--typo")]:
            try:
                runpy.run_path(sys.argv[0], run_name="__main__")
            except SystemExit as end:
                assert (end.code == 2) == (sys.argv[1] == "--typo"), sys.argv
        sys.argv = scripts[:1]
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit:  # a package is missing
            print(sorted({"ray", "matplotlib", "PIL"} & sys.modules.keys()))
    """
    scripts = set(ROOT.glob("scripts/*.py")) - {ROOT / "scripts" / "gradio_interface.py"}
    done = run("-c", textwrap.dedent(script), APP, *scripts)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--weights", "/no/such/place"), "Train a network"),
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


@pytest.mark.parametrize(("script", "code"), [("app.py", 0), ("scripts/train.py", 130)])
def test_ctrl_c_during_the_imports_is_quiet(script, code):
    process = subprocess.Popen(
        [sys.executable, ROOT / script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith(("Starting", "Loading PyTorch"))  # at once
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == code


def test_it_starts_as_a_space_does_and_ends_when_told_to():
    """Hugging Face runs `python app.py` with these variables, and no options."""
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
        assert (shut.status_code, list(shut.json())) == (404, ["error", "code"])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_the_server_asks_no_other_host():
    """An audit hook sees every connection and every name that is looked up."""
    asked, is_over = set(), threading.Event()

    def listen(event: str, args: tuple) -> None:
        if is_over.is_set():  # a hook stays for good
            return
        if event == "socket.connect" and isinstance(args[1], tuple):
            asked.add(args[1][0])
        if event == "socket.getaddrinfo":
            asked.add(args[0])

    sys.addaudithook(listen)
    with app_main("--no-corrections") as address:
        assert httpx.get(address).status_code == 200
    is_over.set()
    assert asked - {"127.0.0.1", "localhost"} == set()
