// Drawing and erasing with mouse, finger or pen.

const ERASER_STEP = 20;
const PALM_TIME = 2000; // milliseconds after a pen in which what touches is the hand that holds it

let penSeen = -Infinity; // when a pen was last near

function position(event) {
  const box = canvas.getBoundingClientRect();
  const place = (offset, length) =>
    Math.round(Math.min(Math.max((offset / length) * SIDE, 0), SIDE));
  return [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
}

function inkAt(event) {
  const feelsPressure = event.pointerType === "pen" && event.pressure > 0;
  const width = feelsPressure ? [Math.round(PEN_WIDTH * (0.5 + event.pressure))] : [];
  return [...position(event), ...width];
}

canvas.addEventListener("pointerdown", (event) => {
  const eraserEnd = event.button === 5;
  if ((event.button !== 0 && !eraserEnd) || event.ctrlKey) return; // a context menu comes
  if (event.pointerType === "touch" && event.timeStamp - penSeen < PALM_TIME) return;
  if (pointer?.type === "touch" && event.pointerType === "pen") takeBack(); // the palm was first
  if (pointer) return;
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = position(event);
  const erasing = eraserEnd || erase.ariaPressed === "true";
  const before = { sheet, past, future };
  pointer = { id: event.pointerId, type: event.pointerType, erasing, x, y, before };
  cursor.shown = false;
  if (erasing) eraseAt(x, y);
  else startStroke(inkAt(event));
});

for (const near of ["pointerdown", "pointermove", "pointerup"]) {
  canvas.addEventListener(near, (event) => {
    if (event.pointerType === "pen") penSeen = event.timeStamp;
  });
}

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer?.id) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length ? events : [event]) {
    if (pointer.erasing) eraseTo(...position(each));
    else addPoint(inkAt(each));
  }
});

function eraseTo(x, y) {
  const steps = Math.ceil(Math.hypot(x - pointer.x, y - pointer.y) / ERASER_STEP);
  for (let i = 1; i <= steps; i++) {
    eraseAt(pointer.x + ((x - pointer.x) * i) / steps, pointer.y + ((y - pointer.y) * i) / steps);
  }
  Object.assign(pointer, { x, y });
}

function liftPen(event) {
  if (event.pointerId !== pointer?.id) return;
  if (event.type === "pointercancel" && pointer.type === "touch") takeBack(); // the system saw a palm
  else endStroke();
}
for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(end, liftPen);
}
