// A thumbnail a drawing; a click sends its strokes to the paper as the event "draw".

import { addButton, addThumbnail, send } from "../elements.js";
import { SIDE } from "../sketchpad/state.js";
import { translate } from "../texts.js";

export function start({ element, props }) {
  for (const line of props.drawings.trim().split("\n")) {
    addExample(element.querySelector(".row"), JSON.parse(line));
  }
  translate(element);
}

function addExample(row, { strokes, style }) {
  const button = addButton(row, "", () => send(row, "draw", strokes));
  button.dataset.label = button.dataset.title = style;
  addThumbnail(button, strokes, [0, 0, SIDE, SIDE]);
}
