// The paper: pointer events in, strokes and "prediction" events out.
// Gradio runs this once, with `element`, `props`, `server`, `trigger` and `watch`.

const SIDE = 1000; // units to a side of the paper, whatever its size on the screen
const PEN_WIDTH = 55; // in those units, as shown: what the network sees is drawn anew
const MIN_STEP = 3; // units; nearer points add nothing but bytes
const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 2000;
const TIMEOUT = 10000; // milliseconds until a request counts as failed

const canvas = element.querySelector("canvas");
const hint = element.querySelector(".hint");
const undo = element.querySelector(".undo");
const clear = element.querySelector(".clear");
const notice = element.querySelector(".notice");
const context = canvas.getContext("2d");

let strokes = [];
let stroke = null; // the one being drawn
let pointer = null; // that draws it: {id, type}
let revision = 0; // grows with every change of the drawing
let answered = 0; // the revision last answered
let oldest = 0; // answers to older revisions are not shown
let asking = false;
let frame; // the next painting

// Drawing ------------------------------------------------------------------

function position(event) {
  const box = canvas.getBoundingClientRect();
  const place = (offset, length) =>
    Math.round(Math.min(Math.max((offset / length) * SIDE, 0), SIDE));
  return [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
}

function addPoint(event) {
  const [x, y] = position(event);
  const last = stroke.at(-1);
  if (last && Math.hypot(x - last[0], y - last[1]) < MIN_STEP) return;
  stroke.push([x, y]);
  changed();
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  // The palm often lands before the pen: what it drew goes.
  if (pointer?.type === "touch" && event.pointerType === "pen") replace(strokes.slice(0, -1));
  if (pointer) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  pointer = { id: event.pointerId, type: event.pointerType };
  stroke = [];
  strokes.push(stroke);
  addPoint(event);
});

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer?.id) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length ? events : [event]) addPoint(each);
});

function liftPen(event) {
  if (event.pointerId !== pointer?.id) return;
  pointer = stroke = null;
  publish();
}
canvas.addEventListener("pointerup", liftPen);
canvas.addEventListener("pointercancel", liftPen);

undo.addEventListener("click", () => replace(strokes.slice(0, -1)));
clear.addEventListener("click", () => replace([]));

// Another drawing takes the place of this one: answers still under way are about
// something that is no longer on the paper.
function replace(drawing) {
  strokes = drawing;
  pointer = stroke = null;
  oldest = revision + 1;
  changed();
  publish();
}

function changed() {
  revision += 1;
  hint.hidden = strokes.length > 0;
  undo.ariaDisabled = clear.ariaDisabled = strokes.length === 0; // they keep the focus
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(paint);
  ask();
}

// Gradio's own copy of the value, for listeners and inputs; it costs a rendering
// of the template, so it is brought up to date between strokes, not while one is drawn.
function publish() {
  props.value = structuredClone(strokes);
  trigger("input");
}

watch("value", () => {
  if (JSON.stringify(props.value) !== JSON.stringify(strokes)) replace(props.value || []);
});

// Painting -----------------------------------------------------------------

function paint() {
  const scale = canvas.width / SIDE;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, SIDE, SIDE);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = PEN_WIDTH;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    context.beginPath();
    context.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      const [x, y] = points[i];
      const [nextX, nextY] = points[i + 1];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    const [lastX, lastY] = points.at(-1);
    context.lineTo(lastX + 0.01, lastY); // a hair's breadth on, or a single point is no line
    context.stroke();
  }
}

new ResizeObserver(() => {
  canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio);
  paint();
}).observe(canvas);

// The ink has the colour of the page's text, which changes with the system's theme.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  requestAnimationFrame(paint),
);

// Asking -------------------------------------------------------------------

function show(answer) {
  element.dispatchEvent(new CustomEvent("prediction", { bubbles: true, detail: answer }));
}

function tell(text) {
  if (notice.textContent !== text) notice.textContent = text; // else it would be read out again
}

const wait = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

// One request at a time, and the last state always: the loop goes round until
// what was answered is what is on the paper.
async function ask() {
  if (strokes.length === 0) {
    answered = revision;
    tell("");
    show(null);
  }
  if (asking) return;
  asking = true;
  let delay = FIRST_RETRY;
  while (answered !== revision) {
    const asked = revision;
    const answer = await Promise.race([server.read_drawing(strokes), wait(TIMEOUT)]);
    if (asked < oldest) continue;
    if (answer) {
      answered = asked;
      delay = FIRST_RETRY;
      tell(answer.error ?? "");
      show(answer.error ? null : answer);
    } else {
      tell("No answer from the server. Your drawing is kept; trying again.");
      await wait(delay);
      delay = Math.min(2 * delay, LAST_RETRY);
    }
  }
  asking = false;
}
