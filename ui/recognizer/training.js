// Trains a network as PyTorch does: nn.Linear's start, ReLU, one of recipes.py's losses, and SGD or
// Adam, a batch at a time. Weights lie input by input, and inputs are lists of what is not 0, so
// that the others, as most pixels are, cost nothing.

import { PIXELS } from "./framing.js";
import { DIGITS } from "./network.js";

// What computes each loss: its value, and into `errors` its slopes for the ten scores.
const LOSS_FUNCTIONS = {
  nll: crossEntropy,
  "cross-entropy": crossEntropy,
  "softmax-cross-entropy": softmaxCrossEntropy,
  "log-of-softmax": logOfSoftmax,
};
const OPTIMIZERS = { sgd: descend, adam: descendAdam };
const shares = new Float32Array(DIGITS); // of the image that is being learned

// Numbers in 0..1, the same ones for the same seed: mulberry32.
/** @param {number} seed @returns {() => number} */
export function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The numbers below `count` in a random order.
export function shuffled(count, random) {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

// An untrained network with hidden layers of these widths.
/** @returns {Network} */
export function createNetwork(hidden, random) {
  const widths = [PIXELS, ...hidden, DIGITS];
  const layers = widths.slice(1).map((units, i) => {
    const limit = 1 / Math.sqrt(widths[i]);
    const draw = (length) => Float32Array.from({ length }, () => limit * (2 * random() - 1));
    const steps = new Float32Array(units).fill(1);
    return { steps, weights: draw(widths[i] * units), biases: draw(units) };
  });
  return { name: "", hidden, thresholds: { digit: 0, sure: 0 }, layers };
}

// The pixels of images, 784 grey values each, that are not 0, and their values in 0..1: those of
// image i are from starts[i] to starts[i + 1].
/** @param {Uint8Array} images @returns {Ink} */
export function inkOf(images) {
  const starts = new Int32Array(images.length / PIXELS + 1);
  const [places, values] = [new Int32Array(images.length), new Float32Array(images.length)];
  let count = 0;
  for (let image = 0; image < starts.length - 1; image++) {
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const value = images[image * PIXELS + pixel];
      if (value === 0) continue;
      places[count] = pixel;
      values[count++] = value / 255;
    }
    starts[image + 1] = count;
  }
  return { starts, places: places.slice(0, count), values: values.slice(0, count) };
}

export class Trainer {
  #layers;
  #loss;
  #descend;
  #rate;
  #steps = 0;

  /** @param {Network} network it is changed in place; its steps must be 1 */
  constructor(network, { optimizer, learning_rate, loss }) {
    this.#layers = network.layers.map(({ weights, biases }) => ({
      units: biases.length,
      weights: createParameters(weights),
      biases: createParameters(biases),
      sums: new Float32Array(biases.length),
      errors: new Float32Array(biases.length), // the loss's slopes for the sums
      places: new Int32Array(biases.length), // of the units that are on
      values: new Float32Array(biases.length), // and their values
      count: 0, // of them
    }));
    this.#loss = LOSS_FUNCTIONS[loss];
    this.#descend = OPTIMIZERS[optimizer];
    this.#rate = learning_rate;
  }

  // A step on the images at the indices `batch`. Gives their mean loss before it.
  /** @param {Ink} ink @param {Uint8Array} labels @param {Int32Array} batch */
  step(ink, labels, batch) {
    const last = this.#layers.at(-1);
    let sum = 0;
    for (let k = 0; k < batch.length; k++) {
      this.#forward(ink, batch[k]);
      sum += this.#loss(last.sums, labels[batch[k]], last.errors);
      for (let unit = 0; unit < DIGITS; unit++) last.errors[unit] /= batch.length;
      this.#backward(ink, batch[k]);
    }
    this.#steps++;
    for (const { weights, biases } of this.#layers) {
      this.#descend(weights, this.#rate, this.#steps);
      this.#descend(biases, this.#rate, this.#steps);
    }
    return sum / batch.length;
  }

  // Ten probabilities of an image, in an array of its own.
  /** @param {Ink} ink */
  probabilities(ink, image) {
    const found = new Float32Array(DIGITS);
    softmax(this.#forward(ink, image), found);
    return found;
  }

  // What the network takes images for, the share that it reads right and its mean surprise, which
  // is -log of the right digit's probability.
  /** @param {Ink} ink @param {Uint8Array} labels as many of the first images as there are labels */
  evaluate(ink, labels) {
    const guesses = new Uint8Array(labels.length);
    const unused = new Float32Array(DIGITS);
    let [right, surprise] = [0, 0];
    for (let image = 0; image < labels.length; image++) {
      const scores = this.#forward(ink, image);
      for (let digit = 1; digit < DIGITS; digit++) {
        if (scores[digit] > scores[guesses[image]]) guesses[image] = digit;
      }
      if (guesses[image] === labels[image]) right++;
      surprise += crossEntropy(scores, labels[image], unused);
    }
    return { guesses, accuracy: right / labels.length, surprise: surprise / labels.length };
  }

  // Gives the scores.
  #forward({ starts, places, values }, image) {
    add(this.#layers[0], places, values, starts[image], starts[image + 1]);
    for (let i = 1; i < this.#layers.length; i++) {
      const before = this.#layers[i - 1];
      switchOn(before);
      add(this.#layers[i], before.places, before.values, 0, before.count);
    }
    return this.#layers.at(-1).sums;
  }

  #backward({ starts, places, values }, image) {
    for (let i = this.#layers.length - 1; i > 0; i--) {
      const before = this.#layers[i - 1];
      passErrors(this.#layers[i], before);
      addSlopes(this.#layers[i], before.places, before.values, 0, before.count);
    }
    addSlopes(this.#layers[0], places, values, starts[image], starts[image + 1]);
  }
}

// Values that are learned, the loss's slopes for them, and Adam's moments of these.
function createParameters(values) {
  const create = () => new Float32Array(values.length);
  return { values, slopes: create(), mean: create(), square: create() };
}

// A layer's sums from inputs that are not 0: those from `start` to `end`.
function add({ units, weights, biases, sums }, places, inputs, start, end) {
  const { values } = weights;
  sums.set(biases.values);
  for (let k = start; k < end; k++) {
    const row = places[k] * units;
    const input = inputs[k];
    for (let unit = 0; unit < units; unit++) sums[unit] += input * values[row + unit];
  }
}

// ReLU, as a list of what is not 0; what is no number stays so, as in PyTorch.
function switchOn(layer) {
  const { units, sums, places, values } = layer;
  let count = 0;
  for (let unit = 0; unit < units; unit++) {
    if (sums[unit] <= 0) continue;
    places[count] = unit;
    values[count++] = sums[unit];
  }
  layer.count = count;
}

function passErrors({ units, weights, errors }, before) {
  const { values } = weights;
  before.errors.fill(0);
  for (let k = 0; k < before.count; k++) {
    const row = before.places[k] * units;
    let sum = 0;
    for (let unit = 0; unit < units; unit++) sum += errors[unit] * values[row + unit];
    before.errors[before.places[k]] = sum;
  }
}

function addSlopes({ units, weights, biases, errors }, places, inputs, start, end) {
  const { slopes } = weights;
  for (let unit = 0; unit < units; unit++) biases.slopes[unit] += errors[unit];
  for (let k = start; k < end; k++) {
    const row = places[k] * units;
    const input = inputs[k];
    for (let unit = 0; unit < units; unit++) slopes[row + unit] += input * errors[unit];
  }
}

function descend({ values, slopes }, rate) {
  for (let i = 0; i < values.length; i++) {
    values[i] -= rate * slopes[i];
    slopes[i] = 0;
  }
}

// Kingma and Ba, 2015, with PyTorch's defaults.
function descendAdam({ values, slopes, mean, square }, rate, step) {
  const size = rate / (1 - 0.9 ** step);
  const root = Math.sqrt(1 - 0.999 ** step);
  for (let i = 0; i < values.length; i++) {
    const slope = slopes[i];
    mean[i] += 0.1 * (slope - mean[i]);
    square[i] += 0.001 * (slope * slope - square[i]);
    values[i] -= (size * mean[i]) / (Math.sqrt(square[i]) / root + 1e-8);
    slopes[i] = 0;
  }
}

// Losses ----------------------------------------------------------------------

// Gives the logarithm of the sum of all e^score.
function softmax(scores, result) {
  let [largest, sum] = [-Infinity, 0];
  for (let i = 0; i < DIGITS; i++) largest = Math.max(largest, scores[i]);
  for (let i = 0; i < DIGITS; i++) sum += result[i] = Math.exp(scores[i] - largest);
  for (let i = 0; i < DIGITS; i++) result[i] /= sum;
  return largest + Math.log(sum);
}

function crossEntropy(scores, label, errors) {
  const total = softmax(scores, errors);
  errors[label] -= 1;
  return total - scores[label];
}

function softmaxCrossEntropy(scores, label, errors) {
  softmax(scores, shares);
  const loss = crossEntropy(shares, label, errors);
  passSoftmax(errors);
  return loss;
}

// Where a share is 0 in float32 its logarithm breaks the network.
function logOfSoftmax(scores, label, errors) {
  softmax(scores, shares);
  for (let i = 0; i < DIGITS; i++) errors[i] = (i === label ? -1 : 0) / shares[i];
  passSoftmax(errors);
  return -Math.log(shares[label]);
}

// From slopes for `shares` to slopes for the scores.
function passSoftmax(errors) {
  let sum = 0;
  for (let i = 0; i < DIGITS; i++) sum += errors[i] * shares[i];
  for (let i = 0; i < DIGITS; i++) errors[i] = shares[i] * (errors[i] - sum);
}
