"""Teaching: say which digit it was, see and remove what this browser gave, compare networks."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts


class Teaching(gr.HTML):
    """Buttons and digit keys for what is on the paper; nothing is kept before a person agrees.

    It shows the page's "prediction" events. To `door`, an address relative to the page, it
    posts {"strokes": ..., "label": 0 to 9}; there it also asks for what this browser gave,
    by a random token in its storage, and deletes it.
    """

    def __init__(self, door: str, **kwargs: Any) -> None:
        folder = Path(__file__).parent
        super().__init__(door=door, **parts(folder, "giving.js", "given.js"), **kwargs)
