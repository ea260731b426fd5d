// What this browser was taught: drawings and the digits that they are, the latest last. They stay
// in its localStorage; those for which it has no room, or no storage, last until the page is left.

import { Observable } from "../core/observable.js";
import { areStrokes, forget, onRemembered, remember, remembered } from "../core/storage.js";
import { checkStrokes } from "../recognizer/framing.js";

const KEY = "lessons";
const MAX_LESSONS = 40; // the oldest go

/** @extends {Observable<Lesson[]>} */
export class Lessons extends Observable {
  #unkept = [];

  constructor() {
    super(keptLessons());
  }

  /** How many of them are gone when the page is left. */
  get countUnkept() {
    return this.#unkept.length;
  }

  /** Follow what other tabs teach and forget. */
  followOtherTabs() {
    onRemembered(KEY, () => this.set(this.#readAll()));
  }

  // The lesson about these strokes: there is one at most.
  /** @param {Stroke[]} strokes */
  about(strokes) {
    return this.get().find(isAbout(strokes));
  }

  /** @param {Stroke[]} strokes @param {number} label */
  add(strokes, label) {
    const lesson = { strokes, label };
    const isOther = isNotAbout(strokes);
    const added = [...this.#readAll().filter(isOther), lesson];
    this.#keep(added, [...this.#unkept.filter(isOther), lesson]);
  }

  /** @param {Stroke[]} strokes */
  forget(strokes) {
    this.#forgetAllBut(this.#readAll().filter(isNotAbout(strokes)));
  }

  forgetAll() {
    this.#forgetAllBut([]);
  }

  // What is forgotten doesn't come back, even where the storage takes nothing.
  #forgetAllBut(left) {
    if (!this.#keep(left, left)) forget(KEY);
  }

  // Keeps `all`, or else only `rest` until the page is left. Gives whether they are kept.
  #keep(all, rest) {
    const latest = all.slice(-MAX_LESSONS);
    const isKept = remember(KEY, JSON.stringify(latest));
    this.#unkept = isKept ? [] : rest.slice(-MAX_LESSONS);
    this.set(latest);
    return isKept;
  }

  // Read anew before each change: another tab may have changed them.
  #readAll() {
    const isKnown = ({ strokes }) => !this.#unkept.some(isAbout(strokes));
    return [...keptLessons().filter(isKnown), ...this.#unkept];
  }
}

const keptLessons = () => remembered(KEY, read) ?? [];

function read(text) {
  const found = JSON.parse(text);
  return Array.isArray(found) && found.every(isLesson) ? found : null;
}

function isLesson(value) {
  const { strokes, label } = value ?? {};
  const isDigit = Number.isInteger(label) && label >= 0 && label <= 9;
  return isDigit && areStrokes(strokes) && checkStrokes(strokes).length > 0;
}

const sizeOf = (strokes) => strokes.reduce((sum, stroke) => sum + stroke.length, 0);

function isAbout(strokes) {
  const size = sizeOf(strokes);
  const text = JSON.stringify(strokes);
  return (lesson) =>
    sizeOf(lesson.strokes) === size && JSON.stringify(lesson.strokes) === text;
}

function isNotAbout(strokes) {
  const isSame = isAbout(strokes);
  return (lesson) => !isSame(lesson);
}
