"""Every word of the page, in English and Chinese, and the choice between them.

The words lie in texts.json, a key and its two languages a line. Gradio puts both tables into the
page, where the components look their words up (texts.js).
"""

import json
from pathlib import Path

import gradio as gr

TEXTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
ENGLISH, CHINESE = ({key: words[i] for key, words in TEXTS.items()} for i in (0, 1))
LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
I18N = gr.I18n(**LANGUAGES)
