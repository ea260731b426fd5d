// The paper: pen, keys and pictures in, "prediction" events out.
// Gradio runs this once, with `element`, `props`, `server`, `trigger` and `watch`.

const MIN_STEP = 3; // units of the paper; nearer points add nothing but bytes
const ERASER_STEP = 20;
const KEY_STEP = 25;
const FINE_KEY_STEP = 5;
const PALM_TIME = 2000; // milliseconds after a pen in which what touches is the hand that holds it
const REPLAY_TIME = 1000; // milliseconds for a drawing that draws itself
const MAX_PAST = 100; // steps that can be undone: a page stays open for days
const PICTURE_SIDE = 256; // pixels: what is looked at, and quick to send
const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 2000;
const TIMEOUT = 10000; // milliseconds until a request counts as failed

const EMPTY = { strokes: [], picture: null };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const canvas = element.querySelector("canvas");
const context = canvas.getContext("2d");
const hint = element.querySelector(".hint");
const notice = element.querySelector(".notice");
const [undo, redo, erase, clear, link] = ["undo", "redo", "erase", "clear", "link"].map((name) =>
  element.querySelector(`.${name}`),
);

// Sheets and the lists of them are replaced and never changed, but for the stroke being drawn.
let sheet = EMPTY; // what is on the paper: strokes, or a picture as {canvas, data}
let past = []; // sheets to go back to
let future = []; // and forward again
let stroke = null; // the one being drawn
let pointer = null; // that draws or erases: {id, type, erasing, x, y, before}
let cursor = { x: SIDE / 2, y: SIDE / 2, shown: false }; // of the keyboard
let penSeen = -Infinity; // when a pen was last near
let replaying = null; // the strokes that are drawing themselves

let revision = 0; // grows with every change of the sheet
let answered = 0; // the revision last answered
let oldest = 0; // answers to older revisions are not shown
let asking = false;
let details = false; // whether somebody on the page wants explanations
let trouble = false; // whether the notice is about the server
let frame; // the next painting

// The sheet ----------------------------------------------------------------

// Every step that can be undone begins here.
function remember() {
  finishReplay();
  past = [...past, sheet].slice(-MAX_PAST);
  future = [];
  if (!trouble) tell("");
}

// Another sheet takes the place of this one: answers still under way are about
// something that is no longer on the paper.
function replace(next) {
  sheet = next;
  pointer = stroke = null;
  oldest = revision + 1;
  if (!trouble) tell("");
  changed();
  publish();
}

// The same, as a step that can be undone.
function put(next) {
  remember();
  replace(next);
}

function goBack() {
  if (!past.length) return;
  finishReplay();
  const previous = past.at(-1);
  [past, future] = [past.slice(0, -1), [...future, sheet]];
  replace(previous);
}

function goForward() {
  if (!future.length) return;
  const next = future.at(-1);
  [past, future] = [[...past, sheet], future.slice(0, -1)];
  replace(next);
}

// What the pointer did goes, as if it had never been on the paper: it was a palm.
function takeBack() {
  const { before } = pointer;
  [past, future] = [before.past, before.future];
  replace(before.sheet);
}

function wipe() {
  if (replaying || !isEmpty()) put(EMPTY);
}

const isEmpty = () => sheet.strokes.length === 0 && !sheet.picture;

function startStroke(point) {
  remember();
  if (sheet.picture) oldest = revision + 1;
  stroke = [point];
  sheet = { strokes: [...sheet.strokes, stroke], picture: null };
  changed();
}

function addPoint(point) {
  const [x, y] = stroke.at(-1);
  if (Math.hypot(point[0] - x, point[1] - y) < MIN_STEP) return;
  stroke.push(point);
  changed();
}

function endStroke() {
  pointer = stroke = null;
  publish();
}

function eraseAt(x, y) {
  const strokes = sheet.strokes.filter((points) => !touches(context, points, x, y));
  if (strokes.length === sheet.strokes.length) return;
  remember();
  sheet = { strokes, picture: null };
  oldest = revision + 1;
  changed();
}

function changed() {
  revision += 1;
  hint.hidden = !isEmpty();
  undo.ariaDisabled = past.length === 0; // disabled in earnest they would lose the focus
  redo.ariaDisabled = future.length === 0;
  clear.ariaDisabled = isEmpty();
  link.ariaDisabled = erase.ariaDisabled = sheet.strokes.length === 0;
  if (sheet.strokes.length === 0) setEraser(false); // or a pen that leaves no ink would puzzle
  repaint();
  ask();
}

function repaint() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(paintSheet);
}

const paintSheet = () => paint(context, sheet, cursor.shown && cursor, stroke !== null);

const coordinates = () => sheet.strokes.map((points) => points.map(([x, y]) => [x, y]));

// Gradio's own copy of the value, for listeners and inputs, and the address; it costs a
// rendering of the template, so it is brought up to date between strokes.
function publish() {
  props.value = coordinates();
  trigger("input");
  updateAddress();
}

// Gives false where the drawing is too long for a link.
function updateAddress() {
  const link = sheet.strokes.length ? linkTo(sheet.strokes) : "";
  const fits = link.length <= MAX_LINK;
  const address = location.pathname + location.search + (fits ? link : "");
  try {
    history.replaceState(history.state, "", address);
  } catch {
    // Browsers refuse a hundred changes in half a minute; one of the next will do.
  }
  return fits;
}

watch("value", () => {
  const value = (props.value || []).map((points) => points.map((point) => point.map(Math.round)));
  if (JSON.stringify(value) !== JSON.stringify(coordinates())) put({ strokes: value, picture: null });
});

// Drawing with mouse, finger or pen ----------------------------------------

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

// Drawing with the keyboard -------------------------------------------------

const held = new Set(); // arrow keys: two make a slant

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) held.clear(); // their keyup may not come
  else if (event.key === " " || event.key in ARROWS) drawWithKey(event);
});

canvas.addEventListener("keyup", (event) => held.delete(event.key));

function drawWithKey(event) {
  event.preventDefault();
  if (pointer || (event.key === " " && event.repeat)) return;
  cursor.shown = true;
  if (event.key === " ") togglePen();
  else moveCursor(event);
  repaint();
}

function togglePen() {
  const { x, y } = cursor;
  if (erase.ariaPressed === "true") {
    eraseAt(x, y);
    publish();
  } else if (stroke) {
    endStroke();
    tell(text("pen_up"));
  } else {
    startStroke([x, y]);
    tell(text("pen_down"));
  }
}

function moveCursor(event) {
  held.add(event.key);
  const step = event.shiftKey ? FINE_KEY_STEP : KEY_STEP;
  for (const key of held) {
    cursor.x = Math.min(Math.max(cursor.x + step * ARROWS[key][0], 0), SIDE);
    cursor.y = Math.min(Math.max(cursor.y + step * ARROWS[key][1], 0), SIDE);
  }
  if (stroke) addPoint([cursor.x, cursor.y]);
}

canvas.addEventListener("blur", () => {
  held.clear();
  if (stroke && !pointer) togglePen();
  cursor.shown = false;
  repaint();
});

// Tools ----------------------------------------------------------------------

undo.addEventListener("click", goBack);
redo.addEventListener("click", goForward);
clear.addEventListener("click", wipe);
erase.addEventListener("click", () =>
  setEraser(erase.ariaPressed !== "true" && sheet.strokes.length > 0),
);

function setEraser(on) {
  erase.ariaPressed = String(on);
  canvas.classList.toggle("erasing", on);
}

const isTyping = (event) =>
  Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || isTyping(event)) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "z") (event.shiftKey ? goForward : goBack)();
  else if (!command && ["Escape", "Delete"].includes(event.key)) wipe();
  else return;
  event.preventDefault();
});

link.addEventListener("click", async () => {
  if (link.ariaDisabled === "true") return;
  if (!updateAddress()) return tell(text("link_too_long"));
  try {
    await navigator.clipboard.writeText(location.href);
    tell(text("link_copied"));
  } catch {
    tell(text("link_in_address"));
  }
});

// Drawings that draw themselves: examples, and the one in the address -------

document.addEventListener("draw", (event) => replay(event.detail));

async function replay(strokes) {
  put(EMPTY);
  const mine = (replaying = [...strokes]);
  const total = strokes.flat().length;
  const start = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (let shown = 0; shown < total; ) {
    const now = still ? start : await new Promise(requestAnimationFrame);
    if (mine !== replaying) return;
    shown = still ? total : Math.ceil((total * (now - start)) / REPLAY_TIME);
    sheet = { strokes: firstPoints(strokes, shown), picture: null };
    changed();
  }
  replaying = null;
  publish();
}

// What interrupts a replay finds the whole drawing.
function finishReplay() {
  if (replaying) sheet = { strokes: replaying, picture: null };
  replaying = null;
}

function firstPoints(strokes, count) {
  const first = [];
  for (const points of strokes) {
    if (count <= 0) break;
    first.push(points.slice(0, count));
    count -= points.length;
  }
  return first;
}

function openLink() {
  try {
    const strokes = linkedStrokes(location.hash);
    if (strokes) replay(strokes);
  } catch {
    tell(text("link_unreadable"));
  }
}
addEventListener("hashchange", openLink);

// Pictures -------------------------------------------------------------------

for (const [button, input] of [["picture", "choose"], ["camera", "photograph"]]) {
  const chooser = element.querySelector(`.${input}`);
  element.querySelector(`.${button}`).addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    usePicture(chooser.files[0]);
    chooser.value = ""; // the same file can be chosen again
  });
}

document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length && !isTyping(event)) usePicture(event.clipboardData.files[0]);
});

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault(); // or the browser would leave the page for the picture
  if (event.dataTransfer.files.length) usePicture(event.dataTransfer.files[0]);
});

// The browser decodes a picture: it knows more formats, turns photographs upright
// and sends a smaller one.
async function usePicture(file) {
  const before = past;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, PICTURE_SIDE / Math.max(bitmap.width, bitmap.height));
    const small = document.createElement("canvas");
    small.width = Math.max(1, Math.round(scale * bitmap.width));
    small.height = Math.max(1, Math.round(scale * bitmap.height));
    const paper = small.getContext("2d");
    paper.imageSmoothingQuality = "high";
    paper.drawImage(bitmap, 0, 0, small.width, small.height);
    bitmap.close();
    if (past !== before) return; // somebody went on drawing meanwhile
    put({ strokes: [], picture: { canvas: small, data: small.toDataURL("image/png") } });
  } catch {
    tell(text("not_a_picture"));
  }
}

// Asking ---------------------------------------------------------------------

document.addEventListener("details", (event) => {
  details = event.detail;
  if (details) {
    revision += 1;
    ask();
  }
});

function show(answer) {
  element.dispatchEvent(new CustomEvent("prediction", { bubbles: true, detail: answer }));
}

function tell(words, aboutServer = false) {
  trouble = aboutServer;
  if (notice.textContent !== words) notice.textContent = words; // else it is read out again
}

const wait = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

// One request at a time, and the last state always: the loop goes round until
// what was answered is what is on the paper.
async function ask() {
  if (isEmpty()) {
    answered = revision;
    if (trouble) tell("");
    show(null);
  }
  if (asking) return;
  asking = true;
  let delay = FIRST_RETRY;
  while (answered !== revision) {
    const asked = revision;
    const content = sheet.picture ? { picture: sheet.picture.data } : { strokes: coordinates() };
    const request = { ...content, details };
    const answer = await Promise.race([server.read_paper(request), wait(TIMEOUT)]);
    if (asked < oldest) continue;
    if (answer) {
      answered = asked;
      delay = FIRST_RETRY;
      if (answer.error) tell(text("refused", { reason: answer.error }), true);
      else if (trouble) tell("");
      show(answer.error ? null : { ...answer, details: request.details });
    } else {
      tell(text("no_answer"), true);
      await wait(delay);
      delay = Math.min(2 * delay, LAST_RETRY);
    }
  }
  asking = false;
}

// Ready ------------------------------------------------------------------------

new ResizeObserver(paintSheet).observe(canvas);

// The ink has the colour of the page's text, which changes with the system's theme.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

openLink();
