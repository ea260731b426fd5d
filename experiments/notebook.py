"""Write docs/tutorial.ipynb from docs/tutorial.py: a cell for each part that "# %%" begins.

python -m experiments.notebook
"""

import json

from experiments.common import ROOT
from mnist_core.files import atomic_write

SCRIPT, NOTEBOOK = ROOT / "docs" / "tutorial.py", ROOT / "docs" / "tutorial.ipynb"
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def main() -> None:
    with atomic_write(NOTEBOOK, "wt") as file:
        file.write(notebook(SCRIPT.read_text(encoding="utf-8")))


def notebook(script: str) -> str:
    """The notebook of a script, as JSON: its docstring, and headings and code of its parts."""
    introduction, *parts = script.split("\n# %% ")
    title, _, rest = introduction.strip().strip('"').partition("\n")
    cells = [_cell("markdown", f"# {title}\n{rest}".strip())]
    for part in parts:
        heading, _, code = part.partition("\n")
        cells += [_cell("markdown", f"## {heading}"), _cell("code", code.strip())]
    numbered = [{"id": f"part-{place}", **cell} for place, cell in enumerate(cells)]
    content = {"cells": numbered, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict:
    extra = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(True), **extra}


if __name__ == "__main__":
    main()
