// "Train it now": a training on the machine that serves this page, which offers it to nobody else.
// Its snapshots are shown as they come, to everybody who opens the page.

import { find, findAll, setText } from "../core/dom.js";
import { ask } from "../core/files.js";
import { watch } from "../core/observable.js";
import { language, sentence, text } from "../core/texts.js";
import { readSnapshots } from "../recognizer/snapshots.js";
import { refusal } from "../session/server.js";

const SOON = 400; // milliseconds until it asks again while a training is running
const LATER = 5000; // and while none is, as somebody else may start one

export class LiveTraining {
  #address;
  #use;
  #section = find("#inside .training");
  #parts = findAll(this.#section, {
    form: ".live", go: ".go", stop: ".stop", progress: "progress", state: ".state", use: ".use",
    where: ".where", back: ".return", recipe: "[name=recipe]", loss: "[name=loss]",
  });
  #fetchNew;
  #networks = [];
  #state = null; // the server's last answer
  #refused = null; // a message
  #waiting;

  /** @param {Page} page @param {(networks: Snapshot[]) => void} use */
  constructor({ settings, server, session }, use) {
    const { address, recipes, losses } = settings.training;
    this.#address = server.address(address);
    this.#use = use;
    this.#fetchNew = startFetching(this.#address);
    const { form, recipe, loss, back } = this.#parts;
    recipe.append(...recipes.map((name) => new Option(name)));
    loss.append(...Object.entries(losses).map(([name, formula]) => new Option(formula, name)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#order("", optionsOf(new FormData(form)));
    });
    watch([language], () => this.#show());
    watch([session], () => (back.hidden = !session.get().networks.current?.isOwn));
  }

  /** The file of the network that the training ended with. */
  get file() {
    return this.#networks.at(-1).file;
  }

  stop() {
    return this.#order("/stop", {});
  }

  // Ask for a training, again and again while the section is open; gives whether there is one.
  async look() {
    clearTimeout(this.#waiting);
    this.#state = await ask(this.#address);
    this.#parts.form.hidden = !this.#state;
    if (!this.#state) return false;
    const before = this.#networks;
    this.#networks = await this.#fetchNew(this.#state).catch(() => before);
    if (this.#networks.length > 0 && this.#networks !== before) this.#use(this.#networks);
    this.#show();
    const delay = isOngoing(this.#state) ? SOON : LATER;
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
    const { go, stop, progress, state: said, use, where } = this.#parts;
    const last = this.#networks.at(-1);
    go.hidden = isOngoing(this.#state);
    stop.hidden = progress.hidden = !go.hidden;
    stop.ariaDisabled = state === "stopping";
    progress.value = Math.max(last ? last.step / last.steps : 0, epochs_done / (epochs || 1));
    const key = state === "running" && !epochs ? "training_starts" : `training_${state}`;
    const news = state === "none" ? null : { key, values: { epochs_done, epochs, reason } };
    setText(said, sentence(this.#refused ?? news));
    use.hidden = state !== "finished" || !last?.final;
    const isKept = directory && state !== "failed";
    where.textContent = isKept ? text("run_directory", { directory }) : "";
  }
}

const isOngoing = ({ state }) => state === "running" || state === "stopping";

// Gives a function that fetches the bytes written since its last call and promises all networks of
// the training, in a new array whenever there are new ones.
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

// The form's values as the server takes them; what is left empty is the recipe's.
function optionsOf(form) {
  const [hidden, rate] = ["hidden", "learning_rate"].map((name) => form.get(name).trim());
  const options = { recipe: form.get("recipe"), loss: form.get("loss") };
  if (hidden) options.hidden = hidden === "0" ? [] : hidden.split(/[\s,-]+/).map(Number);
  if (rate) options.learning_rate = Number(rate.replace(",", "."));
  return options;
}
