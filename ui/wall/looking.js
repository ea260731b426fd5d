// A drawing, large: what one line would make of it, and buttons to hide and remove it.

import { addPolyline, find, setText } from "../core/dom.js";
import { text } from "../core/texts.js";
import { bestChange, findChanges } from "../recognizer/changes.js";
import { readingOf } from "../recognizer/classroom.js";
import { inSlices } from "../session/slices.js";
import { sentenceOf } from "../views/ghost.js";
import { addDrawing } from "./cards.js";

// Of one that is read wrong, what would make it right.
/** @param {OnWall} drawing @param {Network} network */
export async function look({ id, label, strokes, answer }, network) {
  const [dialog, picture] = [find("dialog"), find("dialog .picture")];
  picture.replaceChildren();
  const svg = addDrawing(picture, strokes);
  const read = readingOf(answer);
  find(".badge", picture).textContent = read ?? "?";
  picture.classList.toggle("wrong", read !== label);
  dialog.dataset.id = String(id);
  setText(find("dialog p"), text("wall_looking"));
  dialog.showModal();
  const isWanted = () => dialog.open && dialog.dataset.id === String(id);
  // Of 100 strokes, or to the limit of coordinates, no line more can be read.
  const found = await inSlices(findChanges(network, strokes), isWanted).catch(() => []);
  if (!found) return;
  const change = read === label ? bestChange(found, answer) : found[label];
  setText(find("dialog p"), sentenceOf(change) || text("no_change", { digit: label }));
  for (const line of change?.line ? [change.line] : (change?.removed ?? [])) {
    addPolyline(svg, line).classList.add("ghost");
  }
}
