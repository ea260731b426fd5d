// MNIST's frame: strokes -> 28 x 28 grey values, the same numbers as mnist_core/drawing/framing.py
// gives. What NumPy computes in float32 is rounded by Math.fround here, operation by operation.

export const PIXELS = 28 * 28;
// Width of the pen, in pixels of the frame.
export const PEN_WIDTH = 2.5;

const SIDE = 28;
const BOX = 20;
const CENTRE = 14;
// The page's paper and the pen as it is shown there, in the paper's units.
const PAPER_SIDE = 1000;
const PAPER_PEN_WIDTH = 55;
// Points nearer than this along a stroke, in pixels of the frame, add next to nothing.
const MIN_SPACING = 0.5;
// Limits of what is read, as in mnist_core/drawing/strokes.py.
const MAX_STROKES = 100;
const MAX_POINTS = 8000;
const MAX_COORDINATE = 1e6;
const fround = Math.fround;

/**
 * Draw strokes into MNIST's frame: the longer side, pen included, becomes 20 of 28 pixels.
 * @param {number[][][]} strokes - [[[x, y], ...], ...] in any unit, y down; without points, empty.
 * @param {number} penWidth - of the round pen, in pixels of the frame, however large the drawing.
 * @returns {Uint8Array} 784 grey values, row by row, ink 255, paper 0.
 * @throws {RangeError} Where there is something else than at most 100 strokes of at most 8,000
 *   points in all, or a coordinate that is not finite or beyond ±1,000,000.
 */
export function frameStrokes(strokes, penWidth = PEN_WIDTH) {
  const drawn = strokesWithPoints(strokes);
  if (drawn.length === 0) return new Uint8Array(PIXELS);
  const [left, right] = range(drawn, 0);
  const [top, bottom] = range(drawn, 1);
  const extent = Math.max(right - left, bottom - top);
  const scale = extent > 1e-9 ? (BOX - penWidth) / extent : 0; // a point stays one
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const place = ([x, y]) => [(x - middleX) * scale + SIDE / 2, (y - middleY) * scale + SIDE / 2];
  return centred(ink(drawn, place, penWidth));
}

/**
 * The page's paper, 1000 x 1000, shrunk as most demos do, for comparison only.
 * @param {number[][][]} strokes - As for `frameStrokes`; what lies beyond the paper is cut off.
 * @returns {Uint8Array} 784 grey values, row by row, ink 255, paper 0.
 * @throws {RangeError} As `frameStrokes` does.
 */
export function shrinkStrokes(strokes) {
  const scale = SIDE / PAPER_SIDE;
  const place = ([x, y]) => [x * scale, y * scale];
  return grey(ink(strokesWithPoints(strokes), place, PAPER_PEN_WIDTH * scale), 0);
}

function strokesWithPoints(strokes) {
  if (!Array.isArray(strokes) || !strokes.every(Array.isArray)) {
    throw new RangeError("a drawing is a list of strokes such as [[[12, 40], [13, 44]]]");
  }
  if (strokes.length > MAX_STROKES) throw new RangeError(`more than ${MAX_STROKES} strokes`);
  const points = strokes.reduce((count, stroke) => count + stroke.length, 0);
  if (points > MAX_POINTS) throw new RangeError(`more than ${MAX_POINTS} points`);
  if (!strokes.every((stroke) => stroke.every(isPoint))) {
    throw new RangeError(`a point is [x, y], finite and within ±${MAX_COORDINATE}`);
  }
  return strokes.filter((stroke) => stroke.length > 0);
}

function isPoint(point) {
  return Array.isArray(point) && point.length === 2 && point.every(isCoordinate);
}

function isCoordinate(value) {
  return typeof value === "number" && Math.abs(value) <= MAX_COORDINATE; // NaN is not
}

// The least and the greatest coordinate of an axis.
function range(strokes, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (const stroke of strokes) {
    for (const point of stroke) {
      low = Math.min(low, point[axis]);
      high = Math.max(high, point[axis]);
    }
  }
  return [low, high];
}

// Float32Array(784): how much of each pixel the pen covers, in [0, 1], anti-aliased by the
// distance between the pixel's centre and the pen's edge.
function ink(strokes, place, penWidth) {
  const edge = fround(penWidth / 2 + 0.5);
  const nearest = new Float32Array(PIXELS).fill(Infinity); // squared distances to the pen's path
  for (const stroke of strokes) {
    const points = thinned(stroke.map(place));
    for (let i = 1; i < points.length; i++) approach(nearest, points[i - 1], points[i], edge);
  }
  return nearest.map((square) => {
    return Math.min(Math.max(fround(edge - fround(Math.sqrt(square))), 0), 1);
  });
}

// Points without those that add next to nothing, the last one kept; one point comes twice.
function thinned(points) {
  const kept = [];
  let [travelled, passed] = [0, -1];
  points.forEach(([x, y], i) => {
    if (i > 0) {
      const [dx, dy] = [x - points[i - 1][0], y - points[i - 1][1]];
      travelled += Math.sqrt(dx * dx + dy * dy);
    }
    const spaces = Math.floor(travelled / MIN_SPACING);
    if (spaces > passed || i === points.length - 1) kept.push(points[i]);
    passed = spaces;
  });
  return kept.length === 1 ? [kept[0], kept[0]] : kept;
}

// Lower the squared distances of the pixels within the pen's reach of a segment.
function approach(nearest, from, to, edge) {
  const [startX, startY] = from.map(fround);
  const alongX = fround(fround(to[0]) - startX);
  const alongY = fround(fround(to[1]) - startY);
  const squares = fround(fround(alongX * alongX) + fround(alongY * alongY));
  const length2 = Math.max(squares, fround(1e-12));
  const [left, right] = pixelsNear(from[0], to[0], edge);
  const [top, bottom] = pixelsNear(from[1], to[1], edge);
  for (let row = top; row <= bottom; row++) {
    const dy = fround(row + 0.5 - startY);
    for (let column = left; column <= right; column++) {
      const dx = fround(column + 0.5 - startX);
      const projection = fround(fround(alongY * dy) + fround(alongX * dx));
      const position = Math.min(Math.max(fround(projection / length2), 0), 1);
      const x = fround(dx - fround(position * alongX));
      const y = fround(dy - fround(position * alongY));
      const square = fround(fround(x * x) + fround(y * y));
      const pixel = SIDE * row + column;
      if (square < nearest[pixel]) nearest[pixel] = square;
    }
  }
}

// The first and the last pixel of an axis that ink between two places can touch, and one more.
function pixelsNear(a, b, edge) {
  const first = Math.floor(Math.min(a, b) - edge) - 1;
  const last = Math.ceil(Math.max(a, b) + edge);
  return [Math.max(first, 0), Math.min(last, SIDE - 1)];
}

// Ink moved by whole pixels, centre of mass to pixel 14, as grey values.
function centred(coverage) {
  const rows = new Float64Array(SIDE);
  const columns = new Float64Array(SIDE);
  coverage.forEach((part, i) => {
    rows[Math.floor(i / SIDE)] += part;
    columns[i % SIDE] += part;
  });
  return grey(coverage, SIDE * centring(rows) + centring(columns));
}

// How far to move ink along an axis: less far where it would lose some at the edge.
function centring(profile) {
  const mass = profile.reduce((sum, part) => sum + part);
  const massCentre = profile.reduce((sum, part, i) => sum + part * i, 0) / mass;
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
