"""Every word of the page, in English and Chinese, and the choice between them.

The words lie in texts.json, a key and its two languages a line; document.py puts both tables into
the page, where texts.js looks words up.
"""

import json
from pathlib import Path

TEXTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
ENGLISH, CHINESE = ({key: words[i] for key, words in TEXTS.items()} for i in (0, 1))
LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
