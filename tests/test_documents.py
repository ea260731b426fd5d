"""The lesson and the API's description, as the page serves them."""

import re

import httpx
import pytest

from ui.documents import NAMES, render

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
    prose = re.sub("<pre>.*?</pre>|<code>.*?</code>", "", html, flags=re.DOTALL)
    assert "$" not in prose and "\\" not in prose
    assert len(re.findall('<math [^>]*display="block"', html)) == 6


@pytest.mark.parametrize(
    "source, expected",
    [
        ("[file](../app.py#L3)", "file"),
        ("[`f[-1]`](../app.py)", "<code>f[-1]</code>"),
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
