// A thumbnail a drawing, which draws itself on the paper. On somebody's first visit one of them
// does so by itself and fades, unless a link brought them here or a class has a task for them.

import { addButton, addThumbnail, find } from "../core/dom.js";
import { oneOf, remember, remembered } from "../core/storage.js";
import { translate } from "../core/texts.js";
import { SIDE } from "../paper/paper.js";
import { demonstrate, replay } from "../paper/replay.js";

const VISITED = "visited"; // in localStorage
const SHOWN = 4; // the example of a first visit

/** @param {Page} page @param {Promise<void>} opened what was kept or linked is on the paper */
export function startExamples({ settings, paper }, opened) {
  const row = find("#examples .row");
  const { examples } = settings;
  for (const { strokes, style } of examples) {
    const button = addButton(row, "", () => replay(paper, strokes));
    button.dataset.label = button.dataset.title = style; // a key of the texts
    addThumbnail(button, strokes, [0, 0, SIDE, SIDE]);
  }
  translate(row);
  if (settings.class || !isFirstVisit()) return;
  opened.then(() => paper.isUntouched() && demonstrate(paper, examples[SHOWN].strokes));
}

// Without storage every visit would be the first.
function isFirstVisit() {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const isFirst = remembered(VISITED, oneOf("yes")) === null && remember(VISITED, "yes");
  return isFirst && !isStill && !location.hash;
}
