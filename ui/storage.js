// What this browser keeps for the page, as text under keys of our own: other programs at the same
// address, as at localhost, share its storage. Nothing that is found there is trusted.

const PREFIX = "draw-a-digit:";
const LOCAL = "localStorage";
export const SESSION = "sessionStorage";

// What `read` makes of the text that was kept under a key; null where there is none or it is unfit,
// for which `read` gives null or throws, and where the browser has no storage.
export function remembered(key, read, area = LOCAL) {
  try {
    const storage = globalThis[area];
    const kept = storage.getItem(PREFIX + key);
    return kept === null ? move(storage, key, read) : (read(kept) ?? null);
  } catch {
    return null;
  }
}

// Gives whether it is kept: storage may be full, or refused.
export function remember(key, text, area = LOCAL) {
  try {
    globalThis[area].setItem(PREFIX + key, text);
    return true;
  } catch {
    return false;
  }
}

export function forget(key, area = LOCAL) {
  try {
    globalThis[area].removeItem(PREFIX + key);
  } catch {
    // There is no storage, and so nothing in it.
  }
}

// Calls `listener` whenever another tab changes what is kept under a key.
export function onRemembered(key, listener) {
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + key || event.key === null) listener();
  });
}

// Earlier versions of the page had no prefix: what they kept is moved. What is unfit is left where
// it is, as it is somebody else's.
function move(storage, key, read) {
  const text = storage.getItem(key);
  const value = text === null ? null : (read(text) ?? null);
  if (value === null) return null;
  storage.removeItem(key); // first: there may be no room for both
  try {
    storage.setItem(PREFIX + key, text);
  } catch {
    storage.setItem(key, text);
  }
  return value;
}

// Reads one of these words.
export const oneOf = (...words) => (text) => (words.includes(text) ? text : null);

// Whether a value is strokes, lists of points: numbers [x, y], perhaps with a width.
export function areStrokes(value) {
  const isPoint = (point) =>
    Array.isArray(point) && point.length >= 2 && point.every(Number.isFinite);
  const isStroke = (points) => Array.isArray(points) && points.length > 0 && points.every(isPoint);
  return Array.isArray(value) && value.every(isStroke);
}
