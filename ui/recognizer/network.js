// The network that mnist_core/network/quantize.py writes for browsers: read and run. Its weights
// lie input by input, so that an input of 0, as most are, costs nothing.

import { PIXELS } from "./framing.js";

const MAGIC = "MLP8bit1";
export const DIGITS = 10;
const ALL_PIXELS = new Float64Array(PIXELS).fill(1); // also those without ink

// The network in a file whose form mnist_core/network/quantize.py describes. Throws Error where the
// file is cut short, damaged or of another version.
/** @param {ArrayBuffer} file @returns {Network} */
export function readNetwork(file) {
  const bytes = new Uint8Array(file);
  const [checksum, length] = new Uint32Array(file.slice(8, 16));
  if (new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) {
    throw new Error("this is no network's file, or one of another version");
  }
  if (checksum !== crc32(bytes.subarray(12))) {
    throw new Error("the network's file is cut short or damaged");
  }
  let place = 16 + length;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, place)));
  const take = (type, count) =>
    new type(file.slice(place, (place += count * type.BYTES_PER_ELEMENT)));
  const widths = [PIXELS, ...header.hidden, DIGITS];
  const layers = widths.slice(1).map((units, i) => ({
    steps: take(Float32Array, units),
    biases: take(Float32Array, units),
    weights: take(Int8Array, widths[i] * units),
  }));
  return { ...header, layers };
}

// The file of a network, which `readNetwork` reads. Each unit's weights are rounded to 255 values.
/** @param {Network} network @returns {Promise<Uint8Array>} */
export async function writeNetwork({ name, hidden, thresholds, layers }) {
  const header = new TextEncoder().encode(JSON.stringify({ name, hidden, thresholds }));
  const parts = layers.map(round).flatMap(({ steps, biases, weights }) => [steps, biases, weights]);
  const content = await bytesOf([Uint32Array.of(header.length), header, ...parts]);
  return bytesOf([MAGIC, Uint32Array.of(crc32(content)), content]);
}

const bytesOf = async (parts) => new Uint8Array(await new Blob(parts).arrayBuffer());

/** @param {Layer} layer @returns {Layer} */
function round({ weights, steps, biases }) {
  if (weights instanceof Int8Array) return { weights, steps, biases };
  const units = steps.length;
  const largest = new Float32Array(units).fill(1e-30); // a unit's weights may all be 0
  weights.forEach((weight, i) => {
    largest[i % units] = Math.max(largest[i % units], Math.abs(weight));
  });
  const rounded = largest.map((value) => value / 127);
  const whole = Int8Array.from(weights, (weight, i) => Math.round(weight / rounded[i % units]));
  return { weights: whole, steps: rounded.map((step, unit) => step * steps[unit]), biases };
}

// Run the network on 784 grey values, ink bright.
/** @param {Network} network @param {ArrayLike<number>} pixels @returns {Values} */
export function forward(network, pixels) {
  const inputs = new Float64Array(PIXELS);
  for (let i = 0; i < PIXELS; i++) inputs[i] = Math.fround(pixels[i] / 255);
  const layers = [];
  for (const layer of network.layers) {
    const isLast = layers.length === network.layers.length - 1;
    layers.push(multiply(layer, layers.at(-1) ?? inputs, isLast ? -Infinity : 0)); // ReLU
  }
  return { inputs, layers, scores: layers.at(-1) };
}

// The digit with the largest score or probability; -1 where one is no number.
/** @param {number[] | Float64Array | Float32Array} values */
export const likeliest = (values) => values.indexOf(Math.max(...values));

// Ten log-probabilities of 784 grey values.
/** @param {Network} network @param {ArrayLike<number>} pixels */
export const logProbabilities = (network, pixels) => logSoftmax(forward(network, pixels).scores);

// log(softmax(scores)), without a quotient, which could overflow.
/** @param {Float64Array} scores */
export function logSoftmax(scores) {
  const largest = Math.max(...scores);
  const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
  return scores.map((score) => score - largest - Math.log(sum));
}

// A layer's values, none below `least`.
/** @param {Layer} layer @param {Float64Array} inputs */
export function multiply({ weights, steps, biases }, inputs, least) {
  const units = steps.length;
  const values = new Float64Array(units);
  for (let i = 0; i < inputs.length; i++) {
    const [input, start] = [inputs[i], i * units];
    if (input === 0) continue;
    for (let unit = 0; unit < units; unit++) values[unit] += input * weights[start + unit];
  }
  for (let unit = 0; unit < units; unit++) {
    values[unit] = Math.max(values[unit] * steps[unit] + biases[unit], least);
  }
  return values;
}

// How much the sum of a layer's values, each times its slope, grows with each pixel where `wanted`
// is not 0, with the units before it switched on and off as this image switches them.
/** @param {Network} network @param {Values} values @param {Float64Array} slopes of layer `last` */
export function slopesOfPixels({ layers }, values, slopes, last, wanted = ALL_PIXELS) {
  for (let i = last; i >= 0; i--) {
    slopes = slopesBefore(layers[i], slopes, i > 0 ? values.layers[i - 1] : wanted);
  }
  return slopes;
}

// The slopes of a layer's inputs, from those of its values; 0 where the input is 0.
/** @param {Layer} layer @param {Float64Array} slopes @param {Float64Array} inputs */
export function slopesBefore({ weights, steps }, slopes, inputs) {
  const active = Int32Array.from(slopes.keys()).filter((unit) => slopes[unit] !== 0);
  const scaled = Float64Array.from(active, (unit) => slopes[unit] * steps[unit]);
  return inputs.map((input, i) => {
    const start = i * steps.length;
    let sum = 0;
    if (input === 0) return sum;
    for (let k = 0; k < active.length; k++) sum += scaled[k] * weights[start + active[k]];
    return sum;
  });
}

// The CRC-32 of bytes, as zlib has it.
/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  const table = new Int32Array(256).map((_, value) => {
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    return value;
  });
  let rest = -1;
  for (let i = 0; i < bytes.length; i++) rest = (rest >>> 8) ^ table[(rest ^ bytes[i]) & 255];
  return ~rest >>> 0;
}
