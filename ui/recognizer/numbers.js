// Strokes -> the digits of a number, as mnist_core/drawing/numbers.py divides them and
// mnist_core/recognizer.py reads them: the same steps and constants, which are explained there.

import { frameStrokes } from "./framing.js";
import { predictPixels } from "./recognizer.js";

const MAX_DIGITS = 8;
const MAX_PIECES = 40;
const MAX_WORK = 20_000;
const MAX_SPAN = 5;
const [MAX_APART, MAX_WIDTH] = [0.8, 1.7];
const [READING, LOW, WIDE] = [6, -6.7, -4];
const CUT = [2.3, -2.5, 4.7, -5.2];
const SURE = 0.9;

const sum = (values) => values.reduce((total, value) => total + value, 0);
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

// Reads one to eight digits. Gives their `number`, a text; `digits`, what predictPixels gives for
// each; `groups`, of which pieces each is, [stroke, from, to (not included)], without strokes that
// have no points; `confidence`, how probable it is that all is read right; the `verdict`, as
// predictPixels has them, of all; and the place of the `doubtful` digit, null where all are sure.
// `groups`, as this gives them, say how to divide the strokes, where a person has decided.
export function predictNumber(network, strokes, groups = null) {
  const inked = strokes.filter((stroke) => stroke.length > 0);
  const read = (pieces) => predictPixels(network, frameStrokes(drawn(inked, pieces)));
  const isDivided = groups || inked.length === 0;
  const found = isDivided ? given(groups ?? [], read) : divided(inked, read);
  const confidences = found.digits.map((digit, i) => found.chances[i] * digit.confidence);
  const confidence = found.digits.reduce((product, d) => product * d.confidence, found.together);
  const verdict = verdictOf(found.digits, confidence);
  const doubtful = ["sure", "empty"].includes(verdict) ? null : confidences.indexOf(least(confidences));
  const number = found.digits.map(({ digit }) => digit).join("");
  return { number, digits: found.digits, groups: found.groups, confidence, verdict, doubtful };
}

function given(groups, read) {
  return { groups, digits: groups.map(read), chances: groups.map(() => 1), together: 1 };
}

function divided(strokes, read) {
  const line = measure(strokes);
  const digits = line.spans.map(([first, stop]) => read(line.pieces.slice(first, stop)));
  const readings = digits.map(({ confidence }) => Math.log(confidence));
  const { way, chances, together } = divide(line, readings);
  if (way.length > MAX_DIGITS) return given([line.pieces], read);
  const groups = way.map((k) => line.pieces.slice(...line.spans[k]));
  return { groups, digits: way.map((k) => digits[k]), chances, together };
}

function verdictOf(digits, confidence) {
  const verdicts = digits.map(({ verdict }) => verdict);
  if (verdicts.includes("no digit")) return "no digit";
  if (digits.length < 2) return verdicts[0] ?? "empty";
  return confidence >= SURE && !verdicts.includes("unsure") ? "sure" : "unsure";
}

// {pieces, spans: [from, to (not included)], shapes, places}.
export function measure(strokes) {
  const height = heightOf(strokes);
  const lean = leanOf(strokes, height / 8);
  const upright = strokes.map((s) => s.map(([x, y]) => [(x - lean * y) / height, y / height]));
  const parts = upright.flatMap((stroke, i) => partsOf(stroke).map((part) => [i, ...part]));
  const boxed = parts.map((piece) => [piece, boxOf(upright[piece[0]].slice(piece[1], piece[2]))]);
  boxed.sort(([, a], [, b]) => a[0] + a[2] - (b[0] + b[2]));
  const [pieces, boxes] = [boxed.map(([piece]) => piece), boxed.map(([, box]) => box)];
  const places = pieces.map((_, k) => (k ? placeOf(pieces, boxes, k) : [0, 0, 0, 0]));
  let spans = pieces.length <= MAX_PIECES ? spansOf(boxes) : [];
  const points = ([i, j]) => sum(pieces.slice(i, j).map(([, start, stop]) => stop - start));
  if (spans.length === 0 || sum(spans.map(points)) > MAX_WORK) spans = [[0, pieces.length]];
  return { pieces, spans, shapes: spans.map(([i, j]) => shapeOf(boxes.slice(i, j))), places };
}

function boxOf(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [least(xs), least(ys), most(xs), most(ys)];
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

function placeOf(pieces, boxes, k) {
  const [[left, , right], [x0, , x1]] = [boxes[k - 1], boxes[k]];
  const narrower = Math.max(Math.min(right - left, x1 - x0), 0.1);
  const over = (Math.min(right, x1) - Math.max(left, x0)) / narrower;
  const [[stroke, , stop], [next, start]] = [pieces[k - 1], pieces[k]];
  const cut = stroke === next && stop === start + 1 ? 1 : 0;
  return [1, Math.max(over, 0), Math.min((x0 + x1 - left - right) / 2, 1), cut];
}

function spansOf(boxes) {
  const spans = [];
  const middles = boxes.map(([left, , right]) => (left + right) / 2);
  for (let first = 0; first < boxes.length; first++) {
    spans.push([first, first + 1]);
    for (let stop = first + 2; stop <= Math.min(first + MAX_SPAN, boxes.length); stop++) {
      if (middles[stop - 1] - middles[stop - 2] > MAX_APART) break;
      const [left, , right] = around(boxes.slice(first, stop));
      if (right - left <= MAX_WIDTH) spans.push([first, stop]);
    }
  }
  return spans;
}

function shapeOf(boxes) {
  const [left, top, right, bottom] = around(boxes);
  const height = bottom - top;
  const low = Math.log(Math.max(0.9 / Math.max(height, 0.05), 1));
  return [low, Math.max((right - left) / Math.max(height, 0.5) - 1, 0)];
}

function drawn(strokes, pieces) {
  const joined = [];
  for (const [i, start, stop] of [...pieces].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = joined.at(-1);
    if (last && last[0] === i && last[2] === start + 1) last[2] = stop;
    else joined.push([i, start, stop]);
  }
  return joined.map(([i, start, stop]) => strokes[i].slice(start, stop));
}

function divide({ pieces, spans, shapes, places }, readings) {
  const scores = spans.map(([first], k) => {
    const part = sum(places[first].map((value, i) => value * CUT[i]));
    return READING * readings[k] + LOW * shapes[k][0] + WIDE * shapes[k][1] + part;
  });
  const count = pieces.length;
  const [before, after, best] = [0, 1, 2].map(() => Array(count + 1).fill(-Infinity));
  const lastSpan = [];
  before[0] = after[count] = best[0] = 0;
  spans.forEach(([first, stop], k) => {
    before[stop] = logAddExp(before[stop], before[first] + scores[k]);
    if (best[first] + scores[k] > best[stop]) {
      [best[stop], lastSpan[stop]] = [best[first] + scores[k], k];
    }
  });
  for (let k = spans.length - 1; k >= 0; k--) {
    const [first, stop] = spans[k];
    after[first] = logAddExp(after[first], scores[k] + after[stop]);
  }
  const way = [];
  for (let place = count; place > 0; [place] = spans[way[0]]) way.unshift(lastSpan[place]);
  const chanceOf = (k) => before[spans[k][0]] + scores[k] + after[spans[k][1]] - after[0];
  const chances = way.map((k) => Math.exp(chanceOf(k)));
  return { way, chances, together: Math.exp(best[count] - after[0]) };
}

function logAddExp(a, b) {
  const larger = Math.max(a, b);
  return larger === -Infinity ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
}
