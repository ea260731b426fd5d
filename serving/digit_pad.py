"""DigitPad: the page's paper as a component of Gradio's, for an Interface or Blocks of one's own.

    gr.Interface(lambda drawing: drawing and drawing["probabilities"], DigitPad(), gr.Label())

It is gr.HTML with the page's own modules in it (ui/pad.js); a Recognizer reads what is drawn.
"""

import json
from typing import Any, ClassVar, TypedDict

import gradio as gr
from gradio.events import Events

from mnist_core import Recognizer
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from ui.document import FOLDER, script, section
from ui.texts import LANGUAGES

# Runs in the browser when the component appears; Gradio gives it element, props, trigger and watch.
# Gradio itself triggers "change" when the value changes.
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
POINTS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
STROKES = {
    "type": "array",
    "items": POINTS,
    "description": "strokes of points [x, y], y down, in any unit",
}


class Drawn(TypedDict):
    """What a function gets that has a DigitPad as its input."""

    strokes: list[list[list[float]]]
    number: str  # the digits from left to right
    probabilities: dict[str, float]  # of the ten digits; of several digits, {number: confidence}
    confidence: float
    verdict: str  # "sure", "unsure" or "no digit"


class DigitPad(gr.HTML):
    """A sketchpad for digits.

    A function that has it as its input gets a `Drawn`, or None while the paper is empty. One that
    has it as its output gives {"strokes": ...}, which are then on the paper, or None to clear it.
    The events are `input` (somebody draws, at most once a frame) and `change` (it is another
    drawing, whoever drew it). `recognizer` is the shipped network's by default.
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
            css_template=(FOLDER / "pad.css").read_text(encoding="utf-8"),
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
        return {"type": "object", "properties": {"strokes": STROKES}, "required": ["strokes"]}

    def example_payload(self) -> dict[str, Any]:
        return {"strokes": [[[30, 22], [70, 22], [45, 80]]]}  # a 7

    example_value = example_payload


def _strokes(value: Any) -> Any:
    """The strokes of a pad's value. Raises UserError where it is none."""
    if value is None:
        return []
    if not isinstance(value, dict) or "strokes" not in value:
        raise UserError('expected a drawing, {"strokes": [[[x, y], ...], ...]}')
    return value["strokes"]
