"""Chart: how sure the network is of each digit, ten bars in fixed order, and what that means.

It shows the page's "prediction" events, and a value set from Python:
{"probabilities": ten floats, "digit": 0..9, "runner_up": 0..9, "verdict": "sure",
"unsure" or "no digit"}; None is the state before a drawing.
"""

from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent

BAR = """
<div class="bar" role="meter" data-digit="{digit}" aria-label="{digit}"
     aria-valuemin="0" aria-valuemax="100" aria-valuenow="10.0">
  <span class="name">{digit}</span>
  <span class="track"><span class="fill"></span></span>
  <span class="percent"></span>
</div>
"""


class Chart(gr.HTML):
    """Ten bars, 0 to 9, the leading one highlighted, and the leading digit beside them."""

    def __init__(self, **kwargs: Any) -> None:
        template = (FOLDER / "chart.html").read_text(encoding="utf-8")
        bars = "".join(BAR.format(digit=digit) for digit in range(10))
        super().__init__(
            html_template=template.replace("<!-- bars -->", bars),
            css_template=(FOLDER / "chart.css").read_text(encoding="utf-8"),
            js_on_load=(FOLDER / "chart.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {}}

    def example_payload(self) -> dict[str, Any]:
        return {"probabilities": [0.1] * 10, "digit": 0, "runner_up": 1, "verdict": "unsure"}

    example_value = example_payload
