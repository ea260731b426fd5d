"""About: what the model card says of the network that answers, and its confusion matrix."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts


class About(gr.HTML):
    """A section that opens: the facts of `config`, as `mnist_core.weights.load` gives it."""

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(network=json.dumps(config), **parts(Path(__file__).parent), **kwargs)
