"""The page as one HTML document: markup, style and modules in it, served or written as a file.

What differs between servers (addresses, the network's name, an invitation) is in one block of JSON,
`settings`, which the script reads. The content security policy names script and style by their
hashes, so that no other one runs.
"""

import base64
import functools
import hashlib
import html
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ui.joiner import join
from ui.pairs import to_pairs
from ui.texts import ENGLISH, LANGUAGES

FOLDER = Path(__file__).parent
# Constants shared with Python, by the path that the modules import.
CONSTANTS = "../mnist_core/drawing/constants.json"
# Gzipped files that the page loads when it needs them: images of MNIST and labels, made by
# experiments/page_images.py.
FILES = {"images": "files/images.gz", "test_images": "files/test_images.gz"}
EXAMPLES = FOLDER / "files" / "examples.jsonl"  # "style" is a key of the page's texts
# A network is trained in a worker, which runs the page's own script from a Blob: see
# session/worker.js, where the one trusted type is.
POLICY = (
    "default-src 'none'; connect-src {connect}; script-src {script}; style-src {style}; "
    "img-src {images}; worker-src blob:; base-uri 'none'; form-action {connect}; "
    "require-trusted-types-for 'script'; trusted-types training-worker"
)
# In index.html: what is repeated for each digit, and elements that hold a text.
REPEATED = re.compile(r"<!--repeat-->\n(.*?)<!--end-->\n", re.S)
TEXT = re.compile(r'data-text="(\w+)"[^<>]*>(?=<)')
COMMENT = re.compile(r"^ *<!-- .*? -->\n", re.M)


class Document(NamedTuple):
    """A page and the content security policy that it works under."""

    html: str
    policy: str


def document(
    settings: Mapping[str, Any], embedded: Mapping[str, bytes] | None = None, head: str = ""
) -> Document:
    """Build the page with `settings`; `head` is HTML for its head.

    `embedded` are the files that the page would load from a server: "network" and FILES. With them
    the page needs no server and contains its policy.
    """
    examples = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    return _assembled(*_page(), {"examples": examples, **settings}, embedded or {}, head)


def wall_document(settings: Mapping[str, Any]) -> Document:
    """Build the wall on which a teacher shows what a class draws; it needs a server."""
    return _assembled(_markup("wall.html"), _script("wall.js"), _style("wall.css"), settings, {})


def _assembled(
    markup: str,
    script: str,
    style: str,
    settings: Mapping[str, Any],
    embedded: Mapping[str, bytes],
    head: str = "",
) -> Document:
    connect, images = ("'none'", "data:") if embedded else ("'self'", "'self' data: blob:")
    policy = POLICY.format(
        connect=connect, images=images, script=csp_source(script), style=csp_source(style)
    )
    if embedded:
        head += f'<meta http-equiv="content-security-policy" content="{policy}">\n'
    blocks = [_block("settings", "application/json", _json(settings))]
    for name, content in embedded.items():
        blocks.append(_block(name, "application/gzip;pairs", to_pairs(content)))
    blocks.append(f'<script type="module">{script}</script>')
    parts = {"head": head, "style": f"<style>{style}</style>", "blocks": "\n".join(blocks)}
    text = re.sub(r"<!--(head|style|blocks)-->", lambda match: parts[match[1]], markup)
    return Document(text, policy)


def preview(title: str, description: str, address: str | None) -> str:
    """Return the `head` with which chats show a link's title, description and picture.

    `address` is the page's, without a slash at its end; without one the link has no picture, as
    chats accept only absolute addresses.
    """
    properties = {"type": "website", "title": title, "description": description}
    properties |= {"url": f"{address}/", "image": f"{address}/preview.png"} if address else {}
    tags = [
        f'<meta property="og:{name}" content="{html.escape(value)}">'
        for name, value in properties.items()
    ]
    tags.append(f'<meta name="description" content="{html.escape(description)}">')
    card = ['<meta name="twitter:card" content="summary_large_image">'] if address else []
    return "\n".join([*tags, *card, ""])


def files() -> dict[str, bytes]:
    """Return the gzipped FILES, by name."""
    return {name: (FOLDER / path).read_bytes() for name, path in FILES.items()}


@functools.cache
def version() -> str:
    """Return 12 hexadecimal digits that change whenever the page does."""
    content = [*_page(), *files().values()]
    parts = (each.encode() if isinstance(each, str) else each for each in content)
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def _page() -> tuple[str, str, str]:
    """Return the page's markup, script and style."""
    style = _style("page.css", "stage.css", "inside.css", "learn.css", "class.css")
    return _markup(), _script("main.js"), style


@functools.cache
def script(entry: str) -> str:
    """Return `entry` and the modules that it needs as one script, which declares `modules`."""
    paths = [*FOLDER.rglob("*.js"), FOLDER / CONSTANTS]
    modules = {
        os.path.relpath(path, FOLDER).replace(os.sep, "/"): path.read_text(encoding="utf-8")
        for path in sorted(paths)
    }
    return join(modules, entry)


@functools.cache
def _script(entry: str) -> str:
    return f'{script(entry)}\nmodules["{entry}"].start({_json(LANGUAGES)});\n'


@functools.cache
def _style(*names: str) -> str:
    paper, *others = map(style_sheet, ("paper.css", *names))
    return "\n\n".join([f"@layer page {{\n{paper}}}", *others])


def style_sheet(name: str) -> str:
    """Return one of the style sheets."""
    return (FOLDER / name).read_text(encoding="utf-8")


def section(name: str) -> str:
    """Return what index.html has inside the section with this id."""
    return re.search(rf'<section id="{name}">\n(.*?)</section>', _markup(), re.S)[1]


@functools.cache
def _markup(name: str = "index.html") -> str:
    """Return a page's markup with English texts, which are shown until the script runs."""
    markup = COMMENT.sub("", (FOLDER / name).read_text(encoding="utf-8"))
    markup = REPEATED.sub(
        lambda match: "".join(match[1].replace("{digit}", str(digit)) for digit in range(10)),
        markup,
    )
    return TEXT.sub(lambda match: match[0] + html.escape(ENGLISH[match[1]]), markup)


def _block(name: str, kind: str, content: str) -> str:
    return f'<script type="{kind}" id="{name}">{content}</script>'


def _json(value: Any) -> str:
    """Return `value` as JSON that cannot end a script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def csp_source(text: str) -> str:
    """Return how a content security policy names this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
