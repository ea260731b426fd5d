// The network that mnist_core/network/browser.py writes for browsers: read, run and explained.
//
// A layer's weights are whole numbers in -127..127, times a step for each of its units. They lie
// input by input, so that an input of 0, as most are, costs nothing.

import { PIXELS } from "./framing.js";

const MAGIC = "MLP8bit1";
const DIGITS = 10;

/**
 * @typedef {object} Layer
 * @property {Int8Array} weights - Of inputs x units, an input's weights side by side.
 * @property {Float32Array} steps - For each unit what its weights are to be multiplied by.
 * @property {Float32Array} biases - For each unit.
 * @property {Float64Array} values - The units' values when the layer last ran.
 *
 * @typedef {object} Network
 * @property {string} name - Eight hex digits.
 * @property {number[]} hidden - Widths of the hidden layers.
 * @property {{digit: number, sure: number}} thresholds - Of the verdicts, in [0, 1].
 * @property {Float64Array} inputs - The 784 inputs in [0, 1] that the network last read.
 * @property {Layer[]} layers
 */

/**
 * Read a network from its file.
 * @param {ArrayBuffer} file - 8 bytes of magic and version, the CRC-32 of all that follows, the
 *   length of a JSON header and the header; the steps and biases of each layer; their weights.
 * @returns {Network}
 * @throws {Error} Where the file is cut short, damaged or of another version.
 */
export function readNetwork(file) {
  const bytes = new Uint8Array(file);
  if (String.fromCharCode(...bytes.subarray(0, 8)) !== MAGIC) {
    throw new Error("the network's file is of another version, or is none");
  }
  const view = new DataView(file);
  if (file.byteLength < 16 || view.getUint32(8, true) !== crc32(bytes.subarray(12))) {
    throw new Error("the network's file is cut short or damaged");
  }
  let place = 16 + view.getUint32(12, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, place)));
  const take = (type, length) => {
    const values = new type(file, place, length);
    place += values.byteLength;
    return values;
  };
  const widths = [PIXELS, ...header.hidden, DIGITS];
  const layers = widths.slice(1).map((units) => {
    const [steps, biases] = [take(Float32Array, units), take(Float32Array, units)];
    return { steps, biases, values: new Float64Array(units) };
  });
  layers.forEach((layer, i) => {
    layer.weights = take(Int8Array, widths[i] * widths[i + 1]);
  });
  return { ...header, layers, inputs: new Float64Array(PIXELS) };
}

/**
 * @param {Network} network
 * @param {ArrayLike<number>} pixels - 784 grey values in 0..255, ink bright.
 * @returns {Float64Array} 10 log-probabilities.
 */
export function logProbabilities(network, pixels) {
  const scores = run(network, pixels);
  const largest = Math.max(...scores);
  const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
  return scores.map((score) => score - largest - Math.log(sum));
}

/**
 * What each pixel adds to the score of a digit over another's. Together with the constant they are
 * exactly log p(digit) - log p(other): with its units switched on and off as these pixels switch
 * them, a ReLU network is one linear map, weights x pixels + constant.
 * @param {Network} network
 * @param {ArrayLike<number>} pixels - 784 grey values in 0..255, ink bright.
 * @param {number} digit
 * @param {number} other - Another digit.
 * @returns {{contributions: number[], constant: number}} 784 contributions.
 */
export function explain(network, pixels, digit, other) {
  run(network, pixels);
  const { weights, steps, biases } = network.layers.at(-1);
  let constant = biases[digit] - biases[other];
  // Of the units before a layer, at first the last: what one of each adds.
  let slopes = Float64Array.from({ length: weights.length / DIGITS }, (_, unit) => {
    const own = weights.subarray(DIGITS * unit, DIGITS * (unit + 1));
    return own[digit] * steps[digit] - own[other] * steps[other];
  });
  for (let i = network.layers.length - 2; i >= 0; i--) {
    const layer = network.layers[i];
    slopes = slopes.map((slope, unit) => (layer.values[unit] > 0 ? slope : 0));
    constant += slopes.reduce((sum, slope, unit) => sum + slope * layer.biases[unit], 0);
    slopes = slopesBefore(layer, slopes, network.layers[i - 1]?.values ?? network.inputs);
  }
  return { contributions: Array.from(slopes, (slope, i) => slope * network.inputs[i]), constant };
}

// The values of the last layer; those of all layers stay in them.
function run(network, pixels) {
  let inputs = network.inputs;
  for (let i = 0; i < PIXELS; i++) inputs[i] = Math.fround(pixels[i] / 255);
  for (const layer of network.layers) {
    multiply(layer, inputs);
    inputs = layer.values;
    if (layer !== network.layers.at(-1)) relu(inputs);
  }
  return inputs;
}

function relu(values) {
  for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i], 0);
}

function multiply({ weights, steps, biases, values }, inputs) {
  const units = values.length;
  values.fill(0);
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input === 0) continue;
    const start = i * units;
    for (let unit = 0; unit < units; unit++) values[unit] += input * weights[start + unit];
  }
  for (let unit = 0; unit < units; unit++) values[unit] = values[unit] * steps[unit] + biases[unit];
}

// `multiply` backwards, for the inputs that are not 0.
function slopesBefore({ weights, steps, values }, slopes, inputs) {
  const units = values.length;
  const scaled = slopes.map((slope, unit) => slope * steps[unit]);
  return inputs.map((input, i) => {
    if (input === 0) return 0;
    const start = i * units;
    let sum = 0;
    for (let unit = 0; unit < units; unit++) sum += scaled[unit] * weights[start + unit];
    return sum;
  });
}

function crc32(bytes) {
  const table = Uint32Array.from({ length: 256 }, (_, value) => {
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  let rest = 0xffffffff;
  for (const byte of bytes) rest = (rest >>> 8) ^ table[(rest ^ byte) & 0xff];
  return ~rest >>> 0;
}
