// MNIST's frame: strokes -> 28 x 28 grey values, to the bit as mnist_core/drawing/framing.py makes
// them. What NumPy computes in float32 is rounded by `fround` here, operation by operation.

import constants from "../../mnist_core/drawing/constants.json" with { type: "json" };

const { side: SIDE, box: BOX, centre: CENTRE, minSpacing: MIN_SPACING } = constants.frame;
export const PEN_WIDTH = constants.frame.penWidth; // in pixels of the frame
export const PIXELS = SIDE * SIDE;
const fround = Math.fround;

// Draw strokes into MNIST's frame: the longer side, pen included, becomes 20 of 28 pixels, and the
// pen `penWidth`. Gives 784 grey values, row by row, ink bright, all 0 for strokes without points.
// Throws what `checkStrokes` does.
/** @param {Stroke[]} strokes in any unit, y down */
export function frameStrokes(strokes, penWidth = PEN_WIDTH) {
  const drawn = checkStrokes(strokes);
  if (drawn.length === 0) return new Uint8Array(PIXELS);
  const [left, top, right, bottom] = boxOf(drawn.flat());
  const extent = Math.max(right - left, bottom - top);
  const scale = extent > 1e-9 ? (BOX - penWidth) / extent : 0; // a point stays one
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const place = ([x, y]) => [(x - middleX) * scale + SIDE / 2, (y - middleY) * scale + SIDE / 2];
  return centred(ink(drawn, place, penWidth));
}

// The smallest box around points.
/** @param {Point[]} points @returns {Box} */
export function boxOf(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return [left, top, right, bottom];
}

// The strokes that have points. Throws a RangeError with one of the server's codes for more than
// the limits, which are checked before any point is looked at, and for what is no finite number.
/** @param {Stroke[]} strokes */
export function checkStrokes(strokes) {
  const { strokes: mostStrokes, points: mostPoints, coordinate } = constants.limits;
  const refuse = (code, words) => {
    throw Object.assign(new RangeError(words), { code });
  };
  if (strokes.length > mostStrokes) {
    refuse("too_many_strokes", `${strokes.length} strokes; at most ${mostStrokes} are read`);
  }
  const count = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
  if (count > mostPoints) {
    refuse("too_many_points", `${count} points; at most ${mostPoints} are read`);
  }
  const isCoordinate = (value) => Number.isFinite(value) && Math.abs(value) <= coordinate;
  const isPoint = (point) => point.length === 2 && point.every(isCoordinate);
  if (!strokes.every((stroke) => stroke.every(isPoint))) {
    refuse("invalid_strokes", "something else than [x, y] points of finite numbers");
  }
  return strokes.filter((stroke) => stroke.length > 0);
}

// How much of each pixel the pen covers, 784 times 0 to 1, by how far its edge is from the centre.
function ink(strokes, place, penWidth) {
  const edge = fround(penWidth / 2 + 0.5);
  const nearest = new Float32Array(PIXELS).fill(Infinity); // squared distances to the pen's path
  for (const stroke of strokes) {
    const points = thinned(stroke.map(place));
    for (let i = 1; i < points.length; i++) approach(nearest, points[i - 1], points[i], edge);
  }
  return nearest.map((square) => Math.min(Math.max(edge - fround(Math.sqrt(square)), 0), 1));
}

// Points without those so near that they add next to nothing, but the last; one comes twice.
function thinned(points) {
  const kept = [points[0]];
  let [travelled, spaces] = [0, 0];
  for (let i = 1; i < points.length; i++) {
    const [dx, dy] = [points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]];
    travelled += Math.sqrt(dx * dx + dy * dy);
    const passed = Math.floor(travelled / MIN_SPACING);
    if (passed > spaces || i === points.length - 1) kept.push(points[i]);
    spaces = passed;
  }
  return kept.length === 1 ? [kept[0], kept[0]] : kept;
}

// Lower the squared distances of the pixels that the pen can reach from a segment.
function approach(nearest, from, to, edge) {
  const [startX, startY] = from.map(fround);
  const [alongX, alongY] = [fround(fround(to[0]) - startX), fround(fround(to[1]) - startY)];
  const squares = fround(fround(alongX * alongX) + fround(alongY * alongY));
  const length2 = Math.max(squares, fround(1e-12));
  const [left, right] = reach(from[0], to[0], edge);
  const [top, bottom] = reach(from[1], to[1], edge);
  for (let row = top; row <= bottom; row++) {
    const dy = fround(row + 0.5 - startY);
    for (let column = left; column <= right; column++) {
      const dx = fround(column + 0.5 - startX);
      const projection = fround(fround(alongY * dy) + fround(alongX * dx));
      const position = Math.min(Math.max(fround(projection / length2), 0), 1);
      const x = fround(dx - fround(position * alongX));
      const y = fround(dy - fround(position * alongY));
      const square = fround(fround(x * x) + fround(y * y));
      if (square < nearest[SIDE * row + column]) nearest[SIDE * row + column] = square;
    }
  }
}

// The first and the last pixel of an axis that may get ink between two places.
function reach(a, b, edge) {
  const [first, last] = [Math.min(a, b) - edge - 1, Math.max(a, b) + edge];
  return [Math.max(Math.floor(first), 0), Math.min(Math.ceil(last), SIDE - 1)];
}

// Ink moved by whole pixels, centre of mass to pixel 14, as grey values.
function centred(coverage) {
  const [rows, columns] = [new Float64Array(SIDE), new Float64Array(SIDE)];
  coverage.forEach((part, i) => {
    rows[Math.floor(i / SIDE)] += part;
    columns[i % SIDE] += part;
  });
  return grey(coverage, SIDE * centring(rows) + centring(columns));
}

// How far to move ink along an axis: less far where it would lose some at the edge.
function centring(profile) {
  const moment = profile.reduce((sum, part, i) => sum + part * i, 0);
  const massCentre = moment / profile.reduce((sum, part) => sum + part);
  // A symmetric digit lies exactly between two pixels: rounding errors must not decide.
  const wanted = CENTRE - Math.floor(massCentre + 0.5 + 1e-3);
  const first = profile.findIndex((part) => part > 0);
  const last = profile.findLastIndex((part) => part > 0);
  return Math.min(Math.max(wanted, -first), SIDE - 1 - last);
}

// Coverage in [0, 1] -> grey values, each `shift` places further on.
function grey(coverage, shift) {
  const pixels = new Uint8ClampedArray(PIXELS); // rounds a half to the even number, as NumPy does
  coverage.forEach((part, i) => {
    if (part > 0) pixels[i + shift] = fround(255 * part);
  });
  return new Uint8Array(pixels.buffer);
}
