"""The README's figures are those of the tables that commands wrote, in both languages."""

import re

import pytest

from tests.conftest import ROOT

FIGURE = r"\d+(?:[.,]\d+)+|\d+(?= ?%)"  # 98.63, 1,750, 99 %
NO_RESULTS = {"127.0.0.1", "0.0.0.0", "3.10"}  # addresses, a version


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def cell(page: str, row: str, column: str) -> str:
    """What stands in the first table that has both; a share as the README writes it, 99.44 %."""
    header = []
    for line in [*text(page).splitlines(), ""]:
        cells = [part.strip() for part in line.strip("|").split(" | ")]
        header = [] if not line.startswith("|") else header or cells
        if line.startswith(f"| {row} |") and column in header:
            return re.sub(r"(?<=\d)%", " %", cells[header.index(column)])
    raise AssertionError(f"{page} has no {column!r} of {row!r}")


def score(name: str) -> str:
    """Of the model card: 0.996 -> 99.60 %."""
    return f"{float(cell('weights/README.md', name, 'value')):.2%}".replace("%", " %")


def results() -> list[str]:
    """The README's results as they must be, each without its first words."""
    pen, hard = "data/pendigits-test.jsonl.gz, as strokes", "docs/robustness.md"
    pages = [("docs/evaluation/README.md", "MNIST test"), ("docs/evaluation/README.md", pen)]
    changes = ("scaled to 0.6", "rotated by 15 degrees", "rotated by 30 degrees")
    pages += [(hard, f"MNIST test, {change}") for change in changes]
    return [f"| {cell(*page, 'accuracy')} | {int(cell(*page, 'of')):,} |" for page in pages] + [
        f"| {score('drawings accuracy')} | {HELD_OUT} |"
    ]


HELD_OUT = re.search(r"([\d,]+) drawings by 14 people", text("docs/experiments.md"))[1]


def claims() -> list[str]:
    """What the README's sentences say, as it must be."""
    pen, learned = "data/pendigits-test.jsonl.gz, as strokes", "docs/corrections.md"
    person = "corrects what is misread and confirms what is least sure"
    before, after, of, mnist, then = (
        cell(learned, person, column).split(" ±")[0]
        for column in ("misread before", "misread after", "of digits", "MNIST test before", "after")
    )
    wrong = cell("docs/evaluation/README.md", pen, "of the sure, wrong")
    return [
        f"it misread {before} of the other half, {of} digits, and {after} after learning",
        f"MNIST's test images went from {mnist.removesuffix(' %')} to {then}",
        f"the answers that it calls sure, {wrong} are wrong on the pen strokes",
        f"it takes {score('letters called sure digits')} for a sure digit",
        f"takes {cell('docs/robustness.md', 'file', 'figure')}.",
        f"reads {tutorial('MNIST test')} of the first row and {tutorial(pen)} of the second",
    ]


def tutorial(read: str) -> str:
    """How much of it the tutorial's networks read."""
    return cell("docs/recipes.md", f"tutorial | {read}", "mean ± deviation")


@pytest.mark.parametrize("line", results())
@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_results_are_those_of_the_tables(page, line):
    assert line in text(page), f"{page} should have a row that ends in {line}"


@pytest.mark.parametrize("claim", claims())
def test_what_the_readme_claims_the_tables_say(claim):
    assert claim in text("README.md")


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_no_figure_is_without_a_source(page):
    body = text(page).split("\n# ", 1)[-1]
    known = set(re.findall(FIGURE, "\n".join([*results(), *claims()])))
    allowed = known | NO_RESULTS | {"0.6", "100"}  # how much is scaled; the picture's bar
    assert set(re.findall(FIGURE, body)) - allowed == set()
