// Learning from a few drawings: a network's last layer goes on for a fraction of a second with
// them, its lessons, while images of MNIST are rehearsed and held to its own earlier answers, as in
// mnist_core/corrections/finetune.py, which names the papers. docs/corrections.md has what it
// achieves and docs/experiments.md how the settings were chosen.
//
// What takes long is a generator that pauses after each piece of work, a forward pass at most, so
// that whoever runs it decides how long to go on at a time: see session/slices.js.

import { readAll } from "./images.js";
import { DIGITS, forward, logSoftmax } from "./network.js";

const STEPS = 240; // of Adam (Kingma and Ba, 2015), at most; a misread drawing needs some 30
const RATE = 0.005; // Adam's
const ENOUGH = 0.9; // as soon as the digit of each lesson is so probable it ends
const KEEP = 1000; // weight of the rehearsal's mean loss, beside 1 for each lesson's
const MAY_MOVE = 0.001; // mean divergence of the rehearsed answers: wrong lessons move them more
const TINY = 1e-12; // has a logarithm
// Changes whenever the same lessons would be learned otherwise: what was learned before is stale.
export const LEARNING = [STEPS, RATE, ENOUGH, KEEP, MAY_MOVE].join(" ");

// What a network's last layer needs to go on: an example for each of `images`, 784 grey values.
/** @param {Network} network @param {Uint8Array} images @returns {Generator<void, Example[]>} */
export function rehearse(network, images) {
  return readAll(images, (pixels) => exampleOf(network, pixels));
}

// The network after `lessons`, the latest last: another of the same form, which says in `lessons`
// how many it learned. These are all, or where all would move the answers `rehearsed` (what
// `rehearse` gave) too far, the later half, and so on.
/** @param {Iterable<{pixels: Uint8Array, label: number}>} lessons @param {Example[]} rehearsed */
export function* teach(network, lessons, rehearsed) {
  let used = [];
  for (const { pixels, label } of lessons) {
    used.push({ ...exampleOf(network, pixels), label });
    yield;
  }
  for (; used.length > 0; used = used.slice(Math.ceil(used.length / 2))) {
    const weights = yield* learn(network.layers.at(-1), used, rehearsed);
    if ((yield* divergence(weights, rehearsed)) > MAY_MOVE) continue;
    return withLastLayer(network, Float32Array.from(weights), used.length);
  }
  return { ...network, lessons: 0 };
}

// `network` with another last layer: ten weights for each input, then ten biases.
/** @param {Network} network @param {Float32Array} weights @returns {Network} */
export function withLastLayer(network, weights, lessons) {
  const layer = {
    steps: new Float32Array(DIGITS).fill(1),
    biases: weights.subarray(-DIGITS),
    weights: weights.subarray(0, -DIGITS),
  };
  return { ...network, layers: network.layers.with(-1, layer), lessons };
}

// The bias is the weight of one more input, which is always 1.
function exampleOf(network, pixels) {
  const { inputs: image, layers, scores } = forward(network, pixels);
  const values = [...(layers.at(-2) ?? image), 1];
  const inputs = Int32Array.from(values.keys()).filter((input) => values[input] !== 0);
  const answer = logSoftmax(scores).map(Math.exp);
  return { answer, inputs, values: Float64Array.from(inputs, (input) => values[input]) };
}

function* learn({ weights, steps, biases }, lessons, rehearsed) {
  const scaled = Float64Array.from(weights, (weight, i) => weight * steps[i % DIGITS]);
  const learned = Float64Array.from([...scaled, ...biases]);
  const [mean, square] = [new Float64Array(learned.length), new Float64Array(learned.length)];
  for (let step = 1; step <= STEPS; step++) {
    const slopes = new Float64Array(learned.length);
    const wanted = lessons.map((lesson) => {
      const answer = new Float64Array(DIGITS);
      answer[lesson.label] = 1;
      return addSlopes(slopes, learned, { ...lesson, answer }, 1)[lesson.label];
    });
    if (Math.min(...wanted) > ENOUGH) break;
    for (const each of rehearsed) {
      addSlopes(slopes, learned, each, KEEP / rehearsed.length);
      yield;
    }
    descend(learned, slopes, mean, square, step);
    yield;
  }
  return learned;
}

// Adds the slopes of an example's loss times `weight`, the cross-entropy with its `answer`, and
// gives the ten probabilities.
function addSlopes(slopes, weights, { answer, inputs, values }, weight) {
  const probabilities = probabilitiesOf(weights, inputs, values);
  const errors = new Float64Array(DIGITS);
  for (let i = 0; i < DIGITS; i++) errors[i] = weight * (probabilities[i] - answer[i]);
  for (let k = 0; k < inputs.length; k++) {
    const start = DIGITS * inputs[k];
    const value = values[k];
    for (let i = 0; i < DIGITS; i++) slopes[start + i] += value * errors[i];
  }
  return probabilities;
}

function probabilitiesOf(weights, inputs, values) {
  const shares = new Float64Array(DIGITS);
  for (let k = 0; k < inputs.length; k++) {
    const start = DIGITS * inputs[k];
    const value = values[k];
    for (let i = 0; i < DIGITS; i++) shares[i] += value * weights[start + i];
  }
  let [largest, sum] = [-Infinity, 0];
  for (let i = 0; i < DIGITS; i++) largest = Math.max(largest, shares[i]);
  for (let i = 0; i < DIGITS; i++) sum += shares[i] = Math.exp(shares[i] - largest);
  for (let i = 0; i < DIGITS; i++) shares[i] /= sum;
  return shares;
}

// A step of Adam's, in place.
function descend(weights, slopes, mean, square, step) {
  const [meanShare, squareShare] = [1 - 0.9 ** step, 1 - 0.999 ** step];
  for (let i = 0; i < weights.length; i++) {
    mean[i] += 0.1 * (slopes[i] - mean[i]);
    square[i] += 0.001 * (slopes[i] * slopes[i] - square[i]);
    const size = Math.sqrt(square[i] / squareShare) + 1e-8;
    weights[i] -= (RATE * mean[i]) / meanShare / size;
  }
}

// How far the rehearsed answers have moved: their mean Kullback-Leibler divergence.
function* divergence(weights, rehearsed) {
  let sum = 0;
  for (const { answer, inputs, values } of rehearsed) {
    const now = probabilitiesOf(weights, inputs, values);
    answer.forEach((before, i) => (sum += before * Math.log((before + TINY) / (now[i] + TINY))));
    yield;
  }
  return sum / rehearsed.length;
}
