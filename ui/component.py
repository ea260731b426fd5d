"""What this project's components have in common: a folder with a template, a style and scripts."""

import functools
import hashlib
from pathlib import Path
from typing import Any

import gradio as gr

from ui.texts import I18N

PAGE_FILES = {".css", ".html", ".js", ".jsonl", ".py"}
TEXTS_SCRIPT = Path(__file__).parent / "texts.js"


@functools.cache
def page_version() -> str:
    """12 hex digits that change whenever the page does: its own files or Gradio's version."""
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in PAGE_FILES)
    content = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(gr.__version__.encode() + content).hexdigest()[:12]


def parts(folder: Path, *scripts: str) -> dict[str, Any]:
    """The arguments of `gr.HTML` that show the component in `folder`, in the reader's language.

    The folder NAME holds NAME.html, NAME.css and NAME.js; `scripts` are further files
    that run before NAME.js, in one scope with it.
    """

    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    files = [*scripts, f"{folder.name}.js"]
    return {
        "html_template": read(f"{folder.name}.html"),
        "css_template": read(f"{folder.name}.css"),
        "js_on_load": "\n".join([TEXTS_SCRIPT.read_text(encoding="utf-8"), *map(read, files)]),
        "apply_default_css": False,
        "label": I18N("language"),
    }
