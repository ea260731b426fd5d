// Cropping a picture that is not read for certain: after a press on the button, a drag over the
// paper chooses what is kept. Undo brings the rest back.

import { find } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { SIDE } from "../paper/paper.js";
import { boxInPicture, cropPicture } from "../paper/pictures.js";

/** @param {Page} page */
export function startCrop({ session, paper }) {
  const [button, area, frame] = [find(".crop"), find(".crop-area"), find(".crop-area div")];
  const arm = (isArmed) => {
    area.hidden = !isArmed;
    frame.hidden = true;
    button.ariaPressed = isArmed;
  };
  watch([session], () => {
    const { prediction, drawing } = session.get();
    const verdict = prediction?.number?.verdict ?? prediction?.verdict;
    const isRead = verdict === "sure" && !prediction.advice?.length;
    button.hidden = !drawing.picture || !prediction || isRead;
    if (!drawing.picture) arm(false);
  });
  button.addEventListener("click", () => arm(area.hidden));
  let start = null;
  area.addEventListener("pointerdown", (event) => {
    start = placeOf(event, area);
    area.setPointerCapture(event.pointerId);
  });
  area.addEventListener("pointermove", (event) => {
    if (start) show(frame, boxBetween(start, placeOf(event, area)));
  });
  area.addEventListener("pointerup", (event) => {
    const { picture } = paper.get().sheet;
    const box = boxBetween(start, placeOf(event, area));
    start = null;
    arm(false);
    if (picture) cropPicture(paper, boxInPicture(picture.canvas, box));
  });
  area.addEventListener("pointercancel", () => {
    start = null;
    arm(false);
  });
}

// In units of the paper.
function placeOf(event, area) {
  const { left, top, width, height } = area.getBoundingClientRect();
  return [((event.clientX - left) / width) * SIDE, ((event.clientY - top) / height) * SIDE];
}

/** @param {Point} start @param {Point} end @returns {Box} */
function boxBetween([x, y], [endX, endY]) {
  return [Math.min(x, endX), Math.min(y, endY), Math.max(x, endX), Math.max(y, endY)];
}

function show(frame, [left, top, right, bottom]) {
  const percent = (length) => `${(100 * length) / SIDE}%`;
  frame.hidden = false;
  Object.assign(frame.style, {
    left: percent(left),
    top: percent(top),
    width: percent(right - left),
    height: percent(bottom - top),
  });
}
