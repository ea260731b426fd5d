"""The lesson and the API's description, as the page serves them and a browser shows them."""

import doctest
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.conftest import ROOT
from ui.documents import NAMES, render
from ui.texts import CHINESE

LOCAL = re.compile(r'href="((?!https?:|mailto:)[^"]*)"')


@pytest.mark.parametrize("name", NAMES)
def test_no_link_of_a_page_leads_nowhere(server, name):
    html = httpx.get(server + name).text
    assert "<h1>" in html
    for address in set(LOCAL.findall(html)):
        place, _, part = address.partition("#")
        answer = httpx.get(httpx.URL(server + name).join(place), follow_redirects=True)
        assert answer.status_code == 200, address
        assert not part or f'id="{part}"' in answer.text, address


@pytest.mark.parametrize("name", ["lesson.md", "lesson.zh.md"])
def test_every_formula_is_mathml(server, name):
    html = httpx.get(server + name).text
    prose = re.sub("<(pre|code|script)[ >].*?</\\1>", "", html, flags=re.DOTALL)
    assert "$" not in prose and "\\" not in prose
    assert len(re.findall('<math [^>]*display="block"', html)) == 6


@pytest.mark.parametrize(
    "source, expected",
    [
        ("[`f[-1]`](../app.py)", "<code>f[-1]</code> (app.py)"),
        ("[file](../install.sh)", "file"),
        ("[losses](losses.md#seeds)", "losses"),
        ("[part 2](lesson.md#part-2)", '<a href="lesson.md#part-2">part 2</a>'),
        ("[here](#part-2)", '<a href="#part-2">here</a>'),
        ("[page](http://localhost:7860/?open=inside)", '<a href="./?open=inside">page</a>'),
        ("[site](https://example.org/x)", '<a href="https://example.org/x">site</a>'),
        ("`a[0](b.md)`", "<code>a[0](b.md)</code>"),
        ("`$x$` costs $ 5 or $6", "<code>$x$</code> costs $ 5 or $6"),
    ],
)
def test_links_and_code(source, expected):
    assert render(source) == f"<p>{expected}</p>\n"


def test_what_a_button_copies_of_the_lesson_is_what_is_typed_at_a_prompt(node):
    lesson = (ROOT / "docs" / "lesson.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```$", lesson, re.MULTILINE | re.DOTALL)
    imports = 'import { pasteable } from "./ui/documents.js";'
    copied = node(imports, "pasteable", [*blocks, "sh install.sh\n"])
    assert copied.pop() == "sh install.sh\n"
    for block, code in zip(blocks, copied, strict=True):
        examples = doctest.DocTestParser().get_examples(block)
        typed = (one.source + "\n" * (one.source.count("\n") > 1) for one in examples)
        assert code == "".join(typed)


def test_a_button_copies(server, new_window):
    page = new_window(permissions=["clipboard-read"], locale="zh-CN")
    page.goto(server + "lesson.zh.md")
    button = page.get_by_role("button", name=CHINESE["copy"]).first
    button.click()
    expect(button).to_have_text(CHINESE["copied"])
    assert ">>>" not in page.evaluate("navigator.clipboard.readText()")
