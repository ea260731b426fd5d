"""A UserError becomes one line and exit code 2; any other exception is ours and is not hidden."""

import sys

import pytest

from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from scripts import corrections, serve_ray


def fails_in(monkeypatch, script, error: Exception) -> None:
    """Have what `script` calls first fail."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["script.py", *(["list"] if script is corrections else [])])
    monkeypatch.setattr(corrections.Corrections, "__init__", fail)
    monkeypatch.setattr(corrections.torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(serve_ray, "ENVIRONMENT", {})
    monkeypatch.setattr(serve_ray, "check_address", fail)


SCRIPTS = pytest.mark.parametrize(
    "script", [corrections, serve_ray], ids=lambda script: script.__name__
)


@SCRIPTS
def test_what_a_person_can_mend_is_one_line(script, monkeypatch, capsys):
    if script is serve_ray:
        pytest.importorskip("ray.serve", reason="pip install -r requirements-ray.txt")
    fails_in(monkeypatch, script, UserError("the ink is dry: dip the pen"))
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 2
    name = script.__name__.removeprefix("scripts.")
    assert capsys.readouterr().err == f"{name}.py: the ink is dry: dip the pen\n"


@SCRIPTS
@pytest.mark.parametrize("error", [ValueError, OSError, KeyError, RuntimeError])
def test_a_fault_of_ours_is_not_hidden(script, error, monkeypatch):
    if script is serve_ray:
        pytest.importorskip("ray.serve", reason="pip install -r requirements-ray.txt")
    fails_in(monkeypatch, script, error("ours"))
    with pytest.raises(error):
        script.main()


def test_who_catches_a_value_error_catches_it():
    """Callers of a library expect one for a bad value."""
    with pytest.raises(ValueError, match="not nothing"):
        parse_strokes(None)
