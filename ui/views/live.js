// "Train it now": a training on the machine that serves this page, which offers it to nobody else.
// Its snapshots are shown as they come; whoever opens the page meanwhile sees the same.

import { find, findAll, setText } from "../core/dom.js";
import { ask } from "../core/files.js";
import { watch } from "../core/observable.js";
import { language, sentence, text } from "../core/texts.js";
import { readSnapshots } from "../recognizer/snapshots.js";
import { refusal } from "../session/server.js";

const SOON = 400; // milliseconds between two looks while a training is under way
const LATER = 5000; // and while none is, as somebody else may begin one
const ONGOING = ["running", "stopping"];
const SAID = {
  running: "training_running",
  stopping: "training_stopping",
  stopped: "training_stopped",
  failed: "training_failed",
  finished: "training_finished",
};

export class LiveTraining {
  #address;
  #use;
  #section = find("#inside .training");
  #parts;
  #fetchNew;
  #networks = [];
  #state = null; // what the server said last
  #refused = null; // a message
  #waiting;

  /** @param {Page} page @param {(networks: Snapshot[]) => void} use */
  constructor({ settings, server, session }, use) {
    const { address, recipes, losses } = settings.training;
    this.#address = server.address(address);
    this.#use = use;
    this.#fetchNew = startFetching(this.#address);
    this.#parts = findAll(this.#section, {
      form: ".live", go: ".go", stop: ".stop", progress: "progress", state: ".state", use: ".use",
      where: ".where", back: ".return", recipe: "[name=recipe]", loss: "[name=loss]",
    });
    this.#parts.recipe.append(...recipes.map((name) => new Option(name)));
    this.#parts.loss.append(...Object.entries(losses).map(([name, formula]) => new Option(formula, name)));
    this.#parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#order("", wanted(new FormData(this.#parts.form)));
    });
    watch([language], () => this.#show());
    watch([session], () => (this.#parts.back.hidden = !session.get().networks.current?.isOwn));
  }

  /** The file of the network that the training ended with. */
  get file() {
    return this.#networks.at(-1).file;
  }

  stop() {
    return this.#order("/stop", {});
  }

  // Look for a training; gives whether there is one.
  async look() {
    clearTimeout(this.#waiting);
    this.#state = await ask(this.#address);
    this.#parts.form.hidden = !this.#state;
    if (!this.#state) return false;
    const before = this.#networks;
    this.#networks = await this.#fetchNew(this.#state).catch(() => before);
    if (this.#networks.length > 0 && this.#networks !== before) this.#use(this.#networks);
    this.#show();
    const delay = ONGOING.includes(this.#state.state) ? SOON : LATER;
    if (this.#section.open) this.#waiting = setTimeout(() => this.look(), delay);
    return this.#networks.length > 0;
  }

  async #order(below, options) {
    const body = JSON.stringify(options);
    const answer = await ask(this.#address + below, { method: "POST", body });
    if (answer?.code === "invalid_input") answer.code = "invalid_training"; // what was typed
    this.#refused = answer?.error ? refusal(answer, "training_refused") : null;
    if (this.#refused) this.#show();
    else await this.look();
  }

  #show() {
    if (!this.#state) return;
    const { state, directory, epochs_done, epochs, reason } = this.#state;
    const [parts, networks] = [this.#parts, this.#networks];
    const isOngoing = ONGOING.includes(state);
    parts.go.hidden = isOngoing;
    parts.stop.hidden = parts.progress.hidden = !isOngoing;
    parts.stop.ariaDisabled = state === "stopping";
    const { step = 0, steps = 1 } = networks.at(-1) ?? {};
    parts.progress.value = Math.max(step / steps, epochs_done / (epochs || 1));
    const key = state === "running" && !epochs ? "training_starts" : SAID[state];
    const said = key && { key, values: { epochs_done, epochs, reason } };
    setText(parts.state, sentence(this.#refused ?? said));
    parts.use.hidden = state !== "finished" || !networks.at(-1)?.final;
    const isKept = directory && !["none", "failed"].includes(state);
    parts.where.textContent = isKept ? text("run_directory", { directory }) : "";
  }
}

// Gives what fetches the bytes that were written since the last look: a promise of all networks of
// the training, another array whenever there are others.
function startFetching(address) {
  let run, networks, size, rest;
  return async (state) => {
    if (state.run !== run) [run, networks, size, rest] = [state.run, [], 0, new Uint8Array()];
    if (!run || state.bytes <= size) return networks;
    const headers = { range: `bytes=${size}-` };
    const response = await fetch(`${address}/${run}.bin`, { headers });
    if (!response.ok) return networks;
    const added = new Uint8Array(await response.arrayBuffer());
    size += added.length;
    const found = readSnapshots(new Uint8Array(await new Blob([rest, added]).arrayBuffer()));
    rest = found.rest;
    if (found.networks.length) networks = [...networks, ...found.networks];
    return networks;
  };
}

// What was typed, as the server wants it; what was left free is the recipe's.
function wanted(form) {
  const [hidden, rate] = ["hidden", "learning_rate"].map((name) => form.get(name).trim());
  const options = { recipe: form.get("recipe"), loss: form.get("loss") };
  if (hidden) options.hidden = hidden === "0" ? [] : hidden.split(/[\s,-]+/).map(Number);
  if (rate) options.learning_rate = Number(rate.replace(",", "."));
  return options;
}
