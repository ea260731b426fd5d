// What is on the paper, what was before and comes after it, and who draws. It changes by these
// methods alone, which know no page.

import constants from "../../mnist_core/drawing/constants.json" with { type: "json" };
import { Observable } from "../core/observable.js";

// The paper's own units, whatever its size on the screen.
export const SIDE = constants.paper.side;
export const PEN_WIDTH = constants.paper.penWidth; // as shown: what the network sees is drawn anew

const MIN_STEP = 3; // units of the paper; nearer points add nothing but bytes
const MAX_PAST = 100; // steps that can be undone: a page stays open for days

/** @type {{strokes: Stroke[], picture: Picture | null}} */
const EMPTY = { strokes: [], picture: null };

// Sheets and the lists of them are replaced and never changed, but for the stroke being drawn.
const FRESH = {
  sheet: EMPTY, // what is on the paper: strokes or a picture
  drawing: 0, // another number whenever that is something else
  origin: 0, // another number where a sheet did not grow out of the one before
  past: [], // sheets to go back to
  future: [], // and forward again
  steps: 0, // how many that can be undone have begun, or were undone
  rests: 0, // how often what is on the paper was complete
  stroke: /** @type {Stroke | null} */ (null), // the one being drawn
  pointer: /** @type {any} */ (null), // that draws or erases: {id, type, erasing, x, y, before}
  replayed: /** @type {Stroke[] | null} */ (null), // strokes that are drawing themselves
  isDemo: false, // a demonstration is on the paper: nobody's drawing, gone at the first action
  opacity: 1, // of the ink: less while a demonstration fades
  erasing: false,
  cursor: { x: SIDE / 2, y: SIDE / 2, shown: false }, // of the keyboard
};

/** @extends {Observable<typeof FRESH>} */
export class Paper extends Observable {
  constructor() {
    super(FRESH);
  }

  isEmpty() {
    const { strokes, picture } = this.get().sheet;
    return strokes.length === 0 && !picture;
  }

  // Nobody has done anything yet, and no drawing was opened.
  isUntouched() {
    const { past, future, pointer } = this.get();
    return !past.length && !future.length && !pointer;
  }

  #show(sheet, isUnrelated = false) {
    const { drawing, origin, erasing } = this.get();
    this.update({
      sheet,
      drawing: drawing + 1,
      origin: isUnrelated ? origin + 1 : origin,
      erasing: erasing && sheet.strokes.length > 0, // or a pen without ink would puzzle
    });
  }

  // Whatever somebody does finds the whole of a drawing that draws itself, and no demonstration.
  #interrupt() {
    this.endDemo();
    const strokes = this.get().replayed;
    this.update({ replayed: null });
    if (strokes) this.#show({ strokes, picture: null });
  }

  // Every step that can be undone begins here.
  #remember() {
    this.#interrupt();
    const { past, sheet, steps } = this.get();
    this.update({ past: [...past, sheet].slice(-MAX_PAST), future: [], steps: steps + 1 });
  }

  #replace(sheet) {
    const { steps } = this.get();
    this.update({ pointer: null, stroke: null, steps: steps + 1 });
    this.#show(sheet, true);
    this.rest();
  }

  rest() {
    this.update({ rests: this.get().rests + 1 });
  }

  put(sheet) {
    this.#remember();
    this.#replace(sheet);
  }

  clear() {
    if (this.get().isDemo) this.endDemo();
    else if (this.get().replayed || !this.isEmpty()) this.put(EMPTY);
  }

  undo() {
    this.#go("past", "future");
  }

  redo() {
    this.#go("future", "past");
  }

  #go(from, to) {
    if (!this.get()[from].length) return;
    this.#interrupt();
    const state = this.get();
    this.update({ [from]: state[from].slice(0, -1), [to]: [...state[to], state.sheet] });
    this.#replace(state[from].at(-1));
  }

  /** @param {Point} point */
  startStroke(point) {
    this.#remember();
    const stroke = [point];
    const { strokes, picture } = this.get().sheet;
    this.update({ stroke });
    this.#show({ strokes: [...strokes, stroke], picture: null }, Boolean(picture));
  }

  /** @param {Point} point */
  addPoint(point) {
    const { stroke, sheet } = this.get();
    const [x, y] = stroke.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < MIN_STEP) return;
    stroke.push(point);
    this.#show(sheet);
  }

  // The pen goes on, but draws no longer.
  endStroke() {
    this.update({ stroke: null });
  }

  // The pen or the eraser is lifted.
  lift() {
    this.update({ pointer: null, stroke: null });
    this.rest();
  }

  setPointer(pointer) {
    this.#interrupt(); // before the sheet is noted down: a palm brings back what was noted
    const { sheet, past, future } = this.get();
    this.update({ pointer: { ...pointer, before: { sheet, past, future } } });
  }

  movePointer(changes) {
    this.update({ pointer: { ...this.get().pointer, ...changes } });
  }

  // What the pointer did goes, as if it had never been on the paper: it was a palm.
  takeBack() {
    const { sheet, ...steps } = this.get().pointer.before;
    this.update(steps);
    this.#replace(sheet);
  }

  setErasing(wanted) {
    const { sheet, isDemo } = this.get();
    this.update({ erasing: wanted && sheet.strokes.length > 0 && !isDemo });
  }

  // Gives whether there was something to erase.
  eraseAt(x, y) {
    this.#interrupt();
    const { strokes } = this.get().sheet;
    const left = strokes.filter((points) => !touches(points, x, y));
    if (left.length === strokes.length) return false;
    this.#remember();
    this.#show({ strokes: left, picture: null }, true);
    return true;
  }

  setCursor(changes) {
    this.update({ cursor: { ...this.get().cursor, ...changes } });
  }

  // The paper is at rest once the drawing is complete: until then the address keeps its link.
  startReplay(strokes, isDemo) {
    if (!isDemo) this.#remember();
    this.update({ replayed: strokes, isDemo, pointer: null, stroke: null });
    this.#show(EMPTY, true);
  }

  showReplayed(strokes) {
    this.#show({ strokes, picture: null });
  }

  endReplay() {
    this.update({ replayed: null });
    this.rest();
  }

  fadeDemo(opacity) {
    this.update({ opacity });
  }

  // The demonstration leaves nothing behind, not even a step that could be undone.
  endDemo() {
    if (!this.get().isDemo) return;
    this.update({ isDemo: false, replayed: null, opacity: 1 });
    this.#show(EMPTY, true);
  }
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
