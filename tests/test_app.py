"""The app from its command line."""

import signal
import subprocess
import sys
import textwrap

import httpx
import pytest

from tests.conftest import (
    ROOT,
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
        for sys.argv in [[script, option] for script in scripts for option in ("-h", "--typo")]:
            try:
                runpy.run_path(sys.argv[0], run_name="__main__")
            except SystemExit as end:
                assert (end.code == 2) == (sys.argv[1] == "--typo"), sys.argv
        sys.argv = scripts[:1]
        sys.modules |= dict.fromkeys(("gradio", "torch", "numpy"))  # to import one fails
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except ImportError:
            print(sorted({"ray", "matplotlib", "PIL"} & sys.modules.keys()))
    """
    scripts = set(ROOT.glob("scripts/*.py")) - {ROOT / "scripts" / "gradio_interface.py"}
    done = run("-c", textwrap.dedent(script), APP, *scripts)
    assert done.returncode == 0, done.stderr
    starting = "Starting: this takes some seconds, the first time a minute"
    assert done.stdout.splitlines()[-2:] == [starting, "[]"]


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


@pytest.mark.parametrize("script", ["app.py", "scripts/serve_ray.py"])
def test_ctrl_c_during_the_imports_is_quiet(script):
    process = subprocess.Popen(
        [sys.executable, ROOT / script, "--port", str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith("Starting")  # at once
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


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
        assert (shut.status_code, list(shut.json())) == (404, ["error", "code"])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_it_serves_without_unix_modules_and_asks_no_other_host():
    """Imported as on Windows, without resource and most signals; an audit hook sees connections."""
    script = f"""
        import signal, sys, urllib.request
        sys.modules["resource"] = None
        unknown = {{n: getattr(signal, n) for n in dir(signal) if n.startswith("SIG")}}
        for name in ("SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"):
            del unknown[name]
        for name in unknown:
            delattr(signal, name)
        asked = []
        def listen(event, args):
            if event == "socket.connect" and isinstance(args[1], tuple):
                asked.append(args[1][0])
            if event == "socket.getaddrinfo":
                asked.append(args[0])
        sys.addaudithook(listen)
        import app
        vars(signal).update(unknown)
        args = app.argument_parser().parse_args(["--port", "{free_port()}"])
        with app.served(args) as address:
            urllib.request.urlopen(address).read()
        print(sorted(set(asked) - {{"127.0.0.1", "localhost"}}), flush=True)
        import os; os._exit(0)
    """
    done = run("-c", textwrap.dedent(script), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
