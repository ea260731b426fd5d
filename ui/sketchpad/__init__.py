"""Sketchpad: paper for one drawing or picture, read while the pen moves.

Its value is the drawing, a list of strokes of [x, y] points, SIDE units to a side
of the paper. It does not know what that means: it sends it to the server and passes
the answer on to the page, as the DOM event "prediction".
"""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts

SIDE = 1000
PEN_WIDTH = 55  # as it is shown, in the same units

SCRIPTS = (
    "permalink.js",
    "painting.js",
    "sheet.js",
    "pen.js",
    "keyboard.js",
    "tools.js",
    "replay.js",
    "pictures.js",
    "asking.js",
    "renewal.js",
)


class Sketchpad(gr.HTML):
    """Paper and its tools; at most one request is under way, the last state is always sent.

    To `door`, an address relative to the page, it posts {"strokes": ...} or {"picture":
    data URL}, with "details": true when the page shows explanations. What comes back is
    the `detail` of the "prediction" event, or HTTP 4xx with {"error": sentence} for what is
    refused. Where the answer's "page-version" header is not `version`, the page asks to be
    loaded again. A DOM event "draw" with strokes as its `detail` makes the paper draw them.
    """

    def __init__(self, door: str, version: str, **kwargs: Any) -> None:
        super().__init__(
            value=[],
            side=SIDE,
            pen_width=PEN_WIDTH,
            door=door,
            version=version,
            **parts(Path(__file__).parent, *SCRIPTS),
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        """JSON schema of the value, in the form that gradio_client can turn into a Python type."""
        point = {"type": "array", "items": {"type": "number"}}
        return {"type": "array", "items": {"type": "array", "items": point}}

    def example_payload(self) -> list:
        return [[[400, 150], [520, 150], [420, 850]]]

    example_value = example_payload
