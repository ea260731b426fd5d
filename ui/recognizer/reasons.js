// Why the network chose as it did: which piece of the ink matters, and what each pixel adds.

import { cutAt, lengthOf } from "./changes.js";
import { PIXELS, checkStrokes } from "./framing.js";
import { DIGITS, forward, logProbabilities, logSoftmax, slopesOfPixels } from "./network.js";
import { predictStrokes } from "./recognizer.js";

const PIECES = 12; // a drawing is cut into so many of the same length

// The drawing in twelve pieces, and what each is worth. A piece is taken away with its neighbours,
// as few answers change for one twelfth alone; `share` is by how much the log-odds of `digit` over
// `other` shrink then, as a part of them. Yields after each reading.
/** @param {Network} network @param {Stroke[]} drawing @returns {Generator<void, PieceOfInk[]>} */
export function* weighPieces(network, drawing, digit, other) {
  const strokes = checkStrokes(drawing);
  const pieces = cutEvenly(strokes);
  const oddsOf = ({ pixels }) => {
    const scores = logProbabilities(network, pixels);
    return scores[digit] - scores[other];
  };
  const before = oddsOf(predictStrokes(network, strokes));
  const weighed = [];
  for (const [i, piece] of pieces.entries()) {
    const without = pieces.flatMap((each, k) => (Math.abs(k - i) > 1 ? each : []));
    const answer = predictStrokes(network, without);
    const lost = answer.digit === null ? before : before - oddsOf(answer);
    weighed.push({ strokes: piece, answer, share: lost / Math.max(before, 1) });
    yield;
  }
  return weighed;
}

// Strokes as PIECES lists of strokes, each of the same length in all.
function cutEvenly(strokes) {
  const size = strokes.reduce((sum, stroke) => sum + lengthOf(stroke), 0) / PIECES;
  const pieces = [[]];
  let room = size;
  for (let rest of strokes) {
    while (size > 0 && lengthOf(rest) > room && pieces.length < PIECES) {
      const [start, end] = cutAt(rest, room);
      pieces.at(-1).push(start);
      pieces.push([]);
      [rest, room] = [end, size];
    }
    pieces.at(-1).push(rest);
    room -= lengthOf(rest);
  }
  return pieces;
}

// What each of 784 grey values adds to log p(digit) - log p(other) on the way from blank paper to
// this drawing: integrated gradients (Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep
// Networks", 2017) at `count` points. `blank` is the log-odds of blank paper, and `rest` what is
// missing: contributions + blank + rest = log-odds. `slopes` are those of the drawing itself, also
// where there is no ink. Where `other` is null the nine others' mean stands for it.
/** @param {Network} network @param {ArrayLike<number>} pixels @returns {Attribution} */
export function attribute(network, pixels, digit, other, count) {
  const sums = new Float64Array(PIXELS);
  for (let point = 0; point < count; point++) {
    const share = (point + 0.5) / count;
    const part = Float64Array.from(pixels, (pixel) => pixel * share);
    slopesOf(network, part, digit, other, part).forEach((slope, i) => (sums[i] += slope));
  }
  const contributions = Array.from(sums, (sum, i) => ((sum / count) * pixels[i]) / 255);
  const slopes = slopesOf(network, pixels, digit, other);
  const oddsOf = (values) => {
    const scores = logSoftmax(forward(network, values).scores);
    const others = scores.reduce((sum, score) => sum + score, 0) - scores[digit];
    return scores[digit] - (other === null ? others / (DIGITS - 1) : scores[other]);
  };
  const [blank, odds] = [oddsOf(new Float64Array(PIXELS)), oddsOf(pixels)];
  const sum = contributions.reduce((total, value) => total + value, 0);
  return { contributions, slopes, blank, odds, rest: odds - blank - sum };
}

// How much the difference of two scores grows with each input where `wanted` is not 0.
function slopesOf(network, pixels, digit, other, wanted = undefined) {
  const slopes = new Float64Array(DIGITS);
  if (other === null) slopes.fill(-1 / (DIGITS - 1));
  else slopes[other] = -1;
  slopes[digit] = 1;
  const values = forward(network, pixels);
  return slopesOfPixels(network, values, slopes, network.layers.length - 1, wanted);
}
