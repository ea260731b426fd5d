"""Files are replaced whole, also on a full disk."""

import gzip
import os
import resource
from pathlib import Path

import pytest

from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory, open_checked, open_file
from tests.processes import in_a_process


def write(path: Path, text: str = "new", mode: str = "wt") -> None:
    with atomic_write(path, mode) as file:
        file.write(text)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("mode", ["wt", "wb"])
def test_the_ending_says_whether_a_file_is_gzipped(tmp_path, mode):
    content = "eins, zwei, drei, für\n"
    for name in ("a.txt", "a.txt.gz"):
        write(tmp_path / name, content if mode == "wt" else content.encode(), mode)
        with open_file(tmp_path / name, "rt") as file:
            assert file.read() == content
    assert (tmp_path / "a.txt").read_bytes() == content.encode()
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()) == content.encode()
    (tmp_path / "a.txt.gz").rename(tmp_path / "b.txt")  # the content decides, to read
    with open_file(tmp_path / "b.txt", "rt") as file:
        assert file.read() == content


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "a", "wt") as file:
        file.write("half")
        file.flush()
        assert (tmp_path / "a").read_text() == "old"
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def refusal(path: Path, content: str = "new") -> str:
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
        assert "File too large" in refusal(folder / "a", "x" * 10 * size)
        assert (folder / "a").read_text() == "old"
        assert names(folder) == ["a"]


def test_a_path_that_cannot_be_a_file_is_named_with_the_reason(tmp_path):
    (tmp_path / "a").write_text("in the way")
    (tmp_path / "folder").mkdir()
    assert "Not a directory" in refusal(tmp_path / "a" / "b")
    assert "No such file" in refusal(tmp_path / "none" / "b")
    assert "Is a directory" in refusal(tmp_path / "folder")
    assert names(tmp_path) == ["a", "folder"]
    with pytest.raises(UserError, match=r"can't make the folder .*a/b: Not a directory"):
        make_directory(tmp_path / "a" / "b")


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"0123456789" * 9)[:-9])
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    for name, reason in (
        ("none", "can't be read: No such file"),
        ("cut.gz", "is damaged"),
        ("bytes.txt", "is damaged"),
    ):
        with (
            pytest.raises(UserError, match=f"{name} {reason}"),
            open_checked(tmp_path / name, "rt") as file,
        ):
            file.read()
