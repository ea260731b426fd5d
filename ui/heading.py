"""Heading: the page's title, in the reader's language."""

from typing import Any

import gradio as gr

from ui.component import TEXTS_SCRIPT
from ui.texts import I18N


class Heading(gr.HTML):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            html_template='<h1 data-text="title"></h1>',
            js_on_load=TEXTS_SCRIPT.read_text(encoding="utf-8"),
            apply_default_css=False,
            label=I18N("language"),
            **kwargs,
        )
