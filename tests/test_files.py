"""Files are replaced whole: whoever is killed, whoever writes too, and however full the disk is."""

import gzip
import os
import random
import resource
import tempfile
import time
from pathlib import Path

import pytest
import torch

from mnist_core.errors import UserError
from mnist_core.files import ABANDONED_SECONDS, SUFFIX, open_file, replacing
from mnist_core.network import weights
from mnist_core.network.model import MLP
from tests.processes import become_nobody, in_a_process, started

PROVENANCE = {key: {} for key in ("recipe", "scores", "versions")}
PROVENANCE |= {"data": "none", "seed": 0, "date": "2026-01-01"}
NUMBERS = 100_000


def write(path: Path, text: str = "new", mode: str = "wt") -> None:
    with replacing(path, mode) as file:
        file.write(text)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# Networks, which others read while they are replaced -----------------------------------------


def save_network(folder: Path, number: int) -> None:
    """A network that has `number` both in its tensors and in its thresholds."""
    model = MLP((8,))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(number)
    weights.save(model, folder, PROVENANCE, dict.fromkeys(("digit", "sure"), number / NUMBERS))


def read_network(folder: Path) -> int:
    model, config = weights.load(folder)
    # Weights lie on a grid, nearer than this.
    found = {round(value.item()) for part in model.parameters() for value in part.flatten()}
    found |= {round(NUMBERS * threshold) for threshold in config["thresholds"].values()}
    (number,) = found
    return number


def save_networks(folder: Path, first: int, count: int) -> None:
    for number in range(first, first + count):
        save_network(folder, number)


def test_a_network_is_whole_whenever_its_writer_is_killed(tmp_path):
    dice = random.Random(0)
    save_network(tmp_path, 1)
    newest, seen = 1, {1}
    for _ in range(25):
        with started(save_networks, tmp_path, newest + 1, 10_000):
            while read_network(tmp_path) <= newest:  # it has begun
                pass
            end = time.monotonic() + dice.uniform(0, 0.03)
            while time.monotonic() < end:
                seen.add(read_network(tmp_path))
        newest = read_network(tmp_path)
    assert len(seen) > 25
    left = [file for file in tmp_path.iterdir() if SUFFIX in file.name]
    assert set(names(tmp_path)) == {*weights.FILES, *(file.name for file in left)}
    assert left  # some were killed while they wrote
    save_network(tmp_path, 1)
    assert all(file.exists() for file in left)  # perhaps somebody writes them now
    for file in left:
        os.utime(file, (0, time.time() - ABANDONED_SECONDS - 1))
    save_network(tmp_path, 2)
    assert names(tmp_path) == sorted(weights.FILES)


def test_two_who_write_a_network_at_once_do_not_meet(tmp_path):
    save_network(tmp_path, 1)
    with (
        started(save_networks, tmp_path, 1000, 100) as one,
        started(save_networks, tmp_path, 2000, 100) as other,
    ):
        while one.is_alive() or other.is_alive():
            read_network(tmp_path)
    assert (one.exitcode, other.exitcode) == (0, 0)
    assert read_network(tmp_path) in (1099, 2099)
    assert names(tmp_path) == sorted(weights.FILES)


# Any file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["wt", "wb"])
def test_the_ending_says_whether_a_file_is_gzipped(tmp_path, mode):
    content = "eins, zwei, drei, für\n"
    for name in ("a.txt", "a.txt.gz"):
        write(tmp_path / name, content if mode == "wt" else content.encode(), mode)
        with open_file(tmp_path / name, "rt") as file:
            assert file.read() == content
    assert (tmp_path / "a.txt").read_bytes() == content.encode()
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()) == content.encode()


def test_until_it_is_complete_there_is_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "a", "wt") as file:
        file.write("half")
        file.flush()
        assert (tmp_path / "a").read_text() == "old"
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_who_may_read_it_is_as_the_umask_says(tmp_path, umask):
    before = os.umask(umask)
    try:
        write(tmp_path / "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask


def test_only_what_was_abandoned_is_removed(tmp_path):
    long_ago = time.time() - ABANDONED_SECONDS - 1
    ours, others = f".0a{SUFFIX}-[a].txt", [f".0b{SUFFIX}-a.txt", f"c{SUFFIX}-[a].txt", "d"]
    for name in (ours, *others):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    write(tmp_path / "[a].txt")
    assert names(tmp_path) == sorted(["[a].txt", *others])


# What can't be written -----------------------------------------------------------------------


def refused(path: Path, content: str = "new") -> str:
    with pytest.raises(UserError) as caught:
        write(path, content)
    assert str(caught.value).startswith(f"can't write {path}: ")
    return str(caught.value)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    in_a_process(fill_the_disk, tmp_path)


def fill_the_disk(folder: Path) -> None:
    write(folder / "a", "old")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (100_000, 100):  # bytes: noticed while it is written, or when it is closed
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        assert "File too large" in refused(folder / "a", "x" * 10 * size)
        assert (folder / "a").read_text() == "old"
        assert names(folder) == ["a"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    write(folder / "a")
    assert (folder / "a").read_text() == "new"


def test_a_read_only_folder_leaves_the_old_file_and_nothing_else():
    with tempfile.TemporaryDirectory() as folder:  # tmp_path's parents are closed to nobody
        in_a_process(make_read_only, Path(folder))


def make_read_only(folder: Path) -> None:
    write(folder / "a", "old")
    become_nobody(folder, folder / "a")
    for mode in (0o555, 0o444, 0o000):
        folder.chmod(mode)
        assert "Permission denied" in refused(folder / "a")
    folder.chmod(0o755)
    assert (folder / "a").read_text() == "old"
    assert names(folder) == ["a"]


def test_what_another_has_abandoned_stops_nobody():
    with tempfile.TemporaryDirectory() as folder:
        in_a_process(share_a_folder, Path(folder))


def share_a_folder(folder: Path) -> None:
    """As /tmp is shared: there people can remove their own files alone."""
    folder.chmod(0o1777)
    abandoned = folder / f".0a{SUFFIX}-a"
    abandoned.touch()
    os.utime(abandoned, (0, 0))
    become_nobody()
    write(folder / "a")
    assert (folder / "a").read_text() == "new"


def test_what_is_no_place_for_a_file_is_told(tmp_path):
    (tmp_path / "a").write_text("in the way")
    (tmp_path / "folder").mkdir()
    assert "Not a directory" in refused(tmp_path / "a" / "b")
    assert "No such file" in refused(tmp_path / "none" / "b")
    assert "Is a directory" in refused(tmp_path / "folder")
    assert "too long" in refused(tmp_path / ("n" * 250))
    assert names(tmp_path) == ["a", "folder"]
