"""Examples: a row of drawings; the one that is clicked draws itself on the paper."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts

FOLDER = Path(__file__).parent
DRAWINGS = FOLDER / "drawings.jsonl"  # its "style" is a key of the page's texts


class Examples(gr.HTML):
    """A button for each drawing of drawings.jsonl; it sends the DOM event "draw"."""

    def __init__(self, **kwargs: Any) -> None:
        # As text: of a nested value Gradio makes a proxy for each point, which takes time.
        drawings = DRAWINGS.read_text(encoding="utf-8")
        super().__init__(drawings=drawings, **parts(FOLDER), **kwargs)
