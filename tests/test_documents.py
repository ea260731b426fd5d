"""The lesson and the API's description, as the page serves them."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from ui.documents import DOCS, NAMES, render

LESSONS = ("lesson.md", "lesson.zh.md")
FORMULAS = 28  # in each lesson, 4 of them displayed
LOCAL = re.compile(r'href="((?!https?:|mailto:)[^"]*)"')


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_can_be_read_again_and_again(server, name, encoding):
    first, second = (
        httpx.get(server + name, headers={"accept-encoding": encoding}) for _ in range(2)
    )
    assert first.headers.get("content-encoding", "identity") == encoding
    assert first.status_code == second.status_code == 200
    assert first.text == second.text
    assert "<h1>" in first.text


@pytest.mark.parametrize("name", LESSONS)
def test_every_formula_is_mathml(server, name):
    html = httpx.get(server + name).text
    prose = re.sub("<pre>.*?</pre>|<code>.*?</code>", "", html, flags=re.DOTALL)
    assert "$" not in prose and "\\" not in prose
    assert len(re.findall("<math ", html)) == FORMULAS
    assert len(re.findall('<math [^>]*display="block"', html)) == 4


def test_a_formula_looks_like_one(open_context, server):
    """In the browser: a fraction is higher than its numerator, an index lower than its letter."""
    page = open_context()
    page.goto(f"{server}lesson.md")
    formula = page.locator('math[display="block"]').first
    expect(formula).to_be_visible()
    fraction, numerator = formula.locator("mfrac"), formula.locator("mfrac > :first-child")
    assert fraction.bounding_box()["height"] > 1.5 * numerator.bounding_box()["height"]
    letter, index = formula.locator("msub").first.locator("> *").all()
    assert index.bounding_box()["y"] > letter.bounding_box()["y"]


@pytest.mark.parametrize("name", LESSONS)
def test_code_is_shown_whole(server, name):
    """Nothing in code is taken for a link, and no link's text is lost with the link."""
    shown = re.sub(r"\s+", " ", httpx.get(server + name).text)
    assert "model.layers[:-1](inputs)" in shown
    assert "<code>nn.Linear(widths[-1], DIGITS)</code>" in shown
    text = (DOCS / name).read_text(encoding="utf-8")
    linked = re.findall(r"\[`([^`]+)`\]\(\.\./", text)
    assert len(linked) >= 10
    for code in linked:
        assert f"<code>{code.replace('<', '&lt;').replace('>', '&gt;')}</code>" in shown


@pytest.mark.parametrize("name", NAMES)
def test_no_link_leads_nowhere(server, name):
    html = httpx.get(server + name).text
    for address in set(LOCAL.findall(html)):
        place, _, part = address.partition("#")
        answer = httpx.get(httpx.URL(server + name).join(place), follow_redirects=True)
        assert answer.status_code == 200, address
        assert not part or f'id="{part}"' in answer.text, address


@pytest.mark.parametrize(
    "source, expected",
    [
        ("[file](../app.py#L3)", "file"),
        ("[`f[-1]`](../app.py)", "<code>f[-1]</code>"),
        ("[losses](losses.md#seeds)", "losses"),
        ("[lessons](lessons.md)", "lessons"),
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
