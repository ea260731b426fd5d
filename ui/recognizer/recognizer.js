// A drawing in, a prediction out: the fields and verdicts of mnist_core's Prediction.

import { frameStrokes } from "./framing.js";
import { logProbabilities } from "./network.js";

const fround = Math.fround; // Python compares in float32

// Read a drawing; throws what `frameStrokes` does.
/** @param {Network} network @param {Stroke[]} strokes */
export function predictStrokes(network, strokes) {
  return predictPixels(network, frameStrokes(strokes));
}

// Read 784 grey values in 0..255, ink bright, that are in MNIST's frame already. The verdict is
// "unsure" when the second digit is close, "no digit" when even both together are improbable and
// "empty" without ink, where digit and runner-up are null.
/** @param {Network} network @param {Uint8Array} pixels @returns {Answer} */
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

/** @returns {Verdict} */
function verdictOf(first, second, { digit, sure }) {
  if (fround(first + second) < fround(digit)) return "no digit";
  return fround(first - second) < fround(sure) ? "unsure" : "sure";
}
