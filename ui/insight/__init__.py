"""Insight: what the network saw, why it chose as it did, and what simple shrinking would give.

It shows the page's "prediction" events. While it is on the screen it asks for the
explanations that they then carry, with the DOM event "details".
"""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts


class Insight(gr.HTML):
    """Three pictures of 28 x 28 pixels: the input, the reasons and the simple way."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**parts(Path(__file__).parent), **kwargs)
