// One change to a drawing that makes it another digit, found by trying: a straight line more, or
// some ink less. Each is read exactly as a drawing is, so that what it promises holds.

import { boxOf, checkStrokes } from "./framing.js";
import { predictNumber } from "./numbers.js";
import { predictStrokes } from "./recognizer.js";

const MIGHT_BE = 0.6; // the least probability of a change that is shown
const MOST_TRIED = 480; // which take 0.4 s on a laptop

// Lengths are shares of the drawing's longer side.
const GRID = 6; // points a side between which lines are tried
const ROOM = 0.05; // of the grid around the drawing
const LONGEST = 0.75;
const SHORTEST = 0.12;
const SNAP = 0.09; // grid points so near to ink lie on it
const TOUCH = 0.05; // an end so near to ink is not free
const SPACING = 0.03; // of the samples of ink
const MAP = 80; // cells a side, for two sides

// What a change costs besides its length: the cheapest are tried first. Without these prices most
// lines would be short ticks in the air (chosen on drawings by the pen digits' training writers).
const FREE_END = 0.9;
const CROSSES = 0.2; // ink on its way
const TOUCHES_NOTHING = 0.6;
const TAKEN_AWAY = 0.48;
const CUTS = [0.1, 0.2, 0.3, 0.4, 0.5]; // of a stroke
const EXTENSIONS = [0.2, 0.4];

// For each digit the cheapest change that makes it that digit, sure ones before others; null where
// none does. Yields after each reading what was found so far. Points that are added are rounded to
// whole units, as the paper and its links have them.
/** @typedef {(Change | null)[]} Found */
/** @param {Network} network @param {Stroke[]} drawing @returns {Generator<Found, Found>} */
export function* findChanges(network, drawing) {
  const strokes = checkStrokes(drawing).map((stroke) => stroke.map(([x, y]) => [x, y]));
  /** @type {Found} */
  let found = Array(10).fill(null);
  const candidates = yield* listCandidates(strokes, found);
  for (const candidate of candidates.slice(0, MOST_TRIED)) {
    const { digit, confidence, verdict } = predictStrokes(network, candidate.strokes);
    const isSure = verdict === "sure";
    const isBetter = digit !== null && (!found[digit] || (isSure && !found[digit].isSure));
    if (isBetter && (isSure || (verdict === "unsure" && confidence >= MIGHT_BE))) {
      const isOne = predictNumber(network, candidate.strokes).digits.length === 1;
      if (isOne) found = found.with(digit, { ...candidate, digit, confidence, isSure });
    }
    yield found;
  }
  return found;
}

// Of what was found the change to show for an answer: to another digit; where it is unsure one that
// settles it, and where it is no digit one to any. Sure ones go first, then cheap ones.
/** @param {Found} found @param {Answer} answer */
export function bestChange(found, { digit, runner_up, verdict }) {
  const fits = (change) => {
    if (verdict === "unsure") return change.isSure && [digit, runner_up].includes(change.digit);
    return verdict === "no digit" || change.digit !== digit;
  };
  const order = (a, b) => Number(b.isSure) - Number(a.isSure) || a.price - b.price;
  return found.filter((change) => change && fits(change)).sort(order)[0] ?? null;
}

// What is tried, the cheapest first: {strokes, line or null, removed, price}.
function* listCandidates(strokes, found) {
  const [left, top, right, bottom] = boxOf(strokes.flat());
  const side = Math.max(right - left, bottom - top);
  if (strokes.length === 0 || side < 1e-9) return [];
  const ink = sampled(strokes, SPACING * side);
  /** @type {[number, number]} */
  const middle = [(left + right) / 2, (top + bottom) / 2];
  const gapAt = yield* measureGaps(ink, middle, side, found);
  const candidates = without(strokes, side);
  const ends = strokes.flatMap((stroke) => [stroke[0], stroke.at(-1)]);
  const points = distinct([...ends, ...gridPoints(middle, side, ink)], (SNAP * side) / 2);
  const pairs = points.flatMap((from, i) => points.slice(i + 1).map((to) => [from, to]));
  for (const line of [...pairs, ...extensions(ends, side)].map(rounded)) {
    const price = priceOf(line, gapAt, side);
    if (price !== null) candidates.push({ strokes: [...strokes, line], line, removed: [], price });
  }
  yield found;
  return candidates.sort((a, b) => a.price - b.price);
}

// A grid on the square around the drawing; what is nearly on the ink is put on it.
function gridPoints([middleX, middleY], side, ink) {
  const step = ((1 + 2 * ROOM) * side) / (GRID - 1);
  const at = (middle, place) => middle - ((GRID - 1) / 2) * step + place * step;
  return Array.from({ length: GRID * GRID }, (_, i) => {
    const point = [at(middleX, i % GRID), at(middleY, Math.floor(i / GRID))];
    const nearest = nearestTo(ink, point);
    return distance(nearest, point) <= SNAP * side ? nearest : point;
  });
}

function extensions(ends, side) {
  return ends.flatMap(([x, y]) =>
    EXTENSIONS.flatMap((length) =>
      Array.from({ length: 8 }, (_, turn) => {
        const angle = (turn * Math.PI) / 4;
        return [[x, y], [x + length * side * Math.cos(angle), y + length * side * Math.sin(angle)]];
      }),
    ),
  );
}

// Gives how far a point is from ink, in sides: measured once for each cell of a map, as the lines
// ask some thousand times.
function* measureGaps(ink, [middleX, middleY], side, found) {
  const cell = (2 * side) / MAP;
  const [left, top] = [middleX - side, middleY - side];
  const gaps = new Float64Array(MAP * MAP);
  for (let row = 0; row < MAP; row++) {
    const y = top + (row + 0.5) * cell;
    for (let column = 0; column < MAP; column++) {
      const x = left + (column + 0.5) * cell;
      let least = Infinity;
      for (let i = 0; i < ink.length; i++) {
        const [dx, dy] = [ink[i][0] - x, ink[i][1] - y];
        least = Math.min(least, dx * dx + dy * dy);
      }
      gaps[row * MAP + column] = Math.sqrt(least) / side;
    }
    yield found;
  }
  const place = (offset) => Math.min(Math.max(Math.floor(offset / cell), 0), MAP - 1);
  return ([x, y]) => gaps[place(y - top) * MAP + place(x - left)];
}

// Null for a line that is too short or long, or that lies on the ink.
function priceOf([from, to], gapAt, side) {
  const length = distance(from, to) / side;
  if (length < SHORTEST || length > LONGEST) return null;
  const isFree = Array.from({ length: 9 }, (_, i) => gapAt(between(from, to, i / 8)) > TOUCH);
  const free = isFree.filter(Boolean).length;
  if (free < 3) return null;
  const ends = Number(isFree[0]) + Number(isFree[8]);
  const crosses = isFree.slice(2, 7).includes(false) ? CROSSES : 0;
  return length + ends * FREE_END + (free === 9 ? TOUCHES_NOTHING : crosses);
}

// Strokes that are left out, and those that are cut at either end.
function without(strokes, side) {
  const candidates = [];
  strokes.forEach((stroke, i) => {
    const length = lengthOf(stroke);
    const add = (removed, rest) => {
      const price = TAKEN_AWAY + lengthOf(removed) / side / 2;
      const left = strokes.toSpliced(i, 1, ...rest);
      candidates.push({ strokes: left, line: null, removed: [removed], price });
    };
    if (strokes.length > 1) add(stroke, []);
    if (length < SHORTEST * side) return;
    for (const share of CUTS) {
      const [start, rest] = cutAt(stroke, share * length);
      const [kept, end] = cutAt(stroke, (1 - share) * length);
      add(start, [rest]);
      add(end, [kept]);
    }
  });
  return candidates;
}

// A stroke in two, at a length from its start.
/** @param {Stroke} stroke @returns {[Stroke, Stroke]} */
export function cutAt(stroke, at) {
  let passed = 0;
  for (let i = 1; i < stroke.length; i++) {
    const length = distance(stroke[i - 1], stroke[i]);
    if (passed + length >= at && length > 0) {
      const point = between(stroke[i - 1], stroke[i], (at - passed) / length).map(Math.round);
      return [[...stroke.slice(0, i), point], [point, ...stroke.slice(i)]];
    }
    passed += length;
  }
  return [stroke, [stroke.at(-1)]];
}

/** @param {Stroke} stroke */
export function lengthOf(stroke) {
  return stroke.slice(1).reduce((sum, point, i) => sum + distance(stroke[i], point), 0);
}

function sampled(strokes, spacing) {
  return strokes.flatMap((stroke) =>
    stroke.slice(1).reduce((points, to, i) => {
      const count = Math.ceil(distance(stroke[i], to) / spacing);
      for (let k = 1; k <= count; k++) points.push(between(stroke[i], to, k / count));
      return points;
    }, [stroke[0]]),
  );
}

function distinct(points, least) {
  const kept = [];
  for (const point of points) {
    if (kept.every((other) => distance(other, point) > least)) kept.push(point);
  }
  return kept;
}

const nearestTo = (points, point) =>
  points.reduce((best, each) => (distance(each, point) < distance(best, point) ? each : best));
const rounded = (line) => line.map((point) => point.map(Math.round));
/** @type {(a: Point, b: Point) => number} */
const distance = ([x, y], [otherX, otherY]) => Math.hypot(x - otherX, y - otherY);
/** @type {(from: Point, to: Point, share: number) => Point} */
const between = ([x, y], [toX, toY], share) => [x + share * (toX - x), y + share * (toY - y)];
