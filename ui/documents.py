"""Pages of docs/ for those who read them without a clone: the lesson, and what programs can ask."""

import base64
import re

from markdown_it import MarkdownIt

from ui.document import FOLDER

DOCS = FOLDER.parent / "docs"
NAMES = ("lesson.md", "lesson.zh.md", "api.md")  # beside the page
PICTURE = re.compile(r"(?<=\]\()([\w-]+\.png)(?=\))")
# Links to what only a clone has.
ELSEWHERE = re.compile(r"(?<!!)\[([^\]]*)\]\((?!data:|http|lesson|api)[^)]*\)")
PART = re.compile(r"<h2>(?=(\d))")  # a numbered one, to which the page links
# The page, as it is served to who reads these in a clone; here it is beside them.
SERVED = "http://localhost:7860/"
PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
  :root { color-scheme: light dark }
  body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1.0625rem/1.6 system-ui }
  pre { overflow-x: auto; padding: 0.75rem; border: 1px solid; border-radius: 8px }
  pre, code { font-size: 0.9375rem }
  img { max-width: 100%%; background: #fff }
  table { border-collapse: collapse; display: block; overflow-x: auto }
  th, td { padding: 0.25rem 0.75rem; border: 1px solid }
</style>
%s"""


def pages() -> dict[str, str]:
    """By their names, the lesson in both languages and the API, HTML with its pictures in it."""
    return {name: _page(name) for name in NAMES}


def _page(name: str) -> str:
    text = PICTURE.sub(_embedded, (DOCS / name).read_text(encoding="utf-8"))
    title = text.partition("\n")[0].lstrip("# ")
    text = ELSEWHERE.sub(r"\1", text).replace(SERVED, "./")
    html = MarkdownIt("commonmark").enable("table").render(text)
    return PAGE % (title, PART.sub(r'<h2 id="part-\1">', html))


def _embedded(match: re.Match) -> str:
    content = base64.b64encode((DOCS / match[0]).read_bytes()).decode()
    return f"data:image/png;base64,{content}"
