// Strokes -> the digits of a number, as mnist_core/drawing/numbers.py divides them and
// mnist_core/recognizer.py reads them: the same steps and constants, which are explained there.

import constants from "../../mnist_core/drawing/constants.json" with { type: "json" };
import { boxOf, checkStrokes, frameStrokes } from "./framing.js";
import { predictPixels } from "./recognizer.js";

export const MAX_DIGITS = constants.number.maxDigits;
const { maxPieces, maxWork, maxSpan, maxApart, maxWidth } = constants.number;
const { reading, low, wide, cut, hopeless, sure } = constants.number;

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
  const verdict = verdictOf(digits, confidence);
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
  return found.digits.length > MAX_DIGITS ? readGroups([whole], read) : found;
}

function verdictOf(digits, confidence) {
  const verdicts = digits.map(({ verdict }) => verdict);
  if (verdicts.includes("no digit")) return "no digit";
  if (digits.length < 2) return verdicts[0] ?? "empty";
  return confidence >= sure && !verdicts.includes("unsure") ? "sure" : "unsure";
}

// {pieces, spans: [from, to (not included)], shapes, boundaries}, as in numbers.py.
function measure(strokes) {
  const height = heightOf(strokes);
  const lean = leanOf(strokes, height / 8);
  const upright = strokes.map((s) => s.map(([x, y]) => [(x - lean * y) / height, y / height]));
  const parts = upright.flatMap((stroke, i) => partsOf(stroke).map((part) => [i, ...part]));
  const boxed = parts.map((piece) => [piece, boxOf(upright[piece[0]].slice(piece[1], piece[2]))]);
  boxed.sort(([, a], [, b]) => a[0] + a[2] - (b[0] + b[2]));
  const [pieces, boxes] = [boxed.map(([piece]) => piece), boxed.map(([, box]) => box)];
  const boundaries = pieces.map((_, k) => (k ? boundaryOf(pieces, boxes, k) : [0, 0, 0, 0]));
  let spans = pieces.length <= maxPieces ? spansOf(boxes) : [];
  const points = ([i, j]) => sum(pieces.slice(i, j).map(([, start, stop]) => stop - start));
  if (spans.length === 0 || sum(spans.map(points)) > maxWork) spans = [[0, pieces.length]];
  return { pieces, spans, shapes: spans.map(([i, j]) => shapeOf(boxes.slice(i, j))), boundaries };
}

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

function partsOf(stroke, start = 0) {
  const before = running(stroke);
  const after = running([...stroke].reverse()).reverse();
  const overlaps = before.map(([, top, right, bottom], i) => {
    const [nextLeft, nextTop, , nextBottom] = after[i];
    const height = Math.min(bottom - top, nextBottom - nextTop);
    const beside = Math.min(bottom, nextBottom) - Math.max(top, nextTop);
    return height < 0.5 || beside < 0.5 * height ? Infinity : right - nextLeft;
  });
  const limit = Math.min(least(overlaps) + 0.02, 0.05);
  const thin = [...overlaps.keys()].filter((i) => overlaps[i] <= limit);
  const [left, , right] = after[0];
  if (thin.length === 0 || right - left < 0.6) return [[start, start + stroke.length]];
  const at = thin[Math.floor(thin.length / 2)];
  return [...partsOf(stroke.slice(0, at + 1), start), ...partsOf(stroke.slice(at), start + at)];
}

// The box of all points until each one.
function running(points) {
  const boxes = [];
  for (const [x, y] of points) boxes.push(around([...boxes.slice(-1), [x, y, x, y]]));
  return boxes;
}

function boundaryOf(pieces, boxes, k) {
  const [[left, , right], [x0, , x1]] = [boxes[k - 1], boxes[k]];
  const narrower = Math.max(Math.min(right - left, x1 - x0), 0.1);
  const over = (Math.min(right, x1) - Math.max(left, x0)) / narrower;
  const [[stroke, , stop], [next, start]] = [pieces[k - 1], pieces[k]];
  const isCut = stroke === next && stop === start + 1 ? 1 : 0;
  return [1, Math.max(over, 0) ** 2, Math.min((x0 + x1 - left - right) / 2, 1), isCut];
}

function spansOf(boxes) {
  const spans = [];
  const middles = boxes.map(([left, , right]) => (left + right) / 2);
  for (let first = 0; first < boxes.length; first++) {
    spans.push([first, first + 1]);
    for (let stop = first + 2; stop <= Math.min(first + maxSpan, boxes.length); stop++) {
      if (middles[stop - 1] - middles[stop - 2] > maxApart) break;
      const [left, , right] = around(boxes.slice(first, stop));
      if (right - left <= maxWidth) spans.push([first, stop]);
    }
  }
  return spans;
}

function shapeOf(boxes) {
  const [left, top, right, bottom] = around(boxes);
  const height = bottom - top;
  const lower = Math.log(Math.max(0.9 / Math.max(height, 0.05), 1));
  return [lower, Math.max((right - left) / Math.max(height, 0.5) - 1, 0)];
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

// The best division of a line; `read` reads a span.
function divide({ pieces, spans, shapes, boundaries }, read) {
  const ways = spans.map(([first, stop], k) => {
    const boundary = sum(boundaries[first].map((value, i) => value * cut[i]));
    return { first, stop, score: low * shapes[k][0] + wide * shapes[k][1] + boundary };
  });
  const add = (way) => {
    way.digit = read([way.first, way.stop]);
    way.score += reading * Math.log(way.digit.confidence);
  };
  const alone = ways.filter(({ first, stop }) => stop - first === 1);
  alone.forEach(add);
  const parts = ({ first, stop }) => sum(alone.slice(first, stop).map(({ score }) => score));
  const isHopeful = (way) => !way.digit && parts(way) - way.score < hopeless;
  ways.filter((way) => alone.length === 0 || isHopeful(way)).forEach(add);
  const known = ways.filter(({ digit }) => digit);
  return best(pieces, known);
}

function best(pieces, spans) {
  const count = pieces.length;
  const [before, after, highest] = [0, 1, 2].map(() => Array(count + 1).fill(-Infinity));
  const lastSpan = [];
  before[0] = after[count] = highest[0] = 0;
  for (const span of spans) {
    const { first, stop, score } = span;
    before[stop] = logAddExp(before[stop], before[first] + score);
    if (highest[first] + score > highest[stop]) {
      [highest[stop], lastSpan[stop]] = [highest[first] + score, span];
    }
  }
  for (const { first, stop, score } of [...spans].reverse()) {
    after[first] = logAddExp(after[first], score + after[stop]);
  }
  const way = [];
  for (let place = count; place > 0; place = way[0].first) way.unshift(lastSpan[place]);
  return {
    groups: way.map(({ first, stop }) => pieces.slice(first, stop)),
    digits: way.map(({ digit }) => digit),
    spanProbabilities: way.map(
      ({ first, stop, score }) => Math.exp(before[first] + score + after[stop] - after[0]),
    ),
    segmentationProbability: Math.exp(highest[count] - after[0]),
  };
}

function logAddExp(a, b) {
  const larger = Math.max(a, b);
  return larger === -Infinity ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
}
