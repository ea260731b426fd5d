// What the single units of a network do about an image: the one that `logProbabilities` read last,
// whose values lie in the layers. Layer 0 follows the pixels, the last has the ten scores.

import { PIXELS } from "./framing.js";
import { DIGITS, logProbabilities, multiply, slopesBefore } from "./network.js";

const ALL_PIXELS = new Float64Array(PIXELS).fill(1); // also those without ink

// What one of each of 784 pixels would add to a unit's value: in layer 0 its weights, later those
// that come of it with the units between switched on and off as this image switches them.
export function pictureOf({ layers }, layer, unit) {
  let slopes = new Float64Array(layers[layer].values.length);
  slopes[unit] = 1;
  for (let i = layer; i >= 0; i--) {
    slopes = slopesBefore(layers[i], slopes, i > 0 ? layers[i - 1].values : ALL_PIXELS);
  }
  return slopes;
}

// What a unit's value adds to each of the ten scores, by the units after it that are on. The sum
// over a layer's units, and what the biases after it add in the same way, are the scores.
export function effectsOf({ layers }, layer, unit) {
  let added = new Float64Array(layers[layer].values.length);
  added[unit] = layers[layer].values[unit];
  for (const next of layers.slice(layer + 1)) {
    const values = new Float64Array(next.values.length);
    multiply({ ...next, biases: values.slice(), values }, added, -Infinity);
    const isLast = next === layers.at(-1);
    added = isLast ? values : values.map((value, i) => (next.values[i] > 0 ? value : 0));
  }
  return added;
}

// For each layer but the last its units in an order in which neighbours do alike, {order, starts}:
// by the digit for which a unit's mean value is the highest, those that are surest of it first;
// `starts` are the places where each digit's begin, and where those begin that are never on.
// `images` hold 784 grey values each, `digits` what they are, or null: what the network reads.
export function ordersOf(network, images, digits) {
  const hidden = network.layers.slice(0, -1);
  const sums = hidden.map(({ values }) =>
    Array.from({ length: DIGITS }, () => new Float64Array(values.length)),
  );
  const counts = new Float64Array(DIGITS);
  for (let k = 0; k < images.length / PIXELS; k++) {
    const scores = logProbabilities(network, images.subarray(k * PIXELS, (k + 1) * PIXELS));
    const digit = digits?.[k] ?? scores.indexOf(Math.max(...scores));
    counts[digit]++;
    hidden.forEach(({ values }, i) => values.forEach((value, u) => (sums[i][digit][u] += value)));
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
