"""The page without Gradio: as a file that needs no server, and to look at while Gradio loads."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ui.components import FOLDER, component, modules
from ui.joiner import join
from ui.page import build, settings
from ui.texts import CHINESE, ENGLISH

LAYOUT = (
    '<div class="gradio-container"><div class="main"><main class="contain"><div class="column">'
)
START = """
for (const [name, props] of Object.entries(PROPS)) {
  const element = document.querySelector(`#${name} > .html-container`);
  modules[`${name}/${name}.js`].start({ element, props, watch: () => {} });
}"""
# Stands where Gradio's page will, until the script of its last component has run. Gradio's is
# not shown before: what arrives in it would move the rest.
SKELETON = """<style>
  #skeleton { position: absolute; inset: 0 0 auto; cursor: progress }
  body:has(#about summary:not(:empty)) #skeleton { display: none }
  body:not(:has(#about summary:not(:empty))) gradio-app { visibility: hidden }
</style>
<div id="skeleton" aria-hidden="true" inert><template shadowrootmode="closed">
<style>%s
.hint { visibility: hidden }
.tools { opacity: 0.45 }
.fill { transform: translateX(-90%%) }
</style>%s</template></div>"""


def document(card: dict[str, Any], network: bytes) -> str:
    """The page as one HTML file that reads with `network`, asks nobody for anything, and says so.

    `card` is the network's config, `network` its file for browsers. What needs a server is
    left out.
    """
    page = build([], None, None)
    components = [block for block in page.blocks.values() if block.visible]
    props = {each.elem_id: {"label": "en", **each.props} for each in components}
    props["about"]["card"] = card
    translations = {"en": ENGLISH, "zh": CHINESE}
    script = "\n".join(
        [
            f"window.gradio_config = {_json({'i18n_translations': translations})};",
            f'window.embedded_network = "{base64.b64encode(network).decode()}";',
            join(modules()),
            START.replace("PROPS", _json(props)),
        ]
    )
    style = _style(components)
    policy = (
        f"default-src 'none'; connect-src 'none'; script-src {_source(script)}; "
        f"style-src {_source(style)}; img-src data:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{ENGLISH["title"]}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
{_body(components)}
<script type="module">{script}</script>
</html>
"""


def skeleton(language: str) -> str:
    """What stands in the page's first answer until Gradio has started: title, paper and bars.

    In a shadow tree, so that no selector takes it for the page.
    """
    components = [component(name) for name in ("heading", "sketchpad", "chart")]
    html = _body(components)
    bar = re.search("<template>(.*)</template>", html, re.DOTALL)[1]
    bar = bar.replace('percent">', 'percent">10.0 %')
    bars = [bar.replace('name">', f'name">{digit}') for digit in range(10)]
    html = re.sub('(class="bars"[^>]*>)', rf"\1{''.join(bars)}", html)
    words = {"en": ENGLISH, "zh": CHINESE}[language]
    html = re.sub(r'(data-text="(\w+)"[^>]*>)', lambda match: match[1] + words[match[2]], html)
    return SKELETON % (_style(components), html)


def _style(components: Sequence[gr.HTML]) -> str:
    """The style sheet of the page with `components`, each with its own nested in its name."""
    shared = [(FOLDER / name).read_text(encoding="utf-8") for name in ("reset.css", "page.css")]
    own = [f"#{each.elem_id} {{\n{each.css_template}\n}}" for each in components]
    css = "\n".join([*shared, *own])
    theme = settings()["theme"]
    used = {name for name in re.findall(r"var\(--([\w-]+)\)", css)}
    names = {name: name.replace("-", "_") for name in sorted(used)}
    names = {name: key for name, key in names.items() if hasattr(theme, key)}

    def variables(ending: str) -> str:
        values = {name: theme._get_computed_value(key + ending) for name, key in names.items()}
        each = "; ".join(f"--{name}: {value}" for name, value in values.items())
        return f":root, :host {{ {each} }}"

    dark = f"@media (prefers-color-scheme: dark) {{ {variables('_dark')} }}"
    return "\n".join([variables(""), dark, css])


def _body(components: Sequence[gr.HTML]) -> str:
    """The elements that Gradio makes for `components`, as far as the style sheet knows them."""
    inside = [
        f'<div id="{each.elem_id}"><div class="html-container">{each.html_template}</div></div>'
        for each in components
    ]
    return LAYOUT + "".join(inside) + "</div></main></div></div>"


def _json(value: Any) -> str:
    """`value` as JSON that ends no script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def _source(text: str) -> str:
    """How a content security policy names an inline script or style, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
