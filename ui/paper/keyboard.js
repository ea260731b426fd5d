// Keys: those for all of the page, and those that draw on the paper, where arrow keys move a cursor
// and Space puts the pen down and lifts it.

import { isTyping } from "../core/dom.js";
import { tell } from "../core/notices.js";
import { SIDE } from "./paper.js";

const STEP = 25;
const FINE_STEP = 5;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// In `area` Ctrl+Z, Ctrl+Y, Escape and Delete are this paper's.
/** @param {HTMLCanvasElement} canvas @param {Paper} paper @param {EventTarget} area */
export function startKeyboard(canvas, paper, notices, area = document) {
  const held = new Set(); // arrow keys: two make a slant
  area.addEventListener("keydown", (event) => useKey(event, canvas, paper));
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return held.clear(); // no keyup may come
    if (event.key !== " " && !(event.key in ARROWS)) return;
    event.preventDefault();
    if (paper.get().pointer || (event.key === " " && event.repeat)) return;
    paper.setCursor({ shown: true });
    if (event.key === " ") return togglePen(paper, notices);
    held.add(event.key);
    moveCursor(paper, held, event.shiftKey ? FINE_STEP : STEP);
  });
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("blur", () => {
    held.clear();
    if (paper.get().stroke && !paper.get().pointer) togglePen(paper, notices);
    paper.setCursor({ shown: false });
  });
}

function useKey(event, canvas, paper) {
  if (event.defaultPrevented || isTyping(event)) return;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  const isOnPaper = [canvas, document.body].includes(event.target);
  if (command && key === "z") event.shiftKey ? paper.redo() : paper.undo();
  else if (command && key === "y") paper.redo();
  else if (!command && event.key === "Escape") paper.clear();
  else if (!command && event.key === "Delete" && isOnPaper) paper.clear();
  else return;
  event.preventDefault();
}

function togglePen(paper, notices) {
  const { cursor, erasing, stroke } = paper.get();
  if (erasing) {
    if (!paper.eraseAt(cursor.x, cursor.y)) tell(notices, "eraser_on");
    paper.lift();
  } else if (stroke) {
    paper.lift();
    tell(notices, "pen_up");
  } else {
    paper.startStroke([cursor.x, cursor.y]);
    tell(notices, "pen_down");
  }
}

function moveCursor(paper, held, step) {
  let { x, y } = paper.get().cursor;
  for (const key of held) {
    x = Math.min(Math.max(x + step * ARROWS[key][0], 0), SIDE);
    y = Math.min(Math.max(y + step * ARROWS[key][1], 0), SIDE);
  }
  paper.setCursor({ x, y });
  if (paper.get().stroke) paper.addPoint([x, y]);
}
