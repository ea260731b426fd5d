"""The Dockerfile's steps, followed without a container engine.

In a directory of its own with nothing but what is copied, a virtual environment of its own,
and as a user who may write to neither. The packages are those of this environment, unless
FOLLOW_DOCKERFILE=1 has pip install them anew, which takes minutes and 5 GB.
"""

import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, free_port
from tests.drawings import DRAWINGS

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STEPS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line[:1].isupper()]

# Nobody in particular, who writes nowhere but may read a Python that only root may.
CAPABILITIES = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
UNPRIVILEGED = (
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *CAPABILITIES]
    if os.getuid() == 0
    else []
)


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


@pytest.fixture
def place():
    """A directory that everybody may look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


def copy(folder: Path) -> None:
    """What COPY copies, as far as .dockerignore lets it."""
    rules = (ROOT / ".dockerignore").read_text().split("\n")
    sent = [rule[1:] for rule in rules if rule.startswith("!")]
    folder.mkdir()
    for source, target in map(str.split, arguments("COPY")):
        assert source in sent
        if (ROOT / source).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyi")
            shutil.copytree(ROOT / source, folder / target, ignore=ignore)
        else:
            shutil.copy(ROOT / source, folder / target)


def install(environment: Path, folder: Path) -> Path:
    """The environment's Python, with the packages that RUN pip install names."""
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    (command,) = [run for run in arguments("RUN") if run.startswith("pip install")]
    requirements = shlex.split(command)[-1]
    assert (folder / requirements).exists()
    if os.environ.get("FOLLOW_DOCKERFILE") == "1":
        pip = [python, "-m", "pip", "install", "--quiet", "-r", requirements]
        subprocess.run(pip, check=True, cwd=folder)
    else:
        (packages,) = (environment / "lib").glob("python*/site-packages")
        (packages / "these.pth").write_text("\n".join(site.getsitepackages()))
    return python


def test_the_image_serves_and_is_healthy(place):
    app = place / "app"
    copy(app)
    python = install(place / "venv", app)
    assert arguments("USER") == ["digit"]
    (settings,) = arguments("ENV")
    variables = dict(pair.split("=") for pair in settings.split())
    port = variables["GRADIO_SERVER_PORT"] = str(free_port())
    home = place / "home"  # of useradd --create-home
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    own = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home)}
    (command,) = map(json.loads, arguments("CMD"))
    health = json.loads(re.search(r"CMD (.*)", arguments("HEALTHCHECK")[0])[1])
    health = [part.replace("7860", port) for part in health]
    process = subprocess.Popen(
        [*UNPRIVILEGED, python, *command[1:]],
        cwd=app,
        env={**variables, **own},
        stderr=subprocess.PIPE,
    )
    try:
        for _ in range(120):
            assert process.poll() is None, process.stderr.read()
            if subprocess.run([python, *health[1:]], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.5)
        answer = httpx.post(f"http://127.0.0.1:{port}/recognize", json={"strokes": DRAWINGS[7]})
        assert answer.json()["digit"] == 7
        assert "Draw a digit" in httpx.get(f"http://127.0.0.1:{port}/").text
    finally:
        process.terminate()
        _, complaints = process.communicate(timeout=20)
    assert complaints == b""
