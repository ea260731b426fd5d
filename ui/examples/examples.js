// A thumbnail a drawing; a click sends its strokes to the paper as the event "draw". On somebody's
// first visit one of them draws itself and fades, unless a link brought them here.

import { addButton, addThumbnail, send } from "../elements.js";
import { SIDE } from "../sketchpad/state.js";
import { oneOf, remember, remembered } from "../storage.js";
import { translate } from "../texts.js";

const VISITED = "visited"; // in localStorage
const SHOWN = 4; // the example of a first visit

export function start({ element, props }) {
  const drawings = props.drawings.trim().split("\n").map((line) => JSON.parse(line));
  for (const { strokes, style } of drawings) {
    const show = () => send(element, "draw", strokes);
    const button = addButton(element.querySelector(".row"), "", show);
    button.dataset.label = button.dataset.title = style;
    addThumbnail(button, strokes, [0, 0, SIDE, SIDE]);
  }
  translate(element);
  if (isFirstVisit()) send(element, "demonstrate", drawings[SHOWN].strokes);
}

// Without storage every visit would be the first.
function isFirstVisit() {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const isFirst = remembered(VISITED, oneOf("yes")) === null && remember(VISITED, "yes");
  return isFirst && !isStill && !location.hash;
}
