// What this browser was taught: drawings and the digits that they are, the latest last. They stay
// in its localStorage; those for which it has no room, or no storage, last until the page is left.

import { strokesWithPoints } from "./recognizer/framing.js";
import { areStrokes, forget, onRemembered, remember, remembered } from "./storage.js";

const KEY = "lessons";
const MAX_LESSONS = 40; // the oldest go

let known = null; // once they are read: those that are kept, and the others
let unkept = [];

// "change": there are others; "soon": somebody is about to teach.
const events = new EventTarget();
const announce = (event) => events.dispatchEvent(new Event(event));

export const onLessons = (event, listener) => events.addEventListener(event, listener);
export const expectLesson = () => announce("soon");

// [{strokes, label}, ...], another array whenever they change.
export const lessons = () => (known ??= readAll());

// How many of them are gone when the page is left.
export const countUnkept = () => unkept.length;

// Follows what other tabs teach and forget.
export function followOtherTabs() {
  onRemembered(KEY, () => {
    known = null;
    announce("change");
  });
}

// The lesson about these strokes: there is one at most.
export const lessonAbout = (strokes) => lessons().find(isAbout(strokes));

export function addLesson(strokes, label) {
  const added = [...readAll().filter(isNotAbout(strokes)), { strokes, label }];
  set(added, [...unkept.filter(isNotAbout(strokes)), added.at(-1)]);
}

export function forgetLesson(strokes) {
  forgetAllBut(readAll().filter(isNotAbout(strokes)));
}

export const forgetLessons = () => forgetAllBut([]);

// What is forgotten doesn't come back, even where the storage takes nothing.
function forgetAllBut(left) {
  if (!set(left, left)) forget(KEY);
}

// Keeps `all`, or else only `rest` until the page is left. Gives whether they are kept.
function set(all, rest) {
  known = all.slice(-MAX_LESSONS);
  const isKept = remember(KEY, JSON.stringify(known));
  unkept = isKept ? [] : rest.slice(-MAX_LESSONS);
  announce("change");
  return isKept;
}

// Read anew before each change: another tab may have changed them.
function readAll() {
  const isKnown = ({ strokes }) => !unkept.some(isAbout(strokes));
  return [...(remembered(KEY, read) ?? []).filter(isKnown), ...unkept];
}

function read(text) {
  const found = JSON.parse(text);
  return Array.isArray(found) && found.every(isLesson) ? found : null;
}

function isLesson(value) {
  const { strokes, label } = value ?? {};
  const isDigit = Number.isInteger(label) && label >= 0 && label <= 9;
  return isDigit && areStrokes(strokes) && strokesWithPoints(strokes).length > 0;
}

function isAbout(strokes) {
  const size = strokes.flat().length;
  const text = JSON.stringify(strokes);
  return (lesson) =>
    lesson.strokes.flat().length === size && JSON.stringify(lesson.strokes) === text;
}

const isNotAbout = (strokes) => {
  const isSame = isAbout(strokes);
  return (lesson) => !isSame(lesson);
};
