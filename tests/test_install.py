"""install.sh on other people's machines, with a Python and a package manager that only note."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PYTHON = """#!/bin/sh
case "$*" in
  *ensurepip*) [ -e apt ] ;;
  *version_info*) exec /usr/bin/env -i "$REAL" "$@" ;;
  "-m venv .venv") [ -e apt ] && mkdir -p .venv/bin && cp pip-python .venv/bin/python ;;
esac
"""
PIP = """#!/bin/sh
echo "$*" >> asked
case "$*" in *--find-links*) [ ! -e unreachable ] ;; esac
"""
APT = '#!/bin/sh\necho "$*" >> apt\n'


@pytest.fixture
def machine(tmp_path):
    """A directory with the files that are read, and a PATH with little in it."""
    for name in ("install.sh", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    files = {"bin/python3": PYTHON, "bin/apt-get": APT, "bin/sudo": '#!/bin/sh\n"$@"\n'}
    for name, content in {**files, "pip-python": PIP}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    for name in ("sh", "grep", "id", "mkdir", "cp", "env", "dirname"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    return tmp_path


def install(machine, *arguments: str) -> list[str]:
    """What pip was asked for."""
    environment = {"PATH": str(machine / "bin"), "REAL": sys.executable}
    command = ["/bin/sh", machine / "install.sh", *arguments]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (machine / "asked").read_text().splitlines()


def test_a_fresh_debian_gets_venv_and_the_small_pytorch(machine):
    torch, rest, clone = install(machine)
    assert (machine / "apt").read_text().splitlines() == ["update", "install -y python3-venv"]
    assert "--no-index --find-links https://download.pytorch.org/whl/cpu/torch/" in torch
    assert "torch>=" in torch and " torchvision>=" in torch
    assert rest.endswith("-r requirements.txt")
    assert clone.endswith("--no-deps --editable .")  # mnist_core is found from any directory
    again = install(machine, "requirements-dev.txt")[3:]
    assert again == [torch, rest.replace(".txt", "-dev.txt"), clone]
    assert len((machine / "apt").read_text().splitlines()) == 2  # it is there now


def test_without_pytorch_s_own_server_the_rest_is_installed_all_the_same(machine):
    (machine / "unreachable").touch()
    assert len(install(machine)) == 3


def test_with_an_nvidia_gpu_it_takes_pytorch_s_usual_build(machine):
    (machine / "bin" / "nvidia-smi").write_text("")
    (machine / "bin" / "nvidia-smi").chmod(0o755)
    packages, _ = install(machine)
    assert packages.endswith("-r requirements.txt")
