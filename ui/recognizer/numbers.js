// Strokes -> the digits of a number, as mnist_core/drawing/numbers.py divides them and
// mnist_core/recognizer.py reads them: the same steps and constants, which are explained there.

import constants from "../../mnist_core/drawing/constants.json" with { type: "json" };
import { boxOf, checkStrokes, frameStrokes } from "./framing.js";
import { predictPixels } from "./recognizer.js";

export const MAX_DIGITS = constants.number.maxDigits;
const { maxPieces, maxWork, maxSpan, maxApart, maxWidth, maxInside, maxMark } = constants.number;
const { maxLower, thin, ligature, flag, closed } = constants.number;
const { weights, pruning, sure, sureSpan } = constants.number;
const [ROW, MAX_ROWS] = [0.1, 200];

const sum = (values) => values.reduce((total, value) => total + value, 0);
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

// Read one to eight digits, none without ink. `groups` divides the strokes as a person decided.
// `known` keeps this network's readings by pixels: most of a number stays while the next digit is
// written. Throws what `checkStrokes` does.
/** @param {Network} network @param {Stroke[]} strokes @returns {NumberAnswer} */
export function predictNumber(network, strokes, groups = null, known = new Map()) {
  const inked = checkStrokes(strokes);
  const read = (pieces) => {
    const pixels = frameStrokes(drawn(inked, pieces));
    const key = String.fromCharCode(...pixels);
    if (!known.has(key)) known.set(key, predictPixels(network, pixels));
    return known.get(key);
  };
  const isGiven = groups || inked.length === 0;
  const found = isGiven ? readGroups(groups ?? [], read) : segmented(inked, read);
  const { digits, spanProbabilities, segmentationProbability } = found;
  const confidences = digits.map((digit, i) => spanProbabilities[i] * digit.confidence);
  const confidence = digits.reduce((product, d) => product * d.confidence, segmentationProbability);
  const verdict = verdictOf(digits, confidence, segmentationProbability);
  const isSure = verdict === "sure" || verdict === "empty";
  const leastCertain = isSure ? null : confidences.indexOf(least(confidences));
  const number = digits.map(({ digit }) => digit).join("");
  return { number, digits, groups: found.groups, confidence, verdict, leastCertain };
}

// Each group read as a digit, the division taken as certain.
function readGroups(groups, read) {
  const segmentationProbability = groups.length > 0 ? 1 : 0;
  const spanProbabilities = groups.map(() => 1);
  return { groups, digits: groups.map(read), spanProbabilities, segmentationProbability };
}

function segmented(strokes, read) {
  const line = measure(strokes);
  const found = divide(line, ([first, stop]) => read(line.pieces.slice(first, stop)));
  const whole = strokes.map((stroke, i) => [i, 0, stroke.length]);
  const isNumber = found.digits.length > 0 && found.digits.length <= MAX_DIGITS;
  return isNumber ? found : readGroups([whole], read);
}

function verdictOf(digits, confidence, probability) {
  const verdicts = digits.map(({ verdict }) => verdict);
  if (verdicts.includes("no digit")) return "no digit";
  if (digits.length === 0) return "empty";
  const isSure = digits.length > 1 ? confidence >= sure : probability >= sureSpan;
  return isSure && !verdicts.includes("unsure") ? "sure" : "unsure";
}

// {pieces, spans: [{first, stop, features}], boundaries: features, marks: features or null}.
function measure(strokes) {
  const height = heightOf(strokes);
  const lean = leanOf(strokes, height / 8);
  const upright = strokes.map((s) => s.map(([x, y]) => [(x - lean * y) / height, y / height]));
  const parts = upright.flatMap((stroke, i) => partsOf(stroke).map((part) => [i, ...part]));
  const boxed = parts.map((piece) => [piece, boxOf(upright[piece[0]].slice(piece[1], piece[2]))]);
  boxed.sort(([, a], [, b]) => a[0] + a[2] - (b[0] + b[2]));
  const [pieces, boxes] = [boxed.map(([piece]) => piece), boxed.map(([, box]) => box)];
  const inks = pieces.map(([i, start, stop]) => upright[i].slice(start, stop));
  const gaps = pieces.length <= maxPieces ? gapsOf(inks) : [];
  const spans = gaps.length > 0 ? spansOf(pieces, boxes, gaps) : [];
  const points = ({ first, stop }) => sum(inks.slice(first, stop).map((ink) => ink.length));
  if (spans.length === 0 || sum(spans.map(points)) > maxWork) {
    const whole = { first: 0, stop: pieces.length, features: [0, 0, 0] };
    return { pieces, spans: [whole], boundaries: [[0, 0, 0, 0, 0]], marks: pieces.map(() => null) };
  }
  const boundaries = boundariesOf(pieces, boxes, gaps);
  const marks = boxes.map(([left, top, right, bottom]) => {
    const [across, down] = [right - left, bottom - top];
    const isMark = across < maxMark[0] && down < maxMark[1] && pieces.length > 1;
    return isMark ? [1, across, down] : null;
  });
  return { pieces, spans, boundaries, marks };
}

/** @param {Box[]} boxes @returns {Box} */
function around(boxes) {
  const [lefts, tops, rights, bottoms] = [0, 1, 2, 3].map((side) => boxes.map((box) => box[side]));
  return [least(lefts), least(tops), most(rights), most(bottoms)];
}

function heightOf(strokes) {
  const boxes = strokes.map(boxOf).sort((a, b) => a[0] + a[2] - (b[0] + b[2]));
  const merged = [];
  for (const box of boxes) {
    const last = merged.at(-1) ?? [0, 0, -Infinity, 0];
    const over = Math.min(last[2], box[2]) - Math.max(last[0], box[0]);
    if (over > Math.min(last[2] - last[0], box[2] - box[0]) / 2) {
      merged[merged.length - 1] = around([last, box]);
    } else merged.push(box);
  }
  const heights = merged.map(([, top, , bottom]) => bottom - top);
  const high = heights.filter((height) => height >= most(heights) / 2);
  const [left, , right] = around(merged);
  return Math.max(sum(high) / high.length, (right - left) / 50, 1e-9);
}

function leanOf(strokes, step) {
  let [across, down] = [0, 0];
  for (const stroke of strokes) {
    let [x, y] = stroke[0];
    for (const [nextX, nextY] of stroke) {
      const [dx, dy] = [nextX - x, nextY - y];
      if (dx * dx + dy * dy < step * step) continue;
      if (Math.abs(dy) > Math.abs(dx)) {
        across += dy > 0 ? dx : -dx;
        down += Math.abs(dy);
      }
      [x, y] = [nextX, nextY];
    }
  }
  return down ? (0.6 * across) / down : 0;
}

function partsOf(stroke) {
  const [before, after] = [running(stroke), running([...stroke].reverse()).reverse()];
  const last = stroke.length - 1;
  const isThin = before.map((box, i) => box[2] - after[i][0] <= thin);
  const [left, , right] = after[0];
  if (right - left < 0.6 || isThin.every(Boolean)) return [[0, last + 1]];
  const [across, down] = [0, 1].map((axis) => stroke[last][axis] - stroke[0][axis]);
  const isOpen = across * across + down * down > closed * closed;
  const isHigh = (box) => box[3] - box[1] >= 0.5;
  const isJoint = isThin.map((is, i) => {
    const lower = Math.min(before[i][3] - before[i][1], after[i][3] - after[i][1]);
    const beside = Math.min(before[i][3], after[i][3]) - Math.max(before[i][1], after[i][1]);
    return is && isOpen && lower >= 0.5 && beside >= 0.5 * lower;
  });
  const cuts = new Set([0, last]);
  for (const [first, stop] of runsOf(isJoint)) {
    const [start, end] = flatPart(stroke, first, stop);
    const joins = end > start && stroke[end][0] - stroke[start][0] >= ligature;
    for (const at of joins ? [start, end] : [Math.floor((first + stop - 1) / 2)]) cuts.add(at);
  }
  for (const [first, stop] of runsOf(isThin)) {
    const [x0, y0, x1, y1] = boxOf(stroke.slice(first, stop));
    if (x1 - x0 < flag || y1 - y0 > 0.3) continue;
    const [start, end] = flatPart(stroke, first, stop);
    if (first === 0 && isHigh(after[stop - 1])) cuts.add(end);
    if (stop > last && isHigh(before[first])) cuts.add(start);
  }
  const ends = [...cuts].sort((a, b) => a - b);
  return ends.slice(1).map((end, i) => [ends[i], end + 1]);
}

function runsOf(flags) {
  const runs = [];
  flags.forEach((is, i) => {
    if (is && !flags[i - 1]) runs.push([i, i + 1]);
    else if (is) runs.at(-1)[1] = i + 1;
  });
  return runs;
}

function flatPart(stroke, first, stop) {
  const run = stroke.slice(first, stop).map(([x]) => x);
  const leaves = run.findLastIndex((x) => x <= run[0] + 0.06);
  return [first + leaves, first + run.findIndex((x) => x >= run.at(-1) - 0.06)];
}

// The box of all points until each one.
/** @param {Point[]} points @returns {Box[]} */
function running(points) {
  const boxes = [];
  for (const [x, y] of points) boxes.push(around([...boxes.slice(-1), [x, y, x, y]]));
  return boxes;
}

function gapsOf(inks) {
  const [, top, , bottom] = around(inks.map(boxOf));
  const row = Math.max(ROW, (bottom - top) / MAX_ROWS);
  const sides = inks.map((ink) => sidesOf(ink, top, row));
  const before = Array(MAX_ROWS + 1).fill(-Infinity);
  const gaps = [];
  const rest = sides.map(([lefts]) => lefts);
  for (let k = rest.length - 2; k >= 0; k--) {
    rest[k] = rest[k].map((x, i) => Math.min(x, rest[k + 1][i]));
  }
  sides.forEach(([, rights], k) => {
    gaps.push(k ? least(rest[k].map((x, i) => x - before[i])) : 0);
    rights.forEach((x, i) => (before[i] = Math.max(before[i], x)));
  });
  return gaps;
}

// Where ink begins and ends in each row.
function sidesOf(ink, top, row) {
  const [lefts, rights] = [Infinity, -Infinity].map((none) => Array(MAX_ROWS + 1).fill(none));
  const touch = (x, y) => {
    const at = Math.floor((y - top) / row);
    [lefts[at], rights[at]] = [Math.min(lefts[at], x), Math.max(rights[at], x)];
  };
  for (let i = 1; i < ink.length; i++) {
    const [[x, y], [nextX, nextY]] = [ink[i - 1], ink[i]];
    const count = Math.floor((2 * Math.abs(nextY - y)) / row) + 1;
    for (let n = 0; n < count; n++) {
      touch(x + (nextX - x) * (n / count), y + (nextY - y) * (n / count));
    }
  }
  touch(...ink.at(-1));
  return [lefts, rights];
}

function isCut(pieces, k) {
  const [[stroke, , stop], [next, start]] = [pieces[k - 1], pieces[k]];
  return stroke === next && stop === start + 1;
}

function isInside(pieces, gaps, k) {
  const before = new Set(pieces.slice(0, k).map(([stroke]) => stroke));
  const rest = new Set(pieces.slice(k).map(([stroke]) => stroke));
  const shared = [...before].filter((stroke) => rest.has(stroke)).length;
  return isCut(pieces, k) ? shared > 1 : shared > 0 || gaps[k] < -maxInside;
}

function boundariesOf(pieces, boxes, gaps) {
  const wide = gaps.filter((gap) => gap > 0 && gap < Infinity);
  const mean = wide.length > 0 ? Math.max(sum(wide) / wide.length, 0.05) : 0.3;
  const middles = boxes.map(([left, , right]) => (left + right) / 2);
  return pieces.map((_, k) => {
    if (k === 0) return [0, 0, 0, 0, 0];
    const apart = Math.min(middles[k] - middles[k - 1], 1);
    const share = Math.min(Math.max(gaps[k], 0) / mean, 1);
    const [[, top, , bottom], [, topBefore, , bottomBefore]] = [boxes[k], boxes[k - 1]];
    const isBar = bottomBefore - topBefore < 0.5;
    const lower = isBar ? 0 : Math.min(top - topBefore, bottom - bottomBefore);
    const hangs = Math.min(Math.max(lower - maxLower, 0), 1);
    return [1, apart, isCut(pieces, k) ? 1 : 0, share, hangs];
  });
}

function spansOf(pieces, boxes, gaps) {
  const [spans, reached] = [[], new Set([0])];
  const inside = pieces.map((_, k) => k > 0 && isInside(pieces, gaps, k));
  const middles = boxes.map(([left, , right]) => (left + right) / 2);
  for (let first = 0; first < boxes.length; first++) {
    if (inside[first]) continue;
    for (let stop = first + 1; stop <= Math.min(first + maxSpan, boxes.length); stop++) {
      const isSingle = stop === first + 1;
      if (!isSingle && middles[stop - 1] - middles[stop - 2] > maxApart) break;
      const box = around(boxes.slice(first, stop));
      if (inside[stop] || (box[2] - box[0] > maxWidth && !isSingle)) continue;
      spans.push({ first, stop, features: featuresOf(box, pieces.slice(first, stop)) });
      if (reached.has(first)) reached.add(stop);
    }
  }
  return reached.has(pieces.length) ? spans : [];
}

/** @param {Box} box @param {Piece[]} pieces */
function featuresOf([left, top, right, bottom], pieces) {
  const height = bottom - top;
  const lower = Math.log(Math.max(0.9 / Math.max(height, 0.05), 1));
  const strokes = [...new Set(pieces.map(([stroke]) => stroke))];
  const isInterrupted = most(strokes) - least(strokes) >= strokes.length ? 1 : 0;
  return [lower, Math.max((right - left) / Math.max(height, 0.5) - 1, 0), isInterrupted];
}

// Whether digits are written over each other: two rows of ink, of which one has strokes side by
// side.
/** @param {Stroke[]} strokes */
export function hasTwoLines(strokes) {
  const boxes = strokes.filter((stroke) => stroke.length > 0).map(boxOf);
  boxes.sort((a, b) => a[1] - b[1]);
  const heightOfAll = (some) => around(some)[3] - around(some)[1];
  const isBeside = (a, b) => a[2] < b[0] || b[2] < a[0];
  return boxes.some((box, k) => {
    const rows = [boxes.slice(0, k), boxes.slice(k)];
    if (k === 0 || around(rows[0])[3] >= box[1]) return false;
    const isHigh = (row) => heightOfAll(row) >= 0.3 * heightOfAll(boxes);
    const isWide = (row) => row.some((a) => row.some((b) => isBeside(a, b)));
    return rows.every(isHigh) && rows.some(isWide);
  });
}

// One piece of a stroke as two, cut by hand: where the ink before and after overlaps least.
/** @param {Stroke[]} strokes @param {Piece} piece @returns {Piece[] | null} */
export function splitPiece(strokes, [i, start, stop]) {
  const points = strokes[i].slice(start, stop);
  const [before, after] = [running(points), running([...points].reverse()).reverse()];
  const [left, , right] = boxOf(points);
  const shareOf = (box) => (box[2] - box[0]) / (right - left);
  const costs = points.map((_, k) => {
    const isPart = shareOf(before[k]) >= 0.25 && shareOf(after[k]) >= 0.25;
    return isPart && k > 0 && k < points.length - 1 ? before[k][2] - after[k][0] : Infinity;
  });
  const at = costs.indexOf(least(costs));
  if (costs[at] === Infinity) return null;
  return [[i, start, start + at + 1], [i, start + at, stop]];
}

// The strokes of which `pieces` are, those of one stroke that follow each other joined again.
/** @param {Stroke[]} strokes @param {Piece[]} pieces */
export function drawn(strokes, pieces) {
  const joined = [];
  for (const [i, start, stop] of [...pieces].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = joined.at(-1);
    if (last && last[0] === i && last[2] === start + 1) last[2] = stop;
    else joined.push([i, start, stop]);
  }
  return joined.map(([i, start, stop]) => strokes[i].slice(start, stop));
}

const weigh = (features, by) => sum(features.map((value, i) => value * by[i]));

// The best division of a line; `read` reads a span.
function divide({ pieces, spans, boundaries, marks }, read) {
  const digits = spans.map(({ first, stop, features }) => {
    const score = weigh(features, weights.span) + weigh(boundaries[first], weights.boundary);
    return { first, stop, score, digit: null };
  });
  const add = (span) => {
    span.digit = read([span.first, span.stop]);
    span.score += weights.reading * Math.log(span.digit.confidence);
  };
  const single = digits.filter(({ first, stop }) => stop - first === 1);
  single.forEach(add);
  const alone = marks.map((features) => (features ? weigh(features, weights.mark) : -Infinity));
  const dropped = alone.flatMap((score, k) =>
    marks[k] ? [{ first: k, stop: k + 1, score, digit: null }] : [],
  );
  for (const { first, score } of single) alone[first] = Math.max(alone[first], score);
  const isHopeful = ({ first, stop, score, digit }) =>
    !digit && sum(alone.slice(first, stop)) - score < pruning;
  digits.filter(isHopeful).forEach(add);
  const edges = [...digits.filter(({ digit }) => digit), ...dropped];
  edges.sort((a, b) => a.first - b.first || a.stop - b.stop || a.score - b.score);
  return best(pieces, edges);
}

function best(pieces, edges) {
  const count = pieces.length;
  const [before, after, highest] = [0, 1, 2].map(() => Array(count + 1).fill(-Infinity));
  const lastEdge = [];
  before[0] = after[count] = highest[0] = 0;
  for (const edge of edges) {
    const { first, stop, score } = edge;
    before[stop] = logAddExp(before[stop], before[first] + score);
    if (highest[first] + score > highest[stop]) {
      [highest[stop], lastEdge[stop]] = [highest[first] + score, edge];
    }
  }
  for (const { first, stop, score } of [...edges].reverse()) {
    after[first] = logAddExp(after[first], score + after[stop]);
  }
  const way = [];
  for (let place = count; place > 0; place = way[0].first) way.unshift(lastEdge[place]);
  const read = way.filter(({ digit }) => digit);
  return {
    groups: read.map(({ first, stop }) => pieces.slice(first, stop)),
    digits: read.map(({ digit }) => digit),
    spanProbabilities: read.map(
      ({ first, stop, score }) => Math.exp(before[first] + score + after[stop] - after[0]),
    ),
    segmentationProbability: Math.exp(highest[count] - after[0]),
  };
}

function logAddExp(a, b) {
  const larger = Math.max(a, b);
  return larger === -Infinity ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
}
