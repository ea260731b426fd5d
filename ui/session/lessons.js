// What this browser was taught: drawings and the digits that they are, the latest last. They stay
// in its localStorage or, where there is none, as in some pages from a disk, until it is left.

import { Observable } from "../core/observable.js";
import { remember, remembered } from "../core/storage.js";

const KEY = "lessons";
const MAX_LESSONS = 40; // the oldest go

/** @extends {Observable<Lesson[]>} */
export class Lessons extends Observable {
  constructor() {
    super(keptLessons());
  }

  /** @param {Lesson[]} lessons */
  set(lessons) {
    remember(KEY, JSON.stringify(lessons));
    super.set(lessons);
  }

  /**
   * The lesson about these strokes: there is one at most.
   * @param {Stroke[]} strokes
   */
  about(strokes) {
    const size = sizeOf(strokes);
    return this.get().find(
      (lesson) =>
        sizeOf(lesson.strokes) === size &&
        JSON.stringify(lesson.strokes) === JSON.stringify(strokes),
    );
  }

  /**
   * @param {Stroke[]} strokes
   * @param {number} label
   */
  add(strokes, label) {
    const known = this.about(strokes);
    const others = this.get().filter((lesson) => lesson !== known);
    this.set([...others, { strokes, label }].slice(-MAX_LESSONS));
  }

  /** @param {Stroke[]} strokes */
  forget(strokes) {
    const forgotten = this.about(strokes);
    this.set(this.get().filter((lesson) => lesson !== forgotten));
  }

  forgetAll() {
    this.set([]);
  }
}

const sizeOf = (strokes) => strokes.reduce((sum, stroke) => sum + stroke.length, 0);

function keptLessons() {
  try {
    return JSON.parse(remembered(KEY)) ?? [];
  } catch {
    return [];
  }
}
