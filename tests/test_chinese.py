"""Chinese texts keep to docs/glossary.md: one word for one thing, and one rule for spaces."""

import re

import pytest

from tests.conftest import ROOT
from ui.texts import CHINESE

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
# Of each row of its table, the words in the last column.
AVOIDED = [
    word
    for row in re.findall(r"^\|.*\|.*\|.*\|(.*)\|$", GLOSSARY, re.MULTILINE)
    for word in row.strip().split(", ")
    if re.match(r"[一-龥]", word)
]
CODE = re.compile(r"```.*?```|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|https?://\S+", re.DOTALL)
HAN, LATIN, MARK = "[一-龥]", "[A-Za-z0-9]", "[，。：；！？、（）“”《》]"
PAGES = [ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.zh.md"))]


def faults(text: str) -> set[str]:
    """The places in a text that break a rule, each with what is around it."""
    spaces = [f"{HAN}{LATIN}", f"{LATIN}{HAN}", r"\d %", f" {MARK}", f"{MARK} ", f"{HAN} {HAN}"]
    found = (re.finditer(f".{{0,6}}{one}.{{0,6}}", text) for one in [*spaces, *AVOIDED])
    return {match[0] for matches in found for match in matches}


def test_texts_of_the_page():
    assert {key: faults(text) for key, text in CHINESE.items() if faults(text)} == {}
    to_all = [text for key, text in CHINESE.items() if not key.startswith(("class", "wall"))]
    assert [text for text in to_all if re.search("你(?!们)", text)] == []  # 您


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages(page):
    text = CODE.sub("`", page.read_text("utf-8"))
    markdown = r"\*\* ?| ?\| ?|^ *(#+|-|\d+\.) "  # has spaces of its own
    assert not faults(re.sub(markdown, "|", text, flags=re.MULTILINE))
