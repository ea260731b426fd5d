// A thumbnail a drawing, which draws itself on the paper. On somebody's first visit one of them does
// so by itself, until the paper is touched.

import { addButton, addThumbnail, find } from "../core/dom.js";
import { remember, remembered } from "../core/storage.js";
import { SIDE } from "../paper/paper.js";
import { replay } from "../paper/replay.js";

const VISITED = "visited"; // in localStorage
const SHOWN = 4; // the example of a first visit

/**
 * @param {Settings["examples"]} examples
 * @param {import("../paper/paper.js").Paper} paper
 */
export function startExamples(examples, paper) {
  const row = find("#examples .row");
  for (const { strokes, style } of examples) {
    const button = addButton(row, "", () => replay(paper, strokes));
    button.dataset.label = button.dataset.title = style; // a key of the texts
    addThumbnail(button, strokes, [0, 0, SIDE, SIDE]);
  }
  if (isFirstVisit() && paper.isEmpty()) replay(paper, examples[SHOWN].strokes, true);
}

// Without storage every visit would be the first.
function isFirstVisit() {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const isFirst = remembered(VISITED) === null && remember(VISITED, "yes");
  return isFirst && !isStill && !location.hash;
}
