// "Train it now": a training on the machine that serves this page, which offers it to nobody else.
// Its points are shown as they come; whoever opens the page meanwhile sees the same.

import { send, setText } from "../elements.js";
import { ask } from "../files.js";
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

// Gives what looks for a training: a promise of whether there is one; `use` gets its networks.
export function startLive(section, address, use) {
  const form = section.querySelector(".live");
  const find = (selector) => form.querySelector(selector);
  const fetchNew = startFetching(address);
  let networks = [];
  let waiting;
  const look = async () => {
    clearTimeout(waiting);
    const state = await ask(address);
    form.hidden = !state;
    if (!state) return false;
    const before = networks;
    networks = await fetchNew(state).catch(() => before);
    if (networks.length > 0 && networks !== before) use(networks);
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
  return look;
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

function show(find, { state, directory, epochs_done, epochs, reason }, networks) {
  const isOngoing = ONGOING.includes(state);
  find(".go").hidden = isOngoing;
  find(".stop").hidden = !isOngoing;
  find(".stop").ariaDisabled = state === "stopping";
  find("progress").hidden = !isOngoing;
  const { step = 0, steps = 1 } = networks.at(-1) ?? {};
  find("progress").value = Math.max(step / steps, epochs_done / (epochs || 1));
  const key = state === "running" && !epochs ? "training_starts" : SAID[state];
  setText(find(".state"), key ? text(key, { epochs_done, epochs, reason }) : "");
  find(".use").hidden = state !== "finished" || !networks.at(-1)?.final;
  const isKept = !["none", "failed"].includes(state);
  find(".where").textContent = isKept ? text("run_directory", { directory }) : "";
}
