"""The tutorial's network learns, as a script and as a notebook of the same code.

Its cells are run in order without Jupyter: they are plain Python, which it would run the same way,
and it would bring dozens of packages.
"""

import json

from experiments.notebook import NOTEBOOK, SCRIPT, notebook
from tests.conftest import ROOT


def test_the_notebook_is_the_script():
    assert NOTEBOOK.read_text("utf-8") == notebook(SCRIPT.read_text("utf-8"))
    assert SCRIPT.read_text("utf-8").count("\n") < 60


def test_its_cells_train_a_network_that_reads_over_95_percent(monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "docs")
    names = {}
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    accuracies = [
        float(line.split()[-1].rstrip("%")) for line in capsys.readouterr().out.splitlines()
    ]
    assert accuracies[0] < 30 and accuracies[-1] > 95
