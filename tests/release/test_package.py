"""The package as pip installs it."""

import os
import re
import shutil
import zipfile

from mnist_core.network import weights
from tests.conftest import ROOT, copy_network, run

SCRIPT = """
from mnist_core import Recognizer
from mnist_core.network import weights
recognizer = Recognizer.load()
recognizer.check()
print(recognizer.name, weights.in_use())
"""


def test_a_wheel_has_all_modules_and_the_network_which_loads_from_anywhere(tmp_path):
    clone, site = tmp_path / "clone", tmp_path / "site"
    for name in ("mnist_core", "weights"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", clone)
    modules = {str(path.relative_to(clone)) for path in clone.glob("mnist_core/**/*.py")}
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    built = run("-m", "pip", "wheel", "--quiet", *offline, "--wheel-dir", tmp_path, clone)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    assert modules <= {str(path.relative_to(site)) for path in site.glob("mnist_core/**/*.py")}
    (about,) = site.glob("*.dist-info/METADATA")
    needed = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*; extra)", about.read_text(), re.MULTILINE)
    assert sorted(needed) == ["numpy", "pillow", "safetensors", "torch"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("DRAW_A_DIGIT_HOME")
    loaded = run("-c", SCRIPT, cwd=tmp_path, env=environment)
    shipped = [weights.SHIPPED_NAME, str(site / "mnist_core" / "weights")]
    assert loaded.stdout.split() == shipped, loaded.stderr
    (tmp_path / "home").mkdir()
    copy_network(weights.SHIPPED, tmp_path / "home" / "installed")
    loaded = run("-c", SCRIPT, cwd=tmp_path, env=environment | {"DRAW_A_DIGIT_HOME": "home"})
    assert loaded.stdout.split() == [weights.SHIPPED_NAME, "home/installed"], loaded.stderr
