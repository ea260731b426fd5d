"""The page as one HTML document: markup, style and modules in it, served or written as a file.

What differs from one place to another (addresses, the network's name, an invitation) stands in one
block of JSON, `settings`, which the script reads. Scripts and styles are named by their hashes in
the content security policy, so that no other one runs.
"""

import base64
import functools
import hashlib
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ui.joiner import join
from ui.texts import LANGUAGES

FOLDER = Path(__file__).parent
PARTS = (
    "heading",
    "sketchpad",
    "chart",
    "feedback",
    "examples",
    "insight",
    "inside",
    "invitation",
    "about",
)
# Gzipped files that the page asks for when it needs them. "rehearsal.gz" holds the images of MNIST
# that are rehearsed where the page learns: 784 grey values each (experiments/rehearsal_images.py
# makes it). "tutorial.gz" is the snapshots of a training with the recipe `tutorial`.
FILES = {"rehearsal": "recognizer/rehearsal.gz", "snapshots": "inside/tutorial.gz"}
EXAMPLES = FOLDER / "examples" / "drawings.jsonl"  # "style" is a key of the page's texts
POLICY = (
    "default-src 'none'; connect-src {connect}; script-src {script}; style-src {style}; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
DOCUMENT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
{head}<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Draw a digit</title>
<link rel="icon" href="data:,">
<style>{style}</style>
{body}
{blocks}
<script type="module">{script}</script>
</html>
"""


class Document(NamedTuple):
    """A page and the content security policy that it works under."""

    html: str
    policy: str


def document(
    settings: Mapping[str, Any], embedded: Mapping[str, bytes] | None = None, head: str = ""
) -> Document:
    """The page with `settings`; `head` is HTML for its head.

    `embedded` are the files that it would ask a server for, "network", "rehearsal" and "snapshots";
    with them it asks nobody for anything, and names its policy itself.
    """
    script, style = _script(), _style()
    policy = POLICY.format(
        connect="'none'" if embedded else "'self'", script=_source(script), style=_source(style)
    )
    if embedded:
        head += f'<meta http-equiv="content-security-policy" content="{policy}">\n'
    examples = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    settings = {"examples": examples, **settings}
    blocks = [_block("settings", "application/json", _json(settings))]
    for name, content in (embedded or {}).items():
        blocks.append(_block(name, "application/gzip;base64", base64.b64encode(content).decode()))
    text = DOCUMENT.format(
        head=head, style=style, body=_body(), blocks="\n".join(blocks), script=script
    )
    return Document(text, policy)


def preview(title: str, description: str, address: str = "", picture: str = "") -> str:
    """The `head` that makes chats show a link with a title, a description and a picture.

    Chats take whole addresses only; without one the link has no picture.
    """
    properties = {"type": "website", "title": title, "description": description}
    properties |= {"url": address, "image": picture} if address else {}
    tags = [
        f'<meta property="og:{name}" content="{html.escape(value)}">'
        for name, value in properties.items()
    ]
    tags.append(f'<meta name="description" content="{html.escape(description)}">')
    card = ['<meta name="twitter:card" content="summary_large_image">'] if picture else []
    return "\n".join([*tags, *card, ""])


def files() -> dict[str, bytes]:
    """The gzipped FILES, by name."""
    return {name: (FOLDER / path).read_bytes() for name, path in FILES.items()}


@functools.cache
def version() -> str:
    """12 hex digits that change whenever the page does."""
    content = [_body(), _style(), _script(), *files().values()]
    parts = (each.encode() if isinstance(each, str) else each for each in content)
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


@functools.cache
def _script() -> str:
    modules = {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*.js"))
    }
    languages = f"const languages = {_json(LANGUAGES)};"
    return f'{languages}\n{join(modules)}\nmodules["main.js"].start(languages);\n'


@functools.cache
def _style() -> str:
    shared = [(FOLDER / name).read_text(encoding="utf-8") for name in ("theme.css", "page.css")]
    return "\n".join([*shared, *(f"#{name} {{\n{_part(name, 'css')}\n}}" for name in PARTS)])


@functools.cache
def _body() -> str:
    inside = "".join(
        f'<div id="{name}"><div class="html-container">{_part(name, "html")}</div></div>'
        for name in PARTS
    )
    column = f'<main class="contain"><div class="column">{inside}</div></main>'
    return f'<div class="gradio-container"><div class="main">{column}</div></div>'


def _part(name: str, kind: str) -> str:
    return (FOLDER / name / f"{name}.{kind}").read_text(encoding="utf-8")


def _block(name: str, kind: str, content: str) -> str:
    return f'<script type="{kind}" id="{name}">{content}</script>'


def _json(value: Any) -> str:
    """`value` as JSON that ends no script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def _source(text: str) -> str:
    """How a content security policy names an inline script or style, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
