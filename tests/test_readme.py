"""What the README and its pages in docs/ say is so."""

import ast
import json
import re
import shutil
import subprocess

import pytest
from PIL import Image

from mnist_core.network.weights import load
from tests.conftest import ROOT, call

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + "".join(
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("training", "teaching", "api", "sharing", "structure", "serving", "page")
)


def blocks(language: str, text: str = PAGES) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in fenced if name == language]


def test_the_first_screen_has_the_two_commands():
    first, second, *_ = blocks("sh", README)
    assert first.strip() == "sh install.sh && .venv/bin/python app.py"
    assert second.strip() == "sh install.sh requirements-dev.txt && .venv/bin/pytest"
    assert README.count("\n") < 120


@pytest.mark.parametrize("example", blocks("python"))
def test_the_python_examples_run(server, example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(example.replace("http://127.0.0.1:7860/", server), {})
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    if printed.startswith("{"):  # the HTTP answer: the most probable digit of ten
        answer = ast.literal_eval(printed)
        printed = max(answer, key=answer.get)
    assert printed.split()[0] == "7"


def test_the_javascript_example_runs(server):
    if not shutil.which("node"):
        pytest.skip("there is no node here")
    (example,) = blocks("js")
    example = example.replace("http://127.0.0.1:7860/", server)
    done = subprocess.run(
        ["node", "--input-type=module", "-e", example], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "7"


def test_the_curl_examples_run(server, mnist, tmp_path):
    Image.fromarray(255 - mnist[0][0].numpy()).resize((112, 112)).save(tmp_path / "digit.png")
    examples = {block for block in blocks("sh") if "curl" in block}
    assert len(examples) == 2
    for example in examples:
        digit = mnist[1][0].item() if "picture" in example else 7
        command = example.replace("http://127.0.0.1:7860/", server)
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=60, cwd=tmp_path
        )
        assert json.loads(done.stdout)["digit"] == digit, done.stderr


@pytest.mark.parametrize(
    "script",
    sorted(
        set(re.findall(r"python ((?:(?:scripts|experiments)/)?\w+\.py)", PAGES))
        - {"scripts/gradio_interface.py"}  # a demo of a few lines, run by test_digit_pad.py
    ),
)
def test_each_script_explains_itself(script):
    done = call(ROOT / script, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def named_in_the_tree() -> set[str]:
    """The files and folders of docs/structure.md, which end with a slash, from the root on."""
    (tree,) = [block for block in blocks("") if "app.py" in block]
    names, folder = set(), ""
    for line in tree.splitlines():
        name = line.split()[0]
        if not line.startswith("  "):
            folder = name
        names.add(folder + name if line.startswith("  ") else name)
    return names


def test_the_tree_names_nothing_that_is_gone():
    assert [name for name in named_in_the_tree() if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("folder", ["mnist_core", "serving", "ui", "scripts", "experiments"])
def test_the_tree_names_every_source_file_or_its_folder(folder):
    named = named_in_the_tree() - {f"{folder}/"}
    kinds = (".py", ".js", ".json", ".css", ".html")
    paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    left_out = [
        path
        for path in (path.relative_to(ROOT) for path in paths if path.name != "__init__.py")
        if not {path.as_posix(), *(f"{parent.as_posix()}/" for parent in path.parents)} & named
    ]
    assert left_out == []


def test_the_picture_and_the_score_are_there():
    assert (ROOT / "docs" / "page.png").exists()
    _, config = load(ROOT / "weights")
    assert f"{config['provenance']['scores']['test_accuracy']:.2%}".replace("%", " %") in README
