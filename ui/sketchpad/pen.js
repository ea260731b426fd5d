// Drawing and erasing with mouse, finger or pen.

import { PEN_WIDTH, SIDE, addPoint, eraseAt, lift, look } from "./state.js";
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
  const [x, y] = position(event, canvas);
  const erasing = eraserEnd || look().erasing;
  setPointer({ id: event.pointerId, type: event.pointerType, erasing, x, y });
  setCursor({ shown: false });
  if (erasing) eraseAt(x, y);
  else startStroke(inkAt(event, canvas));
}

function move(event, canvas) {
  if (event.pointerId !== look().pointer?.id) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length ? events : [event]) {
    if (look().pointer.erasing) eraseTo(...position(each, canvas));
    else addPoint(inkAt(each, canvas));
  }
}

function release(event) {
  if (event.pointerId !== look().pointer?.id) return;
  const isPalm = event.type === "pointercancel" && look().pointer.type === "touch";
  if (isPalm) takeBack();
  else lift();
}

function position(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const place = (offset, length) =>
    Math.round(Math.min(Math.max((offset / length) * SIDE, 0), SIDE));
  return [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
}

function inkAt(event, canvas) {
  const feelsPressure = event.pointerType === "pen" && event.pressure > 0;
  const width = feelsPressure ? [Math.round(PEN_WIDTH * (0.5 + event.pressure))] : [];
  return [...position(event, canvas), ...width];
}

function eraseTo(x, y) {
  const from = look().pointer;
  const steps = Math.ceil(Math.hypot(x - from.x, y - from.y) / ERASER_STEP);
  for (let i = 1; i <= steps; i++) {
    eraseAt(from.x + ((x - from.x) * i) / steps, from.y + ((y - from.y) * i) / steps);
  }
  movePointer(x, y);
}
