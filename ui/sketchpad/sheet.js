// The sheet on the paper, the ones before and after it, and what changes them.

const MIN_STEP = 3; // units of the paper; nearer points add nothing but bytes
const MAX_PAST = 100; // steps that can be undone: a page stays open for days
const EMPTY = { strokes: [], picture: null };

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

let revision = 0; // grows with every change of the sheet
let oldest = 0; // answers to older revisions are not shown
let frame; // the next painting

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
