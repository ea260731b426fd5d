"""A UserError becomes one line and exit code 2; any other exception is ours and is not hidden."""

import sys

import pytest

from mnist_core.errors import UserError
from scripts import corrections


@pytest.fixture
def fail_with(monkeypatch):
    """Let opening the database fail with an error, and run corrections.py."""

    def run(error: Exception) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(sys, "argv", ["corrections.py", "list"])
        monkeypatch.setattr(corrections.Corrections, "__init__", fail)
        monkeypatch.setattr(corrections.torch, "set_num_threads", lambda _: None)
        corrections.main()

    return run


def test_a_user_error_is_one_line(fail_with, capsys):
    with pytest.raises(SystemExit) as ended:
        fail_with(UserError("the ink is dry: dip the pen"))
    assert ended.value.code == 2
    assert capsys.readouterr().err == "corrections.py: the ink is dry: dip the pen\n"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyError])
def test_our_own_fault_is_not_hidden(fail_with, error):
    with pytest.raises(error, match="ours"):
        fail_with(error("ours"))
