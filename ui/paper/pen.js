// Drawing and erasing with mouse, finger or pen.

import { hush, tell } from "../core/notices.js";
import { PEN_WIDTH, SIDE } from "./paper.js";

const ERASER_STEP = 20;
const TAP = 12; // units of the paper that a tap may move
const PALM_TIME = 2000; // milliseconds after a pen in which what touches is the hand that holds it

// `number` says which digit of a number lies at a point, and chooses one by its place.
/**
 * @param {HTMLCanvasElement} canvas @param {Paper} paper @param {Observable} notices
 * @param {{digitAt: (point: Point) => number | null, choose: (place: number) => void}} number
 */
export function startPen(canvas, paper, notices, number) {
  let penSeen = -Infinity; // when a pen was last near
  canvas.addEventListener("pointerdown", (event) => {
    const isPalm = event.pointerType === "touch" && event.timeStamp - penSeen < PALM_TIME;
    if (!isPalm) press(event, canvas, paper, number);
  });
  for (const near of ["pointerdown", "pointermove", "pointerup"]) {
    canvas.addEventListener(near, (/** @type {any} */ event) => {
      if (event.pointerType === "pen") penSeen = event.timeStamp;
    });
  }
  canvas.addEventListener("pointermove", (event) => move(event, canvas, paper));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, (event) => release(event, paper, notices, number));
  }
}

function press(event, canvas, paper, number) {
  const eraserEnd = event.button === 5;
  if ((event.button !== 0 && !eraserEnd) || event.ctrlKey) return; // a context menu comes
  const palmWasFirst = paper.get().pointer?.type === "touch" && event.pointerType === "pen";
  if (palmWasFirst) paper.takeBack();
  if (paper.get().pointer) return;
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = placeOf(event, canvas);
  const erasing = eraserEnd || paper.get().erasing;
  const tapped = erasing ? null : number.digitAt([x, y]); // until it moves, it is no stroke
  paper.setPointer({ id: event.pointerId, type: event.pointerType, erasing, tapped, x, y });
  paper.setCursor({ shown: false });
  if (erasing) erase(paper, x, y);
  else if (tapped === null) paper.startStroke(ink([x, y], event));
}

function move(event, canvas, paper) {
  if (event.pointerId !== paper.get().pointer?.id) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length ? events : [event]) {
    const [x, y] = placeOf(each, canvas);
    const { erasing, tapped, x: fromX, y: fromY } = paper.get().pointer;
    if (tapped !== null && Math.hypot(x - fromX, y - fromY) < TAP) continue;
    if (erasing) eraseTo(paper, x, y);
    else drawTo(paper, [x, y], each);
    paper.movePointer({ x, y, tapped: null });
  }
}

function release(event, paper, notices, number) {
  const { pointer } = paper.get();
  if (event.pointerId !== pointer?.id) return;
  const isPalm = event.type === "pointercancel" && pointer.type === "touch";
  if (isPalm) return paper.takeBack();
  paper.lift();
  if (event.type === "pointerup" && pointer.tapped !== null) number.choose(pointer.tapped);
  if (pointer.erasing && !pointer.hasErased && paper.get().erasing) tell(notices, "eraser_on");
  else if (pointer.erasing) hush(notices, false);
}

// In the paper's units, also beside it.
function placeOf(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const place = (offset, length) => Math.round((offset / length) * SIDE);
  return [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
}

/** @param {Point} place */
const isOnPaper = ([x, y]) => x >= 0 && x <= SIDE && y >= 0 && y <= SIDE;

// A stroke ends where it leaves the paper, and another begins where it comes back.
function drawTo(paper, place, event) {
  const before = [paper.get().pointer.x, paper.get().pointer.y];
  if (isOnPaper(place)) {
    const start = () => (isOnPaper(before) ? before : edge(place, before));
    if (!paper.get().stroke) paper.startStroke(ink(start(), event));
    paper.addPoint(ink(place, event));
  } else if (paper.get().stroke) {
    paper.addPoint(ink(edge(before, place), event));
    paper.endStroke();
  }
}

// Where the way from a place on the paper to one beside it leaves the paper.
/** @param {number[]} inside @param {number[]} outside */
function edge([x, y], [outX, outY]) {
  const part = (from, to) => {
    if (to < 0) return from / (from - to);
    return to > SIDE ? (SIDE - from) / (to - from) : 1;
  };
  const share = Math.min(part(x, outX), part(y, outY));
  return [Math.round(x + share * (outX - x)), Math.round(y + share * (outY - y))];
}

function ink(place, { pointerType, pressure }) {
  const feelsPressure = pointerType === "pen" && pressure > 0;
  return [...place, ...(feelsPressure ? [Math.round(PEN_WIDTH * (0.5 + pressure))] : [])];
}

function eraseTo(paper, x, y) {
  const from = paper.get().pointer;
  const steps = Math.ceil(Math.hypot(x - from.x, y - from.y) / ERASER_STEP);
  for (let i = 1; i <= steps; i++) {
    erase(paper, from.x + ((x - from.x) * i) / steps, from.y + ((y - from.y) * i) / steps);
  }
}

function erase(paper, x, y) {
  if (paper.eraseAt(x, y)) paper.movePointer({ hasErased: true });
}
