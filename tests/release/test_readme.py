"""What the README and its pages in docs/ say is so."""

import ast
import json
import re
import subprocess

import pytest
from PIL import Image

from tests.conftest import ROOT, call

README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = ("training", "teaching", "api", "sharing", "structure", "serving", "page", "run-directory")
PAGES = README + "".join((ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in NAMES)
SERVED = "http://127.0.0.1:7860/"


def blocks(language: str, text: str = PAGES) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in fenced if name == language]


def test_the_first_screen_has_the_two_commands():
    first, second, *_ = blocks("sh", README)
    assert first.strip() == "sh install.sh && .venv/bin/python app.py"
    assert second.strip() == "sh install.sh requirements-dev.txt && .venv/bin/pytest"
    assert README.count("\n") < 90


@pytest.mark.parametrize("example", blocks("python"))
def test_the_python_examples_run(server, example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(example.replace(SERVED, server), {})
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    if printed.startswith("{"):  # the HTTP answer: the most probable digit of ten
        answer = ast.literal_eval(printed)
        printed = max(answer, key=answer.get)
    assert printed.split()[0] == "7"


def test_the_javascript_and_curl_examples_run(server, mnist, tmp_path):
    Image.fromarray(255 - mnist[0][0].numpy()).resize((112, 112)).save(tmp_path / "digit.png")

    def output(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (script,) = blocks("js")
    assert output("node", "--input-type=module", "-e", script.replace(SERVED, server))[0] == "7"
    examples = {block for block in blocks("sh") if "curl" in block}
    assert len(examples) == 3
    for example in examples:
        answer = json.loads(output("bash", "-c", example.replace(SERVED, server)))
        first = answer[0] if "drawings" in example else answer
        assert first["digit"] == (5 if "picture" in example else 7)


@pytest.mark.parametrize(
    "script",
    sorted(
        set(re.findall(r"python ((?:(?:scripts|experiments)/)?\w+\.py)", PAGES))
        - {"scripts/gradio_interface.py"}  # a demo without options
    ),
)
def test_each_script_explains_itself(script):
    done = call(ROOT / script, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


LINKING = ["README.md", "README.zh.md", "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")]
LINK = r"\]\((?!https?:|mailto:)([^)\s]*)\)"


def anchors(page: str) -> set[str]:
    """What the headings of a page are linked by, as a code host makes it of their words."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [str((ROOT / page).relative_to(ROOT)) for page in LINKING])
def test_each_link_leads_to_a_file_and_a_heading_that_exist(page):
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(LINK, text):
        name, _, heading = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), f"{page} links to {link}, which does not exist"
        if heading:
            assert heading in anchors(target.read_text(encoding="utf-8")), link


def test_the_tree_names_every_tracked_file_or_its_folder_and_nothing_else():
    (tree,) = [block for block in blocks("") if "app.py" in block]
    named, folder = set(), ""
    for line in tree.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else name
        named.add(folder + name if line.startswith(" ") else name)
    assert [name for name in named if not (ROOT / name).exists()] == []
    named |= set(re.findall(r"(?<= )[\w.-]+\.\w+|\.dockerignore", tree))
    # Of a folder of source files every file is named, of others the folder is enough.
    named -= {"mnist_core/", "serving/", "ui/", "scripts/", "experiments/"}
    command = ["git", "-C", ROOT, "ls-files"]
    tracked = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    left_out = [
        path
        for path in filter(None, tracked)
        if path not in named and not any(path.startswith(name) for name in named if name[-1] == "/")
    ]
    assert [path for path in left_out if not path.endswith("__init__.py")] == []
