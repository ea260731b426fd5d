"""This project's own Gradio components: paper, chart, examples, insight, invitation, about.

All are `gr.HTML` with a template, a script and a style of their own. They meet in the
page and nowhere else, through DOM events: "prediction" from the paper to the chart and
to insight, "draw" from the examples to the paper, "details" from insight to the paper.
So bars move without a round trip through Gradio's own state.
"""

from ui.about import About
from ui.chart import Chart
from ui.examples import Examples
from ui.heading import Heading
from ui.insight import Insight
from ui.invitation import Invitation
from ui.sketchpad import Sketchpad
from ui.texts import I18N

__all__ = ["I18N", "About", "Chart", "Examples", "Heading", "Insight", "Invitation", "Sketchpad"]
