"""A UserError becomes one line and exit code 2; any other exception is ours and is not hidden."""

import pytest

from mnist_core.errors import UserError
from scripts import corrections
from tests.conftest import call


@pytest.mark.parametrize("error", [UserError, ValueError, OSError, KeyError])
def test_a_user_error_is_one_line_and_our_own_fault_is_not_hidden(monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error("the ink is dry: dip the pen")

    monkeypatch.setattr(corrections.Corrections, "__init__", fail)
    if error is UserError:
        done = call(corrections, "list")
        message = "corrections.py: the ink is dry: dip the pen\n"
        assert (done.returncode, done.stderr) == (2, message)
    else:
        with pytest.raises(error, match="dip the pen"):
            call(corrections, "list")
