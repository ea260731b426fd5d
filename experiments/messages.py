"""Put every message to people on one sheet, to read them in a row.

    python -m experiments.messages

Writes runs/messages.md: the page's texts in both languages, and every string of several words in
the code of scripts, server and mnist_core, docstrings aside. What is filled in stands in braces.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from experiments.common import ROOT
from mnist_core.files import atomic_write, make_directory
from ui.texts import CHINESE, ENGLISH

PLACES = ["app.py", "scripts", "serving", "mnist_core"]


def main() -> None:
    output = ROOT / "runs" / "messages.md"
    make_directory(output.parent)
    with atomic_write(output, "wt") as file:
        file.write(sheet())
    print(f"wrote {output}")


def sheet() -> str:
    lines = ["# The page", ""]
    lines += [f"- {key}: {text} | {CHINESE.get(key)}" for key, text in ENGLISH.items()]
    for place in PLACES:
        path = ROOT / place
        for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if found := list(messages(module)):
                lines += ["", f"# {module.relative_to(ROOT)}", "", *found]
    return "\n".join(lines) + "\n"


def messages(module: Path) -> Iterator[str]:
    """The strings of several words in a module, each with its line."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        is_part = isinstance(parents.get(node), ast.Expr | ast.JoinedStr | ast.FormattedValue)
        if isinstance(node, ast.Constant | ast.JoinedStr) and not is_part:
            text = written(node)
            if len(text.split()) > 2:
                yield f"- {node.lineno}: {text}"


def written(node: ast.Constant | ast.JoinedStr) -> str:
    """A string as it stands in the code, "" for another constant."""
    if isinstance(node, ast.Constant):
        return " ".join(node.value.split()) if isinstance(node.value, str) else ""
    parts = [
        part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
        for part in node.values
    ]
    return " ".join("".join(parts).split())


if __name__ == "__main__":
    main()
