"""The installed network, beside the shipped one: where it is, and a clone that stays clean."""

import os
import shutil
import subprocess

import pytest

from mnist_core import Recognizer, paths
from mnist_core.network import weights
from mnist_core.network.model import MLP
from tests.conftest import ROOT, copy_network, run
from tests.test_weights import PROVENANCE, THRESHOLDS


def seed() -> int | None:
    """Which of the tests' networks is in use; None for the shipped one."""
    config = weights.load()[1]
    return None if config["name"] == weights.SHIPPED_NAME else config["provenance"]["seed"]


@pytest.fixture
def networks(tmp_path):
    """Folders of four networks, with seeds 0 to 3."""
    for number in range(4):
        weights.save(MLP(()), tmp_path / str(number), PROVENANCE | {"seed": number}, THRESHOLDS)
    return [tmp_path / str(number) for number in range(4)]


def test_the_shipped_network_has_the_name_that_the_code_knows():
    """Whoever ships another network changes `SHIPPED_NAME`."""
    assert weights.load(ROOT / "weights")[1]["name"] == weights.SHIPPED_NAME


def test_files_of_a_user_are_in_the_clone_or_in_the_folder_that_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("DRAW_A_DIGIT_HOME")
    assert (paths.installed(), paths.runs()) == (ROOT / "installed", ROOT / "runs")
    monkeypatch.setenv("DRAW_A_DIGIT_HOME", str(tmp_path))
    assert (paths.installed(), paths.runs()) == (tmp_path / "installed", tmp_path / "runs")


def test_the_installed_network_is_used_the_one_before_kept_and_the_shipped_one_never_gone(
    home, networks
):
    assert seed() is None
    previous = home / "installed" / weights.PREVIOUS
    weights.install(networks[0])
    assert seed() == 0
    assert weights.load(previous)[1]["name"] == weights.SHIPPED_NAME
    for number in (0, 1, 2, 3, 3):  # the same again is no other network
        weights.install(networks[number])
    assert (seed(), weights.load(previous)[1]["provenance"]["seed"]) == (3, 2)
    weights.install(previous)
    assert (seed(), weights.load(previous)[1]["provenance"]["seed"]) == (2, 3)
    weights.install(weights.SHIPPED)
    assert (seed(), weights.load(previous)[1]["provenance"]["seed"]) == (None, 2)
    assert sorted(file.name for file in (home / "installed").iterdir()) == [weights.PREVIOUS]
    weights.install(previous)
    assert seed() == 2
    assert Recognizer.load().model.hidden == ()


# Networks that an earlier release installed in weights/ ----------------------


@pytest.fixture
def old_clone(tmp_path, home, networks, monkeypatch):
    """A clone's weights/ in which network 1 was installed, and before it network 0."""
    place = copy_network(networks[1], tmp_path / "weights")
    copy_network(networks[0], place / "previous")
    for name in ("SHIPPED", "CLONE_WEIGHTS"):
        monkeypatch.setattr(weights, name, place)
    return place


def test_a_network_that_was_installed_in_weights_is_moved_once_with_a_sentence(old_clone, home):
    assert seed() == 1  # found by programs, too
    said = weights.move_old_install()
    assert str(home / "installed") in said
    assert f"git checkout -- {old_clone}" in said
    assert weights.in_use() == home / "installed"
    assert seed() == 1
    assert weights.load(home / "installed" / "previous")[1]["provenance"]["seed"] == 0
    assert weights.move_old_install() is None
    copy_network(ROOT / "weights", old_clone)  # git checkout -- weights
    assert seed() == 1
    weights.install(weights.SHIPPED)
    assert weights.move_old_install() is None
    assert seed() is None


def test_where_nothing_can_be_written_it_is_used_where_it_is(old_clone, home):
    home.write_text("no folder")
    assert weights.move_old_install() is None
    assert seed() == 1


def test_a_shipped_network_is_not_moved(home):
    assert weights.move_old_install() is None
    assert not home.exists()


# A clone ---------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path):
    """A clone of this repository as it is now, changes that are not committed included."""
    folder, origin = tmp_path / "clone", tmp_path / "origin"
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    for name in tracked:
        if (ROOT / name).exists():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, origin / name)
    git(origin, "init", "--quiet")
    git(origin, "add", "--all")
    git(origin, "-c", "user.name=Test", "-c", "user.email=", "commit", "--quiet", "-m", "All")
    git(tmp_path, "clone", "--quiet", origin, folder)
    return folder


def git(folder, *arguments: object) -> str:
    return subprocess.check_output(["git", *map(str, arguments)], cwd=folder, text=True)


def test_a_clone_stays_clean_after_training_installing_and_restoring(clone, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "DRAW_A_DIGIT_HOME"}

    def command(*arguments: object) -> str:
        done = run(*arguments, cwd=clone, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def name_in_use() -> str:
        script = "from mnist_core import Recognizer; print(Recognizer.load().name)"
        return command("-c", script).strip()

    training = ("-m", "tests.small_training", "--recipe", "tutorial", "--epochs", 1)
    printed = command(*training, "--hidden", 16, "--threads", 1, "--install", "--force")
    assert "installed in" in printed
    (made,) = (clone / "runs").iterdir()
    assert name_in_use() == weights.load(made)[1]["name"]
    assert git(clone, "status", "--porcelain") == ""
    command("scripts/weights.py", "restore", "shipped")
    assert name_in_use() == weights.SHIPPED_NAME
    command("scripts/weights.py", "restore", "previous")
    assert name_in_use() == weights.load(made)[1]["name"]
    assert git(clone, "status", "--porcelain") == ""
    assert (clone / "weights" / weights.MODEL_FILE).read_bytes() == (
        ROOT / "weights" / weights.MODEL_FILE
    ).read_bytes()
