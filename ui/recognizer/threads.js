// Of a network's many connections the few that made a digit's score what it is.

import { DIGITS, slopesBefore } from "./network.js";

const COUNTS = [6, 4, 3, 2]; // inputs that are followed: of the score, of each of these, and so on

// The strongest threads to the score of `digit`, for each layer those from its inputs to its units,
// and how much the score grows with each unit's value by way of the units after it that are on (0
// where the unit itself is off). The `amount` of a thread is input × weight × that of its target:
// above 0 it is for the digit, wherever it is.
/** @param {Network} network @param {Values} values */
export function threadsTo({ layers }, values, digit) {
  /** @type {Thread[][]} */
  const threads = layers.map(() => []);
  /** @type {Float64Array[]} */
  const slopes = layers.map(() => new Float64Array(DIGITS));
  slopes.at(-1)[digit] = 1;
  let targets = [digit];
  for (let i = layers.length - 1; i >= 0; i--) {
    const inputs = i > 0 ? values.layers[i - 1] : values.inputs;
    const count = COUNTS[Math.min(layers.length - 1 - i, COUNTS.length - 1)];
    threads[i] = targets.flatMap((to) => strongest(layers[i], inputs, to, slopes[i][to], count));
    targets = [...new Set(threads[i].map(({ from }) => from))];
    if (i > 0) slopes[i - 1] = slopesBefore(layers[i], slopes[i], inputs);
  }
  return { threads, slopes };
}

function strongest({ weights, steps }, inputs, to, slope, count) {
  const found = [];
  inputs.forEach((value, from) => {
    const amount = value * weights[from * steps.length + to] * steps[to] * slope;
    if (amount !== 0) found.push({ from, to, amount });
  });
  return found.sort((a, b) => Math.abs(b.amount) - Math.abs(a.amount)).slice(0, count);
}
