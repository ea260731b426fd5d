"""What the lesson says is so, in both languages."""

import doctest
import re

import pytest
import torch

from experiments import lesson_pictures
from tests.conftest import ROOT

DOCS = ROOT / "docs"
LANGUAGES = ("lesson.md", "lesson.zh.md")
NUMBER = r"-?\d+(?:\.\d*)?"
FIGURE = r"\d+(?:[.,]\d+)+|\d+(?= ?%)"  # 96.95, 1,863,690, 99 %
# Pages written by scripts, for the figures that no example of the lesson computes.
SOURCES = (
    "losses.md",
    "shuffled.md",
    "ghosts.md",
    "page.md",
    "evaluation/README.md",
    "robustness.md",
    "recipes.md",
)


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    return re.findall(r"^```pycon\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def prose(page: str) -> str:
    return re.sub(r"^```pycon\n.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)


def links(page: str) -> list[tuple[str, str]]:
    """Return each link's code and the file that it leads to."""
    return re.findall(r"\[`([^`]+)`\]\(\.\./([\w/.]+)\)", page)


class Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Numbers may differ by one in the fourth place: machines round differently."""
        wanted, found = ([float(n) for n in re.findall(NUMBER, side)] for side in (want, got))
        words, other = (re.sub(NUMBER, "#", side).split() for side in (want, got))
        return words == other and found == pytest.approx(wanted, abs=1.5e-4, rel=0)


def test_the_examples_give_what_the_lesson_shows(monkeypatch):
    monkeypatch.chdir(ROOT)
    code = "\n".join(examples(text("lesson.md")))
    test = doctest.DocTestParser().get_doctest(code, {}, "lesson.md", None, None)
    assert len(test.examples) > 50
    complaints = []
    doctest.DocTestRunner(Checker(), verbose=False).run(test, out=complaints.append)
    torch.set_printoptions(profile="default")  # the lesson chose its own
    assert not complaints, "".join(complaints)


@pytest.mark.parametrize("code, file", links(text("lesson.md")))
def test_each_link_leads_to_the_file_with_its_code(code, file):
    assert code in (ROOT / file).read_text(encoding="utf-8")


def test_both_languages_show_the_same():
    english, chinese = map(text, LANGUAGES)
    assert links(chinese) == links(english)
    assert examples(chinese) == examples(english)
    chinese = chinese.replace(".zh.png", ".png")
    for pattern in (FIGURE, r"^## ", r"!\[.*?\]\((.*?)\)", r"\$\$.*?\$\$"):
        found = [sorted(re.findall(pattern, prose(page), re.M)) for page in (english, chinese)]
        assert found[0] == found[1]


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_lines_of_the_tutorial_are_in_it(name):
    quoted = re.findall(r"^```python\n(.*?)^```$", text(name), re.MULTILINE | re.DOTALL)
    assert len(quoted) == 2 and all(block in text("tutorial.py") for block in quoted)
    assert (
        f"{text('tutorial.py').count(chr(10))} " in re.search(r"^## (?!1).*", text(name), re.M)[0]
    )


@pytest.mark.parametrize("name", LANGUAGES)
def test_figures_have_a_source_and_links_a_target(name):
    known = "\n".join([*examples(text(name)), *map(text, SOURCES)])
    unknown = set(re.findall(FIGURE, prose(text(name)))) - set(re.findall(FIGURE, known))
    assert not unknown, f"no example and no script gives {unknown}"
    for target in re.findall(r"\]\(([^)#:]+)\)", prose(text(name))):
        assert (DOCS / target).exists(), target


def test_the_pictures_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["lesson_pictures.py", "--output", str(tmp_path)])
    lesson_pictures.main()
    drawn = {file.name for file in tmp_path.iterdir()}
    if not any(name.endswith(".zh.png") for name in drawn):
        pytest.skip("no font has Chinese")
    assert drawn == {file.name for file in DOCS.glob("lesson-*.png")}
    assert all(f"({name})" in text("lesson.md") + text("lesson.zh.md") for name in drawn)
    assert f"images[{lesson_pictures.EXAMPLE}:" in text("lesson.md")
