"""The package as pip installs it."""

import os
import shutil
import zipfile

from tests.conftest import ROOT, run

SCRIPT = """
from mnist_core import Recognizer, recognizer
print(Recognizer.load().check(), recognizer.SHIPPED)
"""


def test_a_wheel_has_all_modules_and_the_network_which_loads_from_anywhere(tmp_path):
    clone, site = tmp_path / "clone", tmp_path / "site"
    for name in ("mnist_core", "weights"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, clone)
    modules = {str(path.relative_to(clone)) for path in clone.glob("mnist_core/**/*.py")}
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    built = run("-m", "pip", "wheel", "--quiet", *offline, "--wheel-dir", tmp_path, clone)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    assert modules <= {str(path.relative_to(site)) for path in site.glob("mnist_core/**/*.py")}
    (about,) = site.glob("*.dist-info/METADATA")
    assert "Requires-Dist: safetensors" in about.read_text()
    loaded = run("-c", SCRIPT, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)})
    assert loaded.stdout.split() == ["7", str(site / "mnist_core" / "weights")], loaded.stderr
