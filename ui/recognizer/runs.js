// A training from its start to its end, in moments: dense at first, when most changes, then sparse.
// The same settings give the same run.

import { PIXELS } from "./framing.js";
import { DIGITS } from "./network.js";
import { Trainer, createNetwork, createRandom, inkOf, shuffled } from "./training.js";

const MOMENTS = 60; // at most, after the untrained network
const SEED = 4;
const OWN = 500; // of its own images that are read at each moment
export const GUESSES = 40; // of the first test images: what each moment takes them for
const UNTIMED = 7; // batches, in which the code is compiled

export class Run {
  #settings;
  #own; // images, labels and ink that it learns from
  #tests;
  #random = createRandom(SEED);
  #network;
  #trainer;
  #order; // of the images in this pass
  #seen = 0;
  #total;

  /**
   * @param {TrainingSettings} settings
   * @param {LabelledImages} known @param {LabelledImages} tests
   */
  constructor(settings, known, tests) {
    this.#settings = settings;
    const { images, labels } = chooseImages(known, settings.images, this.#random);
    mislabel(labels, settings.wrong_labels, this.#random);
    this.#own = { images, labels, ink: inkOf(images) };
    this.#tests = { labels: tests.labels, ink: inkOf(tests.images) };
    this.#network = createNetwork(settings.hidden, this.#random);
    this.#trainer = new Trainer(this.#network, settings);
    this.#total = labels.length * settings.passes;
  }

  get isOver() {
    return this.#seen >= this.#total;
  }

  // The network as it is.
  /** @returns {Moment} */
  look() {
    const { ink, labels } = this.#own;
    const own = this.#trainer.evaluate(ink, labels.subarray(0, OWN));
    const fresh = this.#trainer.evaluate(this.#tests.ink, this.#tests.labels);
    return {
      seen: this.#seen,
      pass: Math.max(1, Math.ceil(this.#seen / labels.length)),
      own: own.accuracy,
      fresh: fresh.accuracy,
      surprise: fresh.surprise,
      guesses: fresh.guesses.slice(0, GUESSES),
      network: copyOf(this.#network),
      broken: !Number.isFinite(fresh.surprise),
    };
  }

  // Train until the next moment.
  advance() {
    const due = nextMoment(this.#seen, this.#total);
    while (this.#seen < due) this.#step(this.#take(this.#settings.batch));
    return this.look();
  }

  // Train on the next image alone.
  /** @returns {{moment: Moment, step: TrainingStep}} */
  advanceByOne() {
    const { images, labels, ink } = this.#own;
    const before = copyOf(this.#network).layers;
    const [image] = this.#take(1);
    const probabilities = this.#trainer.probabilities(ink, image);
    const loss = this.#step(Int32Array.of(image));
    const pixels = images.slice(image * PIXELS, (image + 1) * PIXELS);
    const change = this.#network.layers.map((layer, i) => {
      const weights = /** @type {Float32Array} */ (layer.weights);
      return weights.map((weight, k) => weight - before[i].weights[k]);
    });
    const step = { pixels, label: labels[image], probabilities, loss, change };
    return { moment: this.look(), step };
  }

  // Train on a few batches; gives how many seconds an image takes.
  measure() {
    const { batch } = this.#settings;
    for (let i = 0; i < UNTIMED; i++) this.#step(this.#take(batch));
    const started = performance.now();
    this.#step(this.#take(batch));
    return (performance.now() - started) / 1000 / batch;
  }

  // The next images of this pass.
  #take(count) {
    const start = this.#seen % this.#own.labels.length;
    if (start === 0) this.#order = shuffled(this.#own.labels.length, this.#random);
    return this.#order.subarray(start, start + count);
  }

  #step(batch) {
    this.#seen += batch.length;
    return this.#trainer.step(this.#own.ink, this.#own.labels, batch);
  }
}

// As many of the images, in a random order, with about as many of each digit.
/** @param {LabelledImages} known @returns {LabelledImages} */
function chooseImages({ images, labels }, count, random) {
  const left = new Int32Array(DIGITS).fill(Math.ceil(count / DIGITS));
  const order = shuffled(labels.length, random);
  const isWanted = (image) => count === labels.length || left[labels[image]]-- > 0;
  const chosen = order.filter(isWanted).subarray(0, count);
  const found = new Uint8Array(chosen.length * PIXELS);
  chosen.forEach((image, i) =>
    found.set(images.subarray(image * PIXELS, (image + 1) * PIXELS), i * PIXELS),
  );
  return { images: found, labels: Uint8Array.from(chosen, (image) => labels[image]) };
}

// Draws labels anew with this probability: a tenth of them are right by chance.
function mislabel(labels, probability, random) {
  for (let i = 0; i < labels.length; i++) {
    if (random() < probability) labels[i] = Math.floor(DIGITS * random());
  }
}

// When the next moment is due: at the squares of equal steps.
function nextMoment(seen, total) {
  const step = Math.floor(MOMENTS * Math.sqrt(seen / total) + 1e-6) + 1;
  return Math.min(total, Math.ceil(total * (step / MOMENTS) ** 2));
}

/** @param {Network} network @returns {Network} */
function copyOf(network) {
  const layers = network.layers.map(({ weights, biases, steps }) => {
    return { weights: weights.slice(), biases: biases.slice(), steps };
  });
  return { ...network, layers };
}
