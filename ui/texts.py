"""Every word of the page, in English and Chinese, and the choice between them.

The words lie in texts.json, a key and its two languages a line. Gradio chooses by the browser's
language: the components get the name of the one that was chosen as their label,
`I18N("language")`, and look their words up in the tables that Gradio has put into the page
(texts.js).
"""

import json
from pathlib import Path

import gradio as gr

TEXTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
ENGLISH, CHINESE = ({key: words[i] for key, words in TEXTS.items()} for i in (0, 1))

I18N = gr.I18n(en=ENGLISH, zh=CHINESE)
