"""Examples: a row of drawings; the one that is clicked draws itself on the paper."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts

FOLDER = Path(__file__).parent
DRAWINGS = FOLDER / "drawings.jsonl"  # its "style" is a key of the page's texts


class Examples(gr.HTML):
    """A button for each drawing of drawings.jsonl; it sends the DOM event "draw"."""

    def __init__(self, **kwargs: Any) -> None:
        lines = DRAWINGS.read_text(encoding="utf-8").splitlines()
        super().__init__(drawings=[json.loads(line) for line in lines], **parts(FOLDER), **kwargs)
