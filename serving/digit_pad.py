"""DigitPad: the page's sketchpad as a Gradio component.

    gr.Interface(lambda drawing: drawing and drawing["probabilities"], DigitPad(), gr.Label())

It is gr.HTML with the page's JavaScript (ui/pad.js) and a Recognizer.
"""

import json
from typing import Any, ClassVar, TypedDict

import gradio as gr
from gradio.events import Events

from mnist_core import Recognizer
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from serving.models import Drawing
from ui.document import script, section, style_sheet
from ui.texts import LANGUAGES

# Gradio runs this when the component appears, with element, props, trigger and watch, and itself
# triggers "change" when the value changes.
ON_LOAD = """
{modules}
let shown = "[]";
const put = modules["pad.js"].mountPad(element, {languages}, (strokes) => {{
  shown = JSON.stringify(strokes);
  props.value = {{ strokes }};
  trigger("input");
}});
const show = () => {{
  const strokes = props.value?.strokes ?? [];
  if (JSON.stringify(strokes) === shown) return;
  shown = JSON.stringify(strokes);
  put(strokes);
}};
watch("value", show);
show();
"""


class Drawn(TypedDict):
    """The value of a DigitPad for a function that has it as an input."""

    strokes: list[list[list[float]]]
    number: str  # the digits from left to right
    probabilities: dict[str, float]  # of the ten digits; of several digits, {number: confidence}
    confidence: float
    verdict: str  # "sure", "unsure" or "no digit"


class DigitPad(gr.HTML):
    """A sketchpad for digits.

    As an input it gives a `Drawn`, or None without strokes. As an output it takes {"strokes": ...},
    or None to clear it. Event `input` is triggered by the user, at most once a frame, `change` by
    every change of the value. `recognizer` has the network in use by default.
    """

    EVENTS: ClassVar = [Events.change, Events.input]

    def __init__(
        self,
        value: dict[str, Any] | None = None,
        *,
        label: str | None = None,
        recognizer: Recognizer | None = None,
        **settings: Any,
    ) -> None:
        self._recognizer = recognizer or Recognizer.load()
        languages = json.dumps(LANGUAGES, ensure_ascii=False)
        super().__init__(
            value,
            label=label,
            html_template=section("sketchpad") + '<p class="notice" role="status"></p>',
            css_template=style_sheet("paper.css") + style_sheet("pad.css"),
            js_on_load=ON_LOAD.format(modules=script("pad.js"), languages=languages),
            apply_default_css=False,
            **settings,
        )

    def preprocess(self, payload: dict[str, Any] | None) -> Drawn | None:
        try:
            strokes = [stroke.tolist() for stroke in parse_strokes(_strokes(payload))]
            number = self._recognizer.predict_number(strokes)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error
        if not number.digits:
            return None
        probabilities = {number.number: number.confidence}
        if len(number.digits) == 1:
            shares = number.digits[0].probabilities.tolist()
            probabilities = {str(digit): share for digit, share in enumerate(shares)}
        return Drawn(
            strokes=strokes,
            number=number.number,
            probabilities=probabilities,
            confidence=number.confidence,
            verdict=number.verdict,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        strokes = [stroke.tolist() for stroke in parse_strokes(_strokes(value))]
        return {"strokes": strokes} if strokes else None

    def api_info(self) -> dict[str, Any]:
        return Drawing.model_json_schema()

    def example_payload(self) -> dict[str, Any]:
        return {"strokes": [[[30, 22], [70, 22], [45, 80]]]}  # a 7

    example_value = example_payload


def _strokes(value: Any) -> Any:
    """Return the strokes of a pad's value. Raises UserError if it has none."""
    if value is None:
        return []
    if not isinstance(value, dict) or "strokes" not in value:
        raise UserError('expected a drawing, {"strokes": [[[x, y], ...], ...]}')
    return value["strokes"]
