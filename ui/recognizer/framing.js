// MNIST's frame: strokes -> 28 x 28 grey values, to the bit as mnist_core/drawing/framing.py makes
// them. What NumPy computes in float32 is rounded by `fround` here, operation by operation.

export const PIXELS = 28 * 28;
export const PEN_WIDTH = 2.5; // in pixels of the frame

const SIDE = 28;
const BOX = 20;
const CENTRE = 14;
const MIN_SPACING = 0.5;
const PAPER_SIDE = 1000; // the page's, in its own units as the width of the pen there
const PAPER_PEN_WIDTH = 55;
const MAX_STROKES = 100; // limits as in mnist_core/drawing/strokes.py
const MAX_POINTS = 8000;
const MAX_COORDINATE = 1e6;
const fround = Math.fround;

// Strokes, [[[x, y], ...], ...] in any unit, y down, in MNIST's frame: the longer side, pen
// included, becomes 20 of 28 pixels, and the pen `penWidth`. Gives 784 grey values in a Uint8Array,
// row by row, ink bright, all 0 for strokes without points; throws RangeError for more than the
// limits above, and for what is no finite number.
export function frameStrokes(strokes, penWidth = PEN_WIDTH) {
  const drawn = strokesWithPoints(strokes);
  if (drawn.length === 0) return new Uint8Array(PIXELS);
  const [left, top, right, bottom] = boxOf(drawn.flat());
  const extent = Math.max(right - left, bottom - top);
  const scale = extent > 1e-9 ? (BOX - penWidth) / extent : 0; // a point stays one
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const place = ([x, y]) => [(x - middleX) * scale + SIDE / 2, (y - middleY) * scale + SIDE / 2];
  return centred(ink(drawn, place, penWidth));
}

// The least and the largest of points, [left, top, right, bottom].
export function boxOf(points) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// The page's whole paper, 1000 x 1000, shrunk to 784 grey values as most demos do, for comparison
// only; refuses what is refused above.
export function shrinkStrokes(strokes) {
  const scale = SIDE / PAPER_SIDE;
  const place = ([x, y]) => [x * scale, y * scale];
  return grey(ink(strokesWithPoints(strokes), place, PAPER_PEN_WIDTH * scale), 0);
}

// Strokes that are within the limits; throws as `frameStrokes` does.
export function strokesWithPoints(strokes) {
  const points = strokes.flat();
  const isCoordinate = (value) => Number.isFinite(value) && Math.abs(value) <= MAX_COORDINATE;
  const arePoints = points.every((point) => point.length === 2 && point.every(isCoordinate));
  if (strokes.length > MAX_STROKES || points.length > MAX_POINTS || !arePoints) {
    throw new RangeError("there is too much to read, or something else than [x, y] points");
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
