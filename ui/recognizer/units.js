// What the single units of a network do about an image, whose `values` are those that `forward`
// gave. Layer 0 follows the pixels, the last has the ten scores.

import { PIXELS } from "./framing.js";
import { DIGITS, forward, multiply, slopesOfPixels } from "./network.js";

/** @param {Values} values */
export const countActive = (values, layer) => values.layers[layer].filter((v) => v > 0).length;

// What one of each of 784 pixels would add to a unit's value: in layer 0 its weights, later what
// comes of them with the units between switched on and off as this image switches them.
/** @param {Network} network @param {Values} values */
export function pictureOf(network, values, layer, unit) {
  const slopes = new Float64Array(values.layers[layer].length);
  slopes[unit] = 1;
  return slopesOfPixels(network, values, slopes, layer);
}

// What a unit's value adds to each of the ten scores, by the units after it that are on. The sum
// over a layer's units, and what the biases after it add in the same way, are the scores.
/** @param {Network} network @param {Values} values */
export function effectsOf({ layers }, values, layer, unit) {
  let added = new Float64Array(layers[layer].steps.length);
  added[unit] = values.layers[layer][unit];
  for (let i = layer + 1; i < layers.length; i++) {
    const biases = new Float32Array(layers[i].steps.length);
    const sums = multiply({ ...layers[i], biases }, added, -Infinity);
    const isLast = i === layers.length - 1;
    added = isLast ? sums : sums.map((sum, k) => (values.layers[i][k] > 0 ? sum : 0));
  }
  return added;
}

// How a unit's sum comes about: what ink adds to it, what ink takes away, and the rest, which is
// its bias and, in later layers, what comes of those before it. `picture` is that of pictureOf.
/** @param {Network} network @param {Values} values @param {Float64Array} picture */
export function ledgerOf({ layers }, values, layer, unit, picture) {
  const { weights, steps, biases } = layers[layer];
  const inputs = layer > 0 ? values.layers[layer - 1] : values.inputs;
  const sum = inputs.reduce((total, value, i) => {
    return total + value * weights[i * steps.length + unit] * steps[unit];
  }, biases[unit]);
  const parts = picture.map((slope, i) => slope * values.inputs[i]);
  const more = parts.reduce((total, part) => total + Math.max(part, 0), 0);
  const less = parts.reduce((total, part) => total + Math.min(part, 0), 0);
  return { more, less, biases: sum - more - less, sum };
}

// Numbers rounded to tenths so that they add up to their rounded sum: those with the largest rest
// are rounded up.
/** @param {number[]} numbers */
export function roundToSum(numbers) {
  const tenths = numbers.map((number) => Math.floor(10 * number));
  const total = Math.round(10 * numbers.reduce((sum, number) => sum + number, 0));
  const missing = total - tenths.reduce((sum, tenth) => sum + tenth, 0);
  const restOf = (i) => 10 * numbers[i] - tenths[i];
  const order = [...numbers.keys()].sort((a, b) => restOf(b) - restOf(a));
  for (const i of order.slice(0, missing)) tenths[i]++;
  return tenths.map((tenth) => tenth / 10);
}

// For each layer but the last its units in an order in which neighbours do alike: by the digit for
// which a unit's mean value is the highest, those that are surest of it first. `images` are 784
// grey values each, `digits` what they are.
/** @param {Network} network @param {Uint8Array} images @param {ArrayLike<number>} digits */
export function ordersOf(network, images, digits) {
  const { hidden } = network;
  const sums = hidden.map((width) => Array.from({ length: DIGITS }, () => new Float64Array(width)));
  const counts = new Float64Array(DIGITS);
  for (let k = 0; k < images.length / PIXELS; k++) {
    const { layers } = forward(network, images.subarray(k * PIXELS, (k + 1) * PIXELS));
    const digit = digits[k];
    counts[digit]++;
    hidden.forEach((_, i) => layers[i].forEach((value, unit) => (sums[i][digit][unit] += value)));
  }
  const mean = (sum, digit) => sum.map((value) => value / (counts[digit] || 1));
  return sums.map((ofDigits) => orderOf(ofDigits.map(mean)));
}

function orderOf(means) {
  const units = [...means[0].keys()].map((unit) => {
    const values = means.map((ofUnits) => ofUnits[unit]);
    const largest = Math.max(...values);
    const total = values.reduce((sum, value) => sum + value, 0);
    const digit = largest > 0 ? values.indexOf(largest) : DIGITS;
    return { unit, digit, share: largest / (total || 1) };
  });
  units.sort((a, b) => a.digit - b.digit || b.share - a.share);
  const starts = Array.from({ length: DIGITS + 1 }, (_, digit) => {
    const place = units.findIndex((each) => each.digit >= digit);
    return place < 0 ? units.length : place;
  });
  return { order: units.map(({ unit }) => unit), starts };
}
