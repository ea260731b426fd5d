"""Invitation: the page's public address, as a QR code for phones; hidden until there is one."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts


class Invitation(gr.HTML):
    """A section that opens. It never shows what a client sent: only `show` fills it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(address="", code="", **parts(Path(__file__).parent), **kwargs)

    def show(self, address: str, code: str) -> None:
        """`code` is a picture's URL. Pages that are opened from now on show both."""
        self.props.update(address=address, code=code)
