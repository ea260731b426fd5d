"""This project's own Gradio components: paper to draw on and a chart of ten bars.

Both are `gr.HTML` with a template, a script and a style of their own. They meet
in the page and nowhere else: the paper sends a DOM event "prediction", the chart
listens for it, so bars move without a round trip through Gradio's own state.
"""

from ui.chart import Chart
from ui.sketchpad import Sketchpad

__all__ = ["Chart", "Sketchpad"]
