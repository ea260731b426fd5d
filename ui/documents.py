"""Pages of docs/ as HTML, for people without a clone: the lesson, and the API for programs.

GitHub shows the same Markdown. Here formulas become MathML, pictures are embedded, a button copies
code, and a link to a file that only a clone has becomes its text, with the file's name.
"""

import base64
import html
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ui.document import FOLDER, script
from ui.texts import LANGUAGES

DOCS = FOLDER.parent / "docs"
NAMES = ("lesson.md", "lesson.zh.md", "api.md")  # beside the page
# $$displayed$$ and $inline$, where GitHub sees a formula too.
FORMULA = re.compile(r"\$\$(?P<displayed>[^$]+)\$\$|\$(?P<inline>(?!\s)[^$]+(?<!\s))\$")
LOG = re.compile(r"(<mi>log</mi>)(?!<mo stretchy)")  # TeX leaves a space here, but not before "("
# The page's address in the Markdown, for readers with a clone; here it is a relative link.
SERVED = "http://localhost:7860/"
PAGE = """<!doctype html>
<html lang="%s">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
  :root { color-scheme: light dark }
  body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1.0625rem/1.6 system-ui }
  pre { overflow-x: auto; padding: 0.75rem; border: 1px solid; border-radius: 8px }
  pre button { float: right; margin: 0 0 0.5rem 0.75rem; font: inherit; user-select: none }
  pre, code { font-size: 0.9375rem }
  img { max-width: 100%%; background: #fff }
  math { font-size: 1.125em }
  p:has(> math[display="block"]) { overflow-x: auto; overflow-y: hidden }
  table { border-collapse: collapse; display: block; overflow-x: auto }
  th, td { padding: 0.25rem 0.75rem; border: 1px solid }
</style>
%s
<script type="module">%s
modules["documents.js"].start(%s);</script>"""


def pages() -> dict[str, str]:
    """Return the lesson in both languages and the API as HTML, by file name."""
    return {name: _page(name) for name in NAMES}


def _page(name: str) -> str:
    text = (DOCS / name).read_text(encoding="utf-8")
    title = text.partition("\n")[0].lstrip("# ")
    texts = LANGUAGES["zh" if ".zh." in name else "en"]
    labels = ", ".join(json.dumps(texts[key], ensure_ascii=False) for key in ("copy", "copied"))
    parts = (html.escape(title), render(text), script("documents.js"), labels)
    return PAGE % (texts["language_code"], *parts)


def render(text: str) -> str:
    """Return the HTML of a page of docs/ from its Markdown, as it is served."""
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.inline.ruler.before("escape", "formula", _formula)
    tokens = markdown.parse(text)
    for before, token in itertools.pairwise(tokens):
        if before.tag == "h2" and (number := re.match(r"\d", token.content)):
            before.attrSet("id", f"part-{number[0]}")  # to which the page links
        if token.children:
            token.children = list(_served(token.children))
    return markdown.renderer.render(tokens, markdown.options, {})


def _formula(state: StateInline, silent: bool) -> bool:
    """Inline rule of markdown-it that converts the formula at the current place to MathML."""
    match = FORMULA.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        display = "block" if match["displayed"] else "inline"
        mathml = convert(match["displayed"] or match["inline"], display=display)
        state.push("html_inline", "", 0).content = LOG.sub(r'\1<mspace width="0.167em"/>', mathml)
    state.pos = match.end()
    return True


def _served(tokens: Sequence[Token]) -> Iterator[Token]:
    """Embed the pictures and drop the links that lead nowhere without a clone."""
    address, is_link = "", False
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrs["href"]).replace(SERVED, "./")
            token.attrSet("href", address)
            is_link = _is_served(address)
        elif token.type == "image":
            token.attrSet("src", _embedded(str(token.attrs["src"])))
        if is_link or token.type not in ("link_open", "link_close"):
            yield token
        elif token.type == "link_close" and address.endswith(".py"):
            yield Token("text", "", 0, content=f" ({address.removeprefix('../')})")


def _is_served(address: str) -> bool:
    """Whether a link leads to another site, to the page, or to one of these pages."""
    scheme, _, path, _, _ = urlsplit(address)
    return bool(scheme) or path in ("", "./", *NAMES)


def _embedded(picture: str) -> str:
    content = base64.b64encode((DOCS / picture).read_bytes()).decode()
    return f"data:image/png;base64,{content}"
