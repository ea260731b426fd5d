// A drawing in, a prediction out: the fields and verdicts of mnist_core's Prediction.

import { frameStrokes } from "./framing.js";
import { logProbabilities } from "./network.js";

const DIGITS = 10;
const fround = Math.fround;

/**
 * @typedef {object} Prediction
 * @property {number[]} probabilities - Ten that sum to 1.
 * @property {number | null} digit - The leading one; null without ink.
 * @property {number | null} runner_up - The second; null without ink.
 * @property {number} confidence - The largest probability; 0.1 without ink.
 * @property {"empty" | "sure" | "unsure" | "no digit"} verdict - "unsure" when the runner-up is
 *   close, "no digit" when even the two leading digits together are improbable.
 * @property {Uint8Array} pixels - 784 grey values: what the network saw, ink bright.
 * @property {string} network - The name of the one that answered.
 */

/**
 * Read a drawing.
 * @param {import("./network.js").Network} network
 * @param {number[][][]} strokes - [[[x, y], ...], ...] in any unit, y down.
 * @returns {Prediction}
 * @throws {RangeError} As `frameStrokes` does.
 */
export function predictStrokes(network, strokes) {
  return predictPixels(network, frameStrokes(strokes));
}

/**
 * Read an image that is in MNIST's frame already.
 * @param {import("./network.js").Network} network
 * @param {ArrayLike<number>} pixels - 784 grey values in 0..255, ink bright.
 * @returns {Prediction}
 */
export function predictPixels(network, pixels) {
  const common = { pixels: Uint8Array.from(pixels), network: network.name };
  if (common.pixels.every((pixel) => pixel === 0)) {
    const probabilities = Array(DIGITS).fill(fround(0.1));
    const nothing = { digit: null, runner_up: null, confidence: fround(0.1), verdict: "empty" };
    return { ...common, probabilities, ...nothing };
  }
  const scores = logProbabilities(network, pixels);
  const probabilities = Array.from(scores, (score) => fround(Math.exp(score)));
  // Sorting is stable: of two equal probabilities the smaller digit leads.
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [digit, runner_up] = order;
  const [first, second] = [probabilities[digit], probabilities[runner_up]];
  const verdict = verdictOf(first, second, network.thresholds);
  return { ...common, probabilities, digit, runner_up, confidence: first, verdict };
}

// In float32, as Python compares.
function verdictOf(first, second, { digit, sure }) {
  if (fround(first + second) < fround(digit)) return "no digit";
  return fround(first - second) < fround(sure) ? "unsure" : "sure";
}
