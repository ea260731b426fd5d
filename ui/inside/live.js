// "Train it now": a training on the machine that serves this page, which offers it to nobody else.
// Its points are shown as they come; whoever opens the page meanwhile sees the same.

import { send } from "../elements.js";
import { readSnapshots } from "../recognizer/snapshots.js";
import { text } from "../texts.js";

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

// Gives {open}, a promise of whether there is a training to see; `use` gets its networks.
export function startLive(section, address, use) {
  const form = section.querySelector(".live");
  const find = (selector) => form.querySelector(selector);
  let [run, networks] = [null, []];
  let size, rest, waiting;
  // The bytes that were written since the last look.
  const take = async (state) => {
    if (state.run !== run) [run, size, rest, networks] = [state.run, 0, new Uint8Array(), []];
    if (!run || state.bytes <= size) return;
    const headers = { range: `bytes=${size}-` };
    const response = await fetch(`${address}/${run}.bin`, { headers });
    if (!response.ok) return;
    const added = new Uint8Array(await response.arrayBuffer());
    size += added.length;
    const found = readSnapshots(new Uint8Array(await new Blob([rest, added]).arrayBuffer()));
    rest = found.rest;
    networks = [...networks, ...found.networks];
    if (found.networks.length) use(networks, networks.length > found.networks.length);
  };
  const look = async () => {
    clearTimeout(waiting);
    const state = await ask(address);
    form.hidden = !state;
    if (!state) return false;
    await take(state).catch(() => {});
    show(find, state, networks);
    if (section.open) waiting = setTimeout(look, ONGOING.includes(state.state) ? SOON : LATER);
    return networks.length > 0;
  };
  const order = async (place, options) => {
    const answer = await ask(place, { method: "POST", body: JSON.stringify(options) });
    const reason = answer?.error;
    find(".state").textContent = reason ? text("training_refused", { reason }) : "";
    if (!reason) await look();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    order(address, wanted(new FormData(form)));
  });
  find(".stop").addEventListener("click", () => order(`${address}/stop`, {}));
  find(".use").addEventListener("click", () => send(form, "use", networks.at(-1).file));
  find(".return").addEventListener("click", () => send(form, "use", null));
  document.addEventListener("prediction", ({ detail }) => {
    if (detail?.reader) find(".return").hidden = !detail.reader.isOwn;
  });
  return { open: look };
}

// The answer's JSON, null where nobody answers or this is not offered here.
async function ask(place, options) {
  const response = await fetch(place, options).catch(() => null);
  const isThere = response && response.status !== 404;
  return isThere ? response.json().catch(() => null) : null;
}

// What was typed, as the server wants it; what was left free is the recipe's.
function wanted(form) {
  const [hidden, rate] = ["hidden", "learning_rate"].map((name) => form.get(name).trim());
  const options = { recipe: form.get("recipe"), loss: form.get("loss") };
  if (hidden) options.hidden = hidden === "0" ? [] : hidden.split(/[\s,-]+/).map(Number);
  if (rate) options.learning_rate = Number(rate.replace(",", "."));
  return options;
}

function show(find, { state, directory, epochs_done, epochs, reason }, networks) {
  const isOngoing = ONGOING.includes(state);
  find(".go").hidden = isOngoing;
  find(".stop").hidden = !isOngoing;
  find(".stop").ariaDisabled = state === "stopping";
  find("progress").hidden = !isOngoing;
  const { step = 0, steps = 1 } = networks.at(-1) ?? {};
  find("progress").value = Math.max(step / steps, epochs_done / (epochs || 1));
  const key = state === "running" && !epochs ? "training_starts" : SAID[state];
  const words = key ? text(key, { epochs_done, epochs, reason }) : "";
  if (find(".state").textContent !== words) find(".state").textContent = words;
  find(".use").hidden = state !== "finished" || !networks.at(-1)?.final;
  find(".where").textContent = ["none", "failed"].includes(state) ? "" : text("run_directory", { directory });
}
