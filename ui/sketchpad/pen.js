// Drawing and erasing with mouse, finger or pen.

import { PEN_WIDTH, SIDE, addPoint, endStroke, eraseAt, lift, look } from "./state.js";
import { movePointer, setCursor, setPointer, startStroke, takeBack } from "./state.js";

const ERASER_STEP = 20;
const PALM_TIME = 2000; // milliseconds after a pen in which what touches is the hand that holds it

export function startPen(canvas) {
  let penSeen = -Infinity; // when a pen was last near
  canvas.addEventListener("pointerdown", (event) => {
    const isPalm = event.pointerType === "touch" && event.timeStamp - penSeen < PALM_TIME;
    if (!isPalm) press(event, canvas);
  });
  for (const near of ["pointerdown", "pointermove", "pointerup"]) {
    canvas.addEventListener(near, (event) => {
      if (event.pointerType === "pen") penSeen = event.timeStamp;
    });
  }
  canvas.addEventListener("pointermove", (event) => move(event, canvas));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, release);
  }
}

function press(event, canvas) {
  const eraserEnd = event.button === 5;
  if ((event.button !== 0 && !eraserEnd) || event.ctrlKey) return; // a context menu comes
  const palmWasFirst = look().pointer?.type === "touch" && event.pointerType === "pen";
  if (palmWasFirst) takeBack();
  if (look().pointer) return;
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = placeOf(event, canvas);
  const erasing = eraserEnd || look().erasing;
  setPointer({ id: event.pointerId, type: event.pointerType, erasing, x, y });
  setCursor({ shown: false });
  if (erasing) eraseAt(x, y);
  else startStroke(ink([x, y], event));
}

function move(event, canvas) {
  if (event.pointerId !== look().pointer?.id) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length ? events : [event]) {
    const place = placeOf(each, canvas);
    if (look().pointer.erasing) eraseTo(...place);
    else drawTo(place, each);
    movePointer(...place);
  }
}

function release(event) {
  if (event.pointerId !== look().pointer?.id) return;
  const isPalm = event.type === "pointercancel" && look().pointer.type === "touch";
  if (isPalm) takeBack();
  else lift();
}

// In the paper's units, also beside it.
function placeOf(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const place = (offset, length) => Math.round((offset / length) * SIDE);
  return [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
}

const isOnPaper = ([x, y]) => x >= 0 && x <= SIDE && y >= 0 && y <= SIDE;

// A stroke ends where it leaves the paper, and another begins where it comes back.
function drawTo(place, event) {
  const before = [look().pointer.x, look().pointer.y];
  if (isOnPaper(place)) {
    if (!look().stroke) startStroke(ink(edge(place, before), event));
    addPoint(ink(place, event));
  } else if (look().stroke) {
    addPoint(ink(edge(before, place), event));
    endStroke();
  }
}

// Where the way from a place on the paper to one beside it leaves the paper.
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

function eraseTo(x, y) {
  const from = look().pointer;
  const steps = Math.ceil(Math.hypot(x - from.x, y - from.y) / ERASER_STEP);
  for (let i = 1; i <= steps; i++) {
    eraseAt(from.x + ((x - from.x) * i) / steps, from.y + ((y - from.y) * i) / steps);
  }
}
