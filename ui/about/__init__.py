"""About: what the model card says of the network that answers, and its confusion matrix."""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts


class About(gr.HTML):
    """A section that, opened, asks `door`, an address relative to the page, for the facts.

    They are a network's config as `mnist_core.weights.load` gives it, in JSON.
    """

    def __init__(self, door: str, **kwargs: Any) -> None:
        super().__init__(door=door, **parts(Path(__file__).parent), **kwargs)
