"""Imports point one way: app.py and scripts/ -> serving/ -> ui/ and mnist_core/; never back."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT


def imported_names(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    ("room", "barred"),
    [
        ("mnist_core", {"gradio", "ui", "serving", "app", "scripts"}),
        ("ui", {"mnist_core", "serving", "app", "scripts"}),
        ("serving", {"gradio", "app", "scripts"}),
    ],
)
def test_a_room_does_not_import_what_stands_above_it(room, barred):
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for file in files:
        found = {name.split(".")[0] for name in imported_names(file)} & barred
        assert not found, f"{file} imports {found}"
