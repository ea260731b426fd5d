// What is on the paper, what was before and comes after it, and who draws: changed by these
// functions alone, which know no page. Who wants to hear of it says so with `on`.

// The paper's own units, whatever its size on the screen; recognizer/framing.js has them too.
export const SIDE = 1000;
export const PEN_WIDTH = 55; // as shown: what the network sees is drawn anew

const MIN_STEP = 3; // units of the paper; nearer points add nothing but bytes
const MAX_PAST = 100; // steps that can be undone: a page stays open for days
const EMPTY = { strokes: [], picture: null };

// Sheets and the lists of them are replaced and never changed, but for the stroke being drawn.
const state = {
  sheet: EMPTY, // what is on the paper: strokes, or a picture as {canvas, data}
  past: [], // sheets to go back to
  future: [], // and forward again
  stroke: null, // the one being drawn: points [x, y], or [x, y, width] from a pen that is pressed
  pointer: null, // that draws or erases: {id, type, erasing, x, y, before}
  replayed: null, // strokes that are drawing themselves
  isDemo: false, // a demonstration is on the paper: nobody's drawing, gone at the first action
  opacity: 1, // of the ink: less while a demonstration fades
  erasing: false,
  cursor: { x: SIDE / 2, y: SIDE / 2, shown: false }, // of the keyboard
  origin: 0, // another number where a sheet did not grow out of the one before
};

// "change": something else is on the paper; "look": only the cursor is elsewhere, the eraser is on
// or off, or the ink fades; "step": something begins that can be undone; "rest": it is complete.
const events = new EventTarget();
const announce = (event) => events.dispatchEvent(new Event(event));

export const on = (event, listener) => events.addEventListener(event, listener);
export const look = () => ({ ...state });
export const isEmpty = () => state.sheet.strokes.length === 0 && !state.sheet.picture;
// Nobody has done anything yet, and no drawing was opened.
export const isUntouched = () => !state.past.length && !state.future.length && !state.pointer;

function show(sheet, isUnrelated = false) {
  state.sheet = sheet;
  if (isUnrelated) state.origin += 1;
  if (sheet.strokes.length === 0) state.erasing = false; // or a pen without ink would puzzle
  announce("change");
}

// Whatever somebody does finds the whole of a drawing that draws itself, and no demonstration.
function interrupt() {
  endDemo();
  const strokes = state.replayed;
  state.replayed = null;
  if (strokes) show({ strokes, picture: null });
}

// Every step that can be undone begins here.
function remember() {
  interrupt();
  state.past = [...state.past, state.sheet].slice(-MAX_PAST);
  state.future = [];
  announce("step");
}

function replace(sheet) {
  state.pointer = state.stroke = null;
  announce("step");
  show(sheet, true);
  announce("rest");
}

export function put(sheet) {
  remember();
  replace(sheet);
}

export function wipe() {
  if (state.isDemo) endDemo();
  else if (state.replayed || !isEmpty()) put(EMPTY);
}

export const goBack = () => go("past", "future");
export const goForward = () => go("future", "past");

function go(from, to) {
  if (!state[from].length) return;
  interrupt();
  const sheet = state[from].at(-1);
  state[from] = state[from].slice(0, -1);
  state[to] = [...state[to], state.sheet];
  replace(sheet);
}

export function startStroke(point) {
  remember();
  state.stroke = [point];
  const { strokes, picture } = state.sheet;
  show({ strokes: [...strokes, state.stroke], picture: null }, Boolean(picture));
}

export function addPoint(point) {
  const [x, y] = state.stroke.at(-1);
  if (Math.hypot(point[0] - x, point[1] - y) < MIN_STEP) return;
  state.stroke.push(point);
  show(state.sheet);
}

// The pen goes on, but draws no longer.
export const endStroke = () => (state.stroke = null);

// The pen or the eraser is lifted.
export function lift() {
  state.pointer = state.stroke = null;
  announce("rest");
  announce("look");
}

export function setPointer(pointer) {
  interrupt(); // before the sheet is noted down: a palm brings back what was noted
  const { sheet, past, future } = state;
  state.pointer = { ...pointer, before: { sheet, past, future } };
}

export const movePointer = (x, y) => Object.assign(state.pointer, { x, y });

// What the pointer did goes, as if it had never been on the paper: it was a palm.
export function takeBack() {
  const { sheet, ...steps } = state.pointer.before;
  Object.assign(state, steps);
  replace(sheet);
}

export function setErasing(wanted) {
  state.erasing = wanted && state.sheet.strokes.length > 0 && !state.isDemo;
  announce("look");
}

export function eraseAt(x, y) {
  interrupt();
  const { strokes } = state.sheet;
  const left = strokes.filter((points) => !touches(points, x, y));
  if (left.length === strokes.length) return;
  remember();
  show({ strokes: left, picture: null }, true);
}

// Whether an eraser twice as wide as the pen, at (x, y), meets the stroke.
function touches(points, x, y) {
  return points.some(([endX, endY], i) => {
    const [startX, startY] = points[Math.max(i - 1, 0)];
    const [dx, dy] = [endX - startX, endY - startY];
    const along = ((x - startX) * dx + (y - startY) * dy) / (dx * dx + dy * dy || 1);
    const part = Math.min(Math.max(along, 0), 1);
    return Math.hypot(x - startX - part * dx, y - startY - part * dy) <= PEN_WIDTH;
  });
}

export function setCursor(place) {
  state.cursor = { ...state.cursor, ...place };
  announce("look");
}

// The paper is at "rest" once the drawing is complete: until then the address keeps its link.
export function startReplay(strokes, isDemo) {
  if (!isDemo) remember();
  Object.assign(state, { replayed: strokes, isDemo, pointer: null, stroke: null });
  show(EMPTY, true);
}

export const showReplayed = (strokes) => show({ strokes, picture: null });

export function endReplay() {
  state.replayed = null;
  announce("rest");
}

export function fadeDemo(opacity) {
  state.opacity = opacity;
  announce("look");
}

// The demonstration leaves nothing behind, not even a step that could be undone.
export function endDemo() {
  if (!state.isDemo) return;
  Object.assign(state, { isDemo: false, replayed: null, opacity: 1 });
  show(EMPTY, true);
}
