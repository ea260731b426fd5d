// A drawing in the address: "#drawing=1." and, in base64url, for each stroke the number
// of its points and their steps from point to point, as variable-length integers (LEB128,
// signed ones in zigzag). Coordinates come back as they were, pressure does not; a digit
// takes about 250 characters.

import { SIDE } from "./paper.js";

export const MAX_LINK = 4096; // characters: longer addresses get cut in mails and chats

const LINK = "#drawing=";
const LINK_VERSION = "1.";

export function linkTo(strokes) {
  const bytes = [];
  const write = (number) => {
    for (; number > 127; number >>>= 7) bytes.push((number & 127) | 128);
    bytes.push(number);
  };
  let last = [0, 0];
  for (const points of strokes) {
    write(points.length);
    for (const point of points) {
      for (const axis of [0, 1]) {
        const step = point[axis] - last[axis];
        write(step < 0 ? -2 * step - 1 : 2 * step);
      }
      last = point;
    }
  }
  const letters = bytes.map((byte) => String.fromCharCode(byte)).join("");
  const base64url = btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return LINK + LINK_VERSION + base64url;
}

// The strokes of a link, null where an address holds no drawing; throws for a damaged one.
export function linkedStrokes(fragment) {
  if (!fragment.startsWith(LINK)) return null;
  const code = fragment.slice(LINK.length);
  if (!code.startsWith(LINK_VERSION)) throw new Error("another version");
  if (code.length > MAX_LINK) throw new Error("too long");
  const letters = atob(code.slice(LINK_VERSION.length).replaceAll("-", "+").replaceAll("_", "/"));
  return readStrokes(numberReader(letters));
}

function numberReader(letters) {
  let place = 0;
  const read = () => {
    let number = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = letters.charCodeAt(place++); // NaN behind the end
      number |= (byte & 127) << shift;
      if (byte < 128) return number;
    }
    throw new Error("cut short, or a number that is too large");
  };
  return { read, hasMore: () => place < letters.length };
}

function readStrokes({ read, hasMore }) {
  const step = () => {
    const number = read();
    return number & 1 ? -(number + 1) / 2 : number / 2;
  };
  const strokes = [];
  let [x, y] = [0, 0];
  do {
    const points = [];
    for (let left = read(); left > 0; left--) {
      [x, y] = [x + step(), y + step()];
      if (!(x >= 0 && x <= SIDE && y >= 0 && y <= SIDE)) throw new Error("beyond the paper");
      points.push([x, y]);
    }
    if (points.length === 0) throw new Error("a stroke without points");
    strokes.push(points);
  } while (hasMore());
  return strokes;
}
