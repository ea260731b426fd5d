"""The page's components: a folder NAME each with NAME.html, NAME.css and perhaps NAME.js.

Their scripts are modules that the browser loads joined, from an address which changes with the
page, so that it may keep them for ever.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import gradio as gr

from ui.joiner import join

FOLDER = Path(__file__).parent
SCRIPT = "page.js"  # all modules as one
PAGE_FILES = {".css", ".gz", ".html", ".js", ".json", ".jsonl", ".py"}
# Relative to the page, wherever a proxy shows it.
START = """import(new URL("{address}", document.baseURI)).then(({{ modules }}) => {{
  modules["texts.js"].speak(element);
  modules["{name}/{name}.js"]?.start({{ element, props }});
}});"""


@functools.cache
def page_version() -> str:
    """12 hex digits that change whenever the page does: its own files or Gradio's version."""
    files = sorted(path for path in FOLDER.rglob("*") if path.suffix in PAGE_FILES)
    content = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(gr.__version__.encode() + content).hexdigest()[:12]


def modules() -> dict[str, str]:
    """The page's JavaScript modules by their paths in this folder, "sketchpad/pen.js"."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*.js"))
    }


def data() -> dict[str, bytes]:
    """Gzipped files that the page asks for when it needs them, by name.

    "rehearsal.gz" holds the images of MNIST that are rehearsed where the page learns: 784 grey
    values each (experiments/rehearsal_images.py makes it). "tutorial.gz" is the snapshots of a
    training with the recipe `tutorial` (docs/training.md says how it was made).
    """
    return {path.name: path.read_bytes() for path in FOLDER.rglob("*.gz")}


def address_of(name: str) -> str:
    """Where the script or a file of `data` is served, relative to the page."""
    return f"ui/{page_version()}/{name}"


def files() -> dict[str, tuple[str | bytes, str]]:
    """What a browser may keep for ever, data and script: content and media type, by address."""
    kept = {address_of(name): (content, "application/gzip") for name, content in data().items()}
    script = join(modules()) + "\nexport { modules };\n"
    return {address_of(SCRIPT): (script, "text/javascript"), **kept}


def preload_header() -> str:
    """The page's `Link` header: the script comes while Gradio's own do, which start it.

    They go first where there are few connections: its priority is low.
    """
    return f"<{address_of(SCRIPT)}>; rel=modulepreload; fetchpriority=low"


def component(name: str, **props: Any) -> gr.HTML:
    """The component in the folder `name`; its script gets `props`, in the reader's language."""
    html, css = (
        (FOLDER / name / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css")
    )
    return gr.HTML(
        elem_id=name,
        html_template=html,
        css_template=css,
        js_on_load=START.format(address=address_of(SCRIPT), name=name),
        apply_default_css=False,
        **props,
    )
