"""Sketchpad: paper for one drawing, read while the pen moves.

Its value is the drawing, a list of strokes of [x, y] points, 1000 units to a
side of the paper. It does not know what the drawing means: it passes it to
`recognize` and the answer on to the page, as the DOM event "prediction".
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent


class Sketchpad(gr.HTML):
    """Paper with Undo and Clear; at most one request is under way, the last state is always sent.

    `recognize` takes a drawing and returns what JSON can carry: the `detail` of
    the "prediction" event, or {"error": sentence} for a drawing it refuses.
    """

    def __init__(self, recognize: Callable[[Any], dict[str, Any]], **kwargs: Any) -> None:
        def read_drawing(strokes: Any) -> dict[str, Any]:  # the name that sketchpad.js calls
            return recognize(strokes)

        super().__init__(
            value=[],
            html_template=(FOLDER / "sketchpad.html").read_text(encoding="utf-8"),
            css_template=(FOLDER / "sketchpad.css").read_text(encoding="utf-8"),
            js_on_load=(FOLDER / "sketchpad.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            server_functions=[read_drawing],
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """JSON schema of the value, in the form that gradio_client can turn into a Python type."""
        point = {"type": "array", "items": {"type": "number"}}
        return {"type": "array", "items": {"type": "array", "items": point}}

    def example_payload(self) -> list:
        return [[[400, 150], [520, 150], [420, 850]]]

    example_value = example_payload
