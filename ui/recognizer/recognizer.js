// A drawing in, a prediction out: the fields and verdicts of mnist_core's Prediction.

import { frameStrokes } from "./framing.js";
import { logProbabilities } from "./network.js";

const fround = Math.fround; // Python compares in float32

/**
 * Read a drawing, [[[x, y], ...], ...], or throw what `frameStrokes` does; else as below.
 * @param {object} network
 * @param {number[][][]} strokes
 */
export function predictStrokes(network, strokes) {
  return predictPixels(network, frameStrokes(strokes));
}

/**
 * Read 784 grey values in 0..255, ink bright, that are in MNIST's frame already.
 * @param {object} network - As `readNetwork` gives it; its name comes back as `network`.
 * @param {Uint8Array} pixels
 * @returns {{probabilities: number[], digit: ?number, runner_up: ?number, confidence: number,
 *   verdict: string, pixels: Uint8Array, network: string}} Ten probabilities that sum to 1; the
 *   leading digit and the second, null without ink; the largest probability; "sure", "unsure" when
 *   the second is close, "no digit" when even both together are improbable, "empty" without ink.
 */
export function predictPixels(network, pixels) {
  const isEmpty = pixels.every((pixel) => pixel === 0);
  const scores = isEmpty ? Array(10).fill(Math.log(0.1)) : logProbabilities(network, pixels);
  const probabilities = Array.from(scores, (score) => fround(Math.exp(score)));
  // Sorting is stable: of two equal probabilities the smaller digit leads.
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [first, second] = order.map((digit) => probabilities[digit]);
  const [digit, runner_up] = isEmpty ? [null, null] : order;
  const verdict = isEmpty ? "empty" : verdictOf(first, second, network.thresholds);
  const answer = { probabilities, digit, runner_up, confidence: first, verdict };
  return { ...answer, pixels, network: network.name };
}

function verdictOf(first, second, { digit, sure }) {
  if (fround(first + second) < fround(digit)) return "no digit";
  return fround(first - second) < fround(sure) ? "unsure" : "sure";
}
