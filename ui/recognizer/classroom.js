// What a class's drawings show: whom the network was fooled by, and what it learns from whose.

import { PIXELS, boxOf, frameStrokes } from "./framing.js";
import { createNetwork, createRandom, inkOf, shuffled, Trainer } from "./training.js";

const SETTINGS = { optimizer: "adam", learning_rate: 0.001, loss: "nll" };
const [EPOCHS, BATCH] = [5, 64];
const FLAG = 0.1; // of its height: so far up the flag of a 1 goes

// What a network takes a drawing for: null for no digit.
/** @param {Answer} answer */
export const readingOf = ({ digit, verdict }) => (verdict === "no digit" ? null : digit);

// Whether it is taken for something else, without doubt.
/** @param {OnWall} drawing */
export const fools = ({ label, answer }) => answer.verdict === "sure" && answer.digit !== label;

// The three best that fooled the network and not the class: by votes, then by confidence.
/** @param {OnWall[]} drawings */
export function podium(drawings) {
  const isPoint = (drawing) => drawing.asked && fools(drawing) && 2 * drawing.yes > drawing.votes;
  const order = (a, b) => b.yes - a.yes || b.answer.confidence - a.answer.confidence;
  return drawings.filter(isPoint).sort(order).slice(0, 3);
}

// Whether a 7 seems to have a bar, as a stroke of its own, or a 1 a flag, with which it begins.
/** @param {number} label @param {Stroke[]} strokes */
export function hasMark(label, strokes) {
  const [, top, , bottom] = boxOf(strokes.flat());
  const [[[, start]]] = strokes;
  return strokes.length > 1 || (label === 1 && start - top > FLAG * (bottom - top));
}

// Every second one teaches; the others are held out.
/** @template T @param {T[]} all @returns {[T[], T[]]} */
export const halves = (all) => [
  all.filter((_, i) => i % 2 === 0),
  all.filter((_, i) => i % 2 === 1),
];

// A network with 128 hidden units that learns from nothing, from MNIST's images with `drawings` in
// the place of those of `digit`, each as often as fills it; with all of MNIST's without drawings.
// Yields after each batch.
/** @param {LabelledImages} mnist @param {number} digit @param {Stroke[][]} drawings */
export function* learnFrom({ images, labels }, digit, drawings) {
  const own = drawings.map((strokes) => frameStrokes(strokes));
  const [all, random] = [images.slice(), createRandom(1)];
  for (let i = 0, next = 0; own.length && i < labels.length; i++) {
    if (labels[i] === digit) all.set(own[next++ % own.length], i * PIXELS);
  }
  const [ink, network] = [inkOf(all), createNetwork([128], random)];
  const trainer = new Trainer(network, SETTINGS);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = shuffled(labels.length, random);
    for (let start = 0; start < order.length; start += BATCH) {
      trainer.step(ink, labels, order.subarray(start, start + BATCH));
      yield;
    }
  }
  return network;
}
