"""The Dockerfile's steps, followed without a container engine.

In a directory of its own with nothing but what is copied, a virtual environment of its own,
and as a user who may write to neither; where root runs the tests, with every disk read-only but
for a /tmp of its own, as `docker run --read-only --tmpfs /tmp` has it. The packages are those of
this environment, unless FOLLOW_DOCKERFILE=1 has pip install them anew, which takes minutes.
"""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
READ_ONLY = """
mount -o remount,bind,ro / && mount -t tmpfs -o mode=1777 tmpfs "$0" || exit
touch "$0/../file" 2>/dev/null || exec "$@"
"""


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
    (command,) = [run.split() for run in arguments("RUN") if run.startswith("pip install")]
    assert (folder / command[-1]).exists()
    if os.environ.get("FOLLOW_DOCKERFILE") == "1":
        subprocess.run([python, "-m", *command], check=True, cwd=folder)
    else:
        (packages,) = (environment / "lib").glob("python*/site-packages")
        (packages / "these.pth").write_text("\n".join(site.getsitepackages()))
    return python


def read_only(tmp: Path) -> list[str]:
    """What runs a command where nothing can be written but in `tmp`, as far as that can be had."""
    tmp.mkdir()
    tmp.chmod(0o1777)
    command = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(tmp)]
    tried = subprocess.run([*command, "true"], capture_output=True) if os.getuid() == 0 else None
    return command if tried and tried.returncode == 0 else []


def test_the_image_serves_and_is_healthy(place):
    app = place / "app"
    copy(app)
    python = install(place / "venv", app)
    assert arguments("USER") == ["digit"]
    (settings,) = arguments("ENV")
    variables = dict(pair.split("=") for pair in settings.split())
    port = variables["GRADIO_SERVER_PORT"] = str(free_port())
    assert variables["HOME"] == "/tmp"
    tmp = place / "tmp"
    own = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp), "TMPDIR": str(tmp)}
    (command,) = map(json.loads, arguments("CMD"))
    health = json.loads(re.search(r"CMD (.*)", arguments("HEALTHCHECK")[0])[1])
    health = [part.replace("7860", port) for part in health]
    process = subprocess.Popen(
        [*read_only(tmp), *UNPRIVILEGED, python, *command[1:]],
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


def locked() -> dict[str, str]:
    """The packages of requirements.lock and their versions."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in lock.splitlines():
        if line and not line.startswith("#"):
            package, *hashes = line.split()
            assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", h) for h in hashes)
            name, version = package.split("==")
            found[name] = version
    return found


def test_every_package_of_the_image_is_pinned_and_what_is_required():
    pinned = locked()
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            wanted = Requirement(line)
            assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), line
    assert "psycopg-binary" in pinned  # as the Dockerfile says of DATABASE_URL
    assert pinned["torch"].endswith("+cpu")
    assert not any(name.startswith(("nvidia", "cuda", "triton")) for name in pinned)
    (command,) = [run for run in arguments("RUN") if run.startswith("pip install")]
    assert "--require-hashes" in command
    assert command.endswith("-r requirements.lock")


def test_the_base_image_is_pinned():
    assert arguments("FROM") == ["$BASE"]
    assert re.fullmatch(r"BASE=python:3\.\d+-slim@sha256:[0-9a-f]{64}", arguments("ARG")[0])


@pytest.mark.parametrize("reachable", [True, False], ids=["all", "--keep-torch"])
def test_a_command_renews_the_packages(tmp_path, reachable):
    """With a uv that answers as the real one does, which would ask two servers."""
    for file in (".ci/lock", "requirements.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    torch = "torch==2.10.0+cpu \\\n    --hash=sha256:{}\n".format
    (tmp_path / "requirements.lock").write_text("old==1\n" + torch("11"))
    uv = tmp_path / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = [".ci/lock"] if reachable else [".ci/lock", "--keep-torch"]
    subprocess.run(command, cwd=tmp_path, env={"PATH": path}, check=True)
    comment, rest = (tmp_path / "requirements.lock").read_text().split("\n", 1)
    assert comment.startswith("# Made by .ci/lock")
    assert rest == "new==2 \\\n    --hash=sha256:22\n" + torch("33" if reachable else "11")


UV = r"""#!/bin/sh
hash() { printf '%s \\\n    --hash=sha256:%s\n' "$1" "$2"; }
case "$*" in
  *--no-deps*pytorch*) grep -q '^torchvision' && hash torch==2.10.0+cpu 33 ;;
  *"--no-emit-package torch --no-emit-package nvidia-x"*) hash new==2 22 ;;
  *--constraints*requirements.txt*) hash new==2 22; hash torch==2.10.0 44; hash nvidia-x==1 55 ;;
esac
"""
