// What this browser was taught: drawings and the digits that they are, the latest last. They stay
// in its localStorage or, where there is none, as in some pages from a disk, until it is left.

import { remember, remembered } from "./elements.js";

const KEY = "lessons";
const MAX_LESSONS = 40; // the oldest go

let kept = null; // once they are read

// "change": there are others; "soon": somebody is about to teach.
const events = new EventTarget();
const announce = (event) => events.dispatchEvent(new Event(event));

export const onLessons = (event, listener) => events.addEventListener(event, listener);
export const expectLesson = () => announce("soon");

// [{strokes, label}, ...], another array whenever they change.
export function lessons() {
  try {
    kept ??= JSON.parse(remembered(KEY)) ?? [];
  } catch {
    kept = [];
  }
  return kept;
}

// The lesson about these strokes: there is one at most.
export function lessonAbout(strokes) {
  const size = strokes.flat().length;
  const isSame = (lesson) =>
    lesson.strokes.flat().length === size &&
    JSON.stringify(lesson.strokes) === JSON.stringify(strokes);
  return lessons().find(isSame);
}

export function addLesson(strokes, label) {
  const others = lessons().filter((lesson) => lesson !== lessonAbout(strokes));
  set([...others, { strokes, label }].slice(-MAX_LESSONS));
}

export function forgetLesson(strokes) {
  const forgotten = lessonAbout(strokes);
  set(lessons().filter((lesson) => lesson !== forgotten));
}

export const forgetLessons = () => set([]);

function set(lessons) {
  kept = lessons;
  remember(KEY, JSON.stringify(lessons));
  announce("change");
}
