"""Chart: how sure the network is of each digit, ten bars in fixed order, and what that means.

It shows the page's "prediction" events, and a value set from Python:
{"probabilities": ten floats, "digit": 0..9, "runner_up": 0..9, "verdict": "sure",
"unsure" or "no digit"}; None is the state before a drawing.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from ui.component import parts

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
        own = parts(Path(__file__).parent)
        bars = "".join(BAR.format(digit=digit) for digit in range(10))
        own["html_template"] = own["html_template"].replace("<!-- bars -->", bars)
        super().__init__(**own, **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {}}

    def example_payload(self) -> dict[str, Any]:
        return {"probabilities": [0.1] * 10, "digit": 0, "runner_up": 1, "verdict": "unsure"}

    example_value = example_payload
