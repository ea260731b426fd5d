"""The page without Gradio: as a file that needs no server, and to look at while Gradio loads."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ui.components import FOLDER, component, data, modules
from ui.joiner import join
from ui.page import build, settings
from ui.texts import LANGUAGES

SCRIPT = """window.gradio_config = { i18n_translations: %s };
window.embedded_network = "%s";
window.embedded_rehearsal = "%s";
window.embedded_snapshots = "%s";
%s
for (const [name, props] of Object.entries(%s)) {
  const element = document.querySelector(`#${name} > .html-container`);
  modules["texts.js"].speak(element);
  modules[`${name}/${name}.js`]?.start({ element, props });
}"""
DOCUMENT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; connect-src 'none'; \
script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'; \
require-trusted-types-for 'script'; trusted-types 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Draw a digit</title>
<link rel="icon" href="data:,">
<style>%s</style>
%s
<script type="module">%s</script>
</html>
"""
# Stands where Gradio's page will, until the script of its last component has run. Gradio's is
# not shown before: what arrives in it would move the rest. No selector of the page's looks in.
SKELETON = """<style>
  %s
  #skeleton { position: absolute; inset: 0 0 auto; cursor: progress }
  body:has(#about summary:not(:empty)) #skeleton { display: none }
  body:not(:has(#about summary:not(:empty))) gradio-app { visibility: hidden }
</style>
<div id="skeleton" aria-hidden="true" inert><template shadowrootmode="closed"><style>
%s
.hint { visibility: hidden }
.tools { opacity: 0.45 }
.bar { --share: 0.1 }
</style>%s</template></div>"""


def document(card: dict[str, Any], network: bytes) -> str:
    """The page as one HTML file that reads by itself and asks nobody for anything.

    `card` is the network's config, `network` its file for browsers. What needs a server is
    left out.
    """
    page = build([], None, None)
    components = [block for block in page.blocks.values() if block.visible]
    props = {each.elem_id: each.props for each in components}
    props["about"]["card"] = card
    gzipped = data()
    files = [network, gzipped["rehearsal.gz"], gzipped["tutorial.gz"]]
    embedded = [base64.b64encode(file).decode() for file in files]
    script = SCRIPT % (_json(LANGUAGES), *embedded, join(modules()), _json(props))
    style = _style(components)
    return DOCUMENT % (_source(script), _source(style), style, _body(components), script)


def skeletons() -> dict[str, str]:
    """Title, paper and bars for the page's first answer, by the first letters of a language."""
    components = [component(name) for name in ("heading", "sketchpad", "chart")]
    html = _body(components)
    bar = re.search("<template>(.*)</template>", html, re.DOTALL)[1]
    bar = bar.replace('percent">', 'percent">10 %')
    bars = [bar.replace('name">', f'name">{digit}') for digit in range(10)]
    html = re.sub('(class="bars"[^>]*>)', rf"\1{''.join(bars)}", html)
    page = (FOLDER / "page.css").read_text(encoding="utf-8")
    html = SKELETON % (re.search(":root {[^}]*}", page)[0], _style(components), html)
    return {
        language: re.sub(r'(data-text="(\w+)"[^>]*>)', lambda m, w=words: m[1] + w[m[2]], html)
        for language, words in LANGUAGES.items()
    }


def _style(components: Sequence[gr.HTML]) -> str:
    """The style sheet of the page with `components`, each with its own nested in its name."""
    shared = [(FOLDER / name).read_text(encoding="utf-8") for name in ("reset.css", "page.css")]
    css = "\n".join([*shared, *(f"#{c.elem_id} {{\n{c.css_template}\n}}" for c in components)])
    theme = settings()["theme"]
    keys = {name: name.replace("-", "_") for name in re.findall(r"var\(--([\w-]+)", css)}
    light, dark = (
        "; ".join(
            f"--{name}: {theme._get_computed_value(key + ending)}"
            for name, key in keys.items()
            if hasattr(theme, key)
        )
        for ending in ("", "_dark")
    )
    system = f"@media (prefers-color-scheme: dark) {{ :root, :host {{ {dark} }} }}"
    chosen = f".light {{ {light} }}\n.dark {{ {dark} }}"  # by who reads, on the body
    return f":root, :host {{ {light} }}\n{system}\n{chosen}\n{css}"


def _body(components: Sequence[gr.HTML]) -> str:
    """The elements that Gradio makes for `components`, as far as the style sheet knows them."""
    inside = "".join(
        f'<div id="{each.elem_id}"><div class="html-container">{each.html_template}</div></div>'
        for each in components
    )
    column = f'<main class="contain"><div class="column">{inside}</div></main>'
    return f'<div class="gradio-container"><div class="main">{column}</div></div>'


def _json(value: Any) -> str:
    """`value` as JSON that ends no script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def _source(text: str) -> str:
    """How a content security policy names an inline script or style, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
