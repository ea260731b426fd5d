// A training on the machine that serves the page, which offers it to nobody else: started, stopped
// and followed as its snapshots come.

import { ask } from "../core/files.js";
import { PIXELS } from "../recognizer/framing.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { GUESSES } from "../recognizer/runs.js";
import { readSnapshots } from "../recognizer/snapshots.js";
import { refusal } from "./server.js";

const PAUSE = 400; // milliseconds between two looks
const TRAINING_IMAGES = 54000; // of MNIST

export class ServerTraining {
  #page;
  #address;
  #show;
  #following = null; // a promise

  /** @param {Page} page @param {(news: object) => void} show what changes in a TrainingState */
  constructor(page, show) {
    this.#page = page;
    this.#address = page.server.address(page.settings.training.address);
    this.#show = show;
  }

  /** @returns {Promise<RealTraining | null>} */
  look() {
    return ask(this.#address);
  }

  // Gives why it is refused, or null.
  start(options) {
    return this.#order("", parse(options));
  }

  stop() {
    return this.#order("/stop", {});
  }

  // Show the training until it ends. One that is followed already is not followed twice.
  async follow() {
    this.#following ??= this.#follow().finally(() => (this.#following = null));
    return this.#following;
  }

  async #order(below, options) {
    const body = JSON.stringify(options);
    const answer = await ask(this.#address + below, { method: "POST", body });
    if (!answer) return { key: "no_store" };
    if (!answer.error) return null;
    if (answer.code === "invalid_input") answer.code = "invalid_training"; // what was typed
    const field = Object.keys(options).find((name) => answer.error.includes(name));
    return { ...refusal(answer, "training_refused"), field };
  }

  async #follow() {
    const { images } = await this.#page.images.load("test_images");
    const fetchNew = startFetching(this.#address);
    let moments = [];
    for (;;) {
      const real = await this.look();
      if (!real) return this.#show({ real, moments, status: "failed", error: { key: "no_store" } });
      const networks = await fetchNew(real).catch(() => []);
      moments = [...moments, ...networks.map((network) => momentOf(network, images))];
      this.#show({ real, moments, ...outcomeOf(real, moments) });
      if (!isOngoing(real)) return;
      await new Promise((go) => setTimeout(go, PAUSE));
    }
  }
}

/** @param {RealTraining | null} real */
export const isOngoing = (real) => real?.state === "running" || real?.state === "stopping";

// Gives a function that fetches what was written since its last call and promises its networks.
function startFetching(address) {
  let size = 0;
  /** @type {Uint8Array<any>} */
  let rest = new Uint8Array();
  return async ({ run, bytes }) => {
    if (bytes <= size) return [];
    const headers = { range: `bytes=${size}-` };
    const response = await fetch(`${address}/${run}.bin`, { headers });
    if (!response.ok) return [];
    const added = new Uint8Array(await response.arrayBuffer());
    size += added.length;
    const found = readSnapshots(new Uint8Array(await new Blob([rest, added]).arrayBuffer()));
    rest = found.rest;
    return found.networks;
  };
}

/** @param {Snapshot} network @param {Uint8Array} images @returns {Moment} */
function momentOf(network, images) {
  const { epoch, validation_accuracy: fresh, validation_loss: surprise } = network;
  const guesses = Uint8Array.from({ length: GUESSES }, (_, i) => {
    return predictPixels(network, images.subarray(i * PIXELS, (i + 1) * PIXELS)).digit;
  });
  const seen = Math.round(epoch * TRAINING_IMAGES);
  const broken = surprise === null;
  return { seen, pass: epoch, own: null, fresh, surprise, guesses, network, broken };
}

/** @param {RealTraining} real @param {Moment[]} moments */
function outcomeOf(real, moments) {
  const { state, reason } = real;
  if (state === "failed") {
    return { status: "failed", error: { key: "training_failed", values: { reason } } };
  }
  const ongoing = moments.length > 0 ? "running" : "loading";
  return { status: isOngoing(real) ? ongoing : "over", error: null };
}

// What was typed as the server takes it. Chinese keyboards write commas and points of their own.
function parse({ recipe, loss, hidden, learning_rate }) {
  const [widths, rate] = [hidden, learning_rate].map((typed) => typed.normalize("NFKC").trim());
  const options = { recipe, loss };
  if (widths) options.hidden = widths === "0" ? [] : widths.split(/[\s,、-]+/).map(Number);
  if (rate) options.learning_rate = Number(rate.replace(/[,、。]/, "."));
  return options;
}
