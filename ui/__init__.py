"""This project's own Gradio components: paper, chart, examples, insight, teaching and more.

All are `gr.HTML` with a template, a script and a style of their own. They meet in the
page and nowhere else, through DOM events: "prediction" from the paper to the chart, to
insight and to teaching, "draw" from the examples to the paper, "details" from insight to
the paper.
So bars move without a round trip through Gradio's own state.
"""

from ui.about import About
from ui.chart import Chart
from ui.examples import Examples
from ui.heading import Heading
from ui.insight import Insight
from ui.invitation import Invitation
from ui.sketchpad import Sketchpad
from ui.teaching import Teaching
from ui.texts import I18N

__all__ = [
    "I18N",
    "About",
    "Chart",
    "Examples",
    "Heading",
    "Insight",
    "Invitation",
    "Sketchpad",
    "Teaching",
]
