"""The page's components: each is a folder NAME with NAME.html, NAME.css and NAME.js.

The scripts are modules that the browser loads from addresses which change with the page, so
that it may keep them for ever.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import gradio as gr

from ui.texts import I18N

FOLDER = Path(__file__).parent
PAGE_FILES = {".css", ".html", ".js", ".json", ".jsonl", ".py"}
# Relative to the page, wherever a proxy shows it.
START = (
    'import(new URL("{address}", document.baseURI))'
    ".then((module) => module.start({{ element, props, watch }}));"
)


@functools.cache
def page_version() -> str:
    """12 hex digits that change whenever the page does: its own files or Gradio's version."""
    files = sorted(path for path in FOLDER.rglob("*") if path.suffix in PAGE_FILES)
    content = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(gr.__version__.encode() + content).hexdigest()[:12]


@functools.cache
def modules() -> dict[str, bytes]:
    """The page's JavaScript modules by their paths in this folder, "sketchpad/pen.js"."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*.js"))
    }


def module_address(name: str) -> str:
    """Where a module is served, relative to the page."""
    return f"ui/{page_version()}/{name}"


def preload_header(*absent: str) -> str:
    """The page's `Link` header, by which all modules come at once, whatever imports them.

    The components `absent` are not on the page, or not on most.
    """
    names = [name for name in modules() if name.split("/")[0] not in absent]
    # Low: Gradio's own scripts, which start ours, go first where there are few connections.
    how = "rel=modulepreload; fetchpriority=low"
    return ", ".join(f"<{module_address(name)}>; {how}" for name in names)


def component(name: str, **props: Any) -> gr.HTML:
    """The component in the folder `name`; its script gets `props`, in the reader's language."""
    style = FOLDER / name / f"{name}.css"
    return gr.HTML(
        elem_id=name,
        html_template=(FOLDER / name / f"{name}.html").read_text(encoding="utf-8"),
        css_template=style.read_text(encoding="utf-8") if style.exists() else "",
        js_on_load=START.format(address=module_address(f"{name}/{name}.js")),
        apply_default_css=False,
        label=I18N("language"),
        **props,
    )
