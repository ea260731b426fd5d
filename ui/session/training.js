// A network that learns while the page looks on: in a worker of this browser, or on the machine
// that serves the page. Its moments are kept, so that one can go back in them.

import { tell } from "../core/notices.js";
import { Observable } from "../core/observable.js";
import { SMALL, USUAL } from "../recognizer/experiments.js";
import { crc32, writeNetwork } from "../recognizer/network.js";
import { ServerTraining, isOngoing } from "./server_training.js";
import { startWorker } from "./worker.js";

const PACE = 200; // milliseconds for a moment at the usual speed, at least
const PATIENCE = 5; // seconds that a pass may take
const NOT_LOADED = "training_not_loaded"; // a key of the texts

/** @extends {Observable<TrainingState>} */
export class Training extends Observable {
  #page;
  #server;
  #worker = null; // a promise of what sends it an order
  #run = 0; // another one for each training: answers about the one before come late
  #isPlaying = false;

  /** @param {Page} page */
  constructor(page) {
    super({
      settings: { ...USUAL, speed: 1 }, status: "idle", source: "browser", moments: [], at: 0,
      last: [], step: null, error: null, real: null,
    });
    this.#page = page;
    const show = (news) => this.#showReal(news);
    this.#server = page.settings.training ? new ServerTraining(page, show) : null;
  }

  // Start the usual training, or a smaller one on a slow machine, where there is none yet.
  async open() {
    const { status, moments } = this.get();
    if (moments.length > 0 || (status !== "idle" && status !== "failed")) return;
    this.update({ status: "loading", error: null });
    const seconds = await this.#order("measure", { ...USUAL, images: 1000 });
    if (seconds !== null) await this.start(seconds * USUAL.images > PATIENCE ? SMALL : USUAL);
  }

  // Start anew with changes to the settings.
  /** @param {Partial<TrainingSettings>} changes */
  async start(changes = {}) {
    const settings = { ...this.get().settings, ...changes };
    this.#begin({ settings, source: "browser" });
    this.#take(await this.#order("start", settings));
    this.play();
  }

  play() {
    if (this.get().status !== "paused") return;
    this.update({ status: "running" });
    if (!this.#isPlaying) this.#play();
  }

  pause() {
    if (this.get().status === "running") this.update({ status: "paused" });
  }

  /** @param {number} speed beside the usual one */
  setSpeed(speed) {
    this.update({ settings: { ...this.get().settings, speed } });
  }

  // Train on one image, whose step is then there to be seen.
  async stepOnce() {
    this.pause();
    if (this.get().status === "paused") this.#take(await this.#order("advanceByOne"));
  }

  // Show another moment.
  seek(index) {
    this.update({ at: index });
  }

  // The page reads with the network that is shown, in this browser.
  async use() {
    const { network, broken } = this.get().moments[this.get().at];
    if (broken) return;
    const { current } = this.#page.source.get();
    const file = await writeNetwork(isFinished(network) ? network : named(network, current));
    tell(this.#page.notices, "network_taken");
    this.#page.source.useOwn(file);
  }

  // Train on the server's machine; what is empty of `options` is the recipe's.
  /** @param {Record<"recipe" | "loss" | "hidden" | "learning_rate", string>} options */
  async startReal(options) {
    const error = await this.#server.start(options);
    if (error) return this.update({ error });
    this.#begin({ source: "server", real: null });
    await this.#server.follow();
  }

  async stopReal() {
    this.update({ error: await this.#server.stop() });
  }

  // Show the training that is under way there, if one is.
  async watchReal() {
    const real = await this.#server.look();
    this.update({ real });
    if (!isOngoing(real) || this.get().source === "server") return;
    this.#begin({ source: "server" });
    await this.#server.follow();
  }

  #begin(changes) {
    const { moments, last } = this.get();
    const curves = moments.map((moment) => ({ ...moment, network: null }));
    const emptied = { moments: [], at: 0, last: curves.length > 1 ? curves : last };
    this.#run++;
    this.update({ ...emptied, step: null, error: null, status: "loading", ...changes });
  }

  async #play() {
    this.#isPlaying = true;
    while (this.get().status === "running" && this.get().source === "browser") {
      const due = performance.now() + PACE / this.get().settings.speed;
      this.#take(await this.#order("advance"));
      await new Promise((go) => setTimeout(go, due - performance.now()));
    }
    this.#isPlaying = false;
  }

  // The worker's answer; null where it is not wanted any more, and where there is none.
  async #order(order, value = undefined) {
    const run = this.#run;
    try {
      this.#worker ??= this.#startWorker();
      const answer = await (await this.#worker)(order, value);
      return run === this.#run ? answer : null;
    } catch ({ message }) {
      this.#worker = null;
      const key = message === NOT_LOADED ? message : "training_no_worker";
      if (run === this.#run) this.update({ status: "failed", error: { key } });
      return null;
    }
  }

  async #startWorker() {
    const { images } = this.#page;
    const found = Promise.all([images.load(), images.load("test_images")]);
    const [known, tests] = await found.catch(() => {
      throw new Error(NOT_LOADED);
    });
    const send = startWorker();
    await send("load", { known, tests });
    return send;
  }

  // Steps on single images that follow each other are one moment: they could be many.
  #take(answer) {
    if (!answer) return;
    const { moment, isOver, step = null } = answer;
    const { moments: before, at, step: stepBefore, status } = this.get();
    const kept = step && stepBefore ? before.slice(0, -1) : before;
    const isAtEnd = at >= before.length - 1;
    const moments = [...kept, moment];
    const ended = isOver ? "over" : status === "loading" ? "paused" : status;
    this.update({ moments, at: isAtEnd || step ? moments.length - 1 : at, step, status: ended });
  }

  #showReal({ real, moments, status, error }) {
    this.update({ real });
    const { source, at, moments: before } = this.get();
    if (source !== "server") return;
    const isAtEnd = at >= before.length - 1;
    this.update({ moments, status, error, at: isAtEnd ? Math.max(0, moments.length - 1) : at });
  }
}

// Where a training ends on the server its network is calibrated and has a name.
const isFinished = ({ thresholds }) => thresholds.digit > 0;

// Others are named by their weights, and as sure as the page's network has to be.
/** @param {Network} network @param {Network | null} current */
function named(network, current) {
  const { buffer } = network.layers[0].weights;
  const name = crc32(new Uint8Array(buffer)).toString(16).padStart(8, "0");
  return { ...network, name, thresholds: current?.thresholds ?? network.thresholds };
}
