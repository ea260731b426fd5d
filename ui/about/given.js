// What this browser gave to the server: shown, exported, deleted.

import { add, addButton, addThumbnail } from "../elements.js";
import { hasGiven, remove, request, setConsent } from "../feedback/giving.js";
import { on } from "../feedback/state.js";
import { boxOf } from "../recognizer/framing.js";
import { setKey, text } from "../texts.js";

export function startGiven(section, endpoint) {
  const show = () => hasGiven() && showGiven(section, endpoint);
  section.addEventListener("toggle", show);
  on("store", show);
  show();
  section.querySelector(".export").addEventListener("click", () => save(endpoint));
  startDeleteAll(section, endpoint);
}

// The first click asks, the second deletes.
function startDeleteAll(section, endpoint) {
  const button = section.querySelector(".delete-all");
  const ask = (isAsking) => setKey(button, isAsking ? "delete_all_really" : "delete_all");
  button.addEventListener("blur", () => ask(false));
  button.addEventListener("click", async () => {
    if (button.dataset.text === "delete_all") return ask(true);
    ask(false);
    setConsent(false);
    await remove(endpoint);
  });
}

async function showGiven(section, endpoint) {
  const answer = await request("GET", endpoint);
  if (!answer) return;
  const { corrections } = answer;
  const hadFocus = section.contains(document.activeElement);
  const summary = section.querySelector("summary");
  summary.textContent = text("yours", { count: corrections.length });
  section.hidden = corrections.length === 0 && !section.open; // it is not taken from under a hand
  const all = section.querySelector(".all");
  all.hidden = corrections.length === 0;
  const list = section.querySelector("ul");
  list.replaceChildren();
  if (section.open) for (const correction of corrections) addItem(list, correction, endpoint);
  if (hadFocus && (all.hidden || !section.contains(document.activeElement))) summary.focus();
}

function addItem(list, { id, label, strokes }, endpoint) {
  const item = add(list, "li");
  const [left, top, right, bottom] = boxOf(strokes.flat());
  const side = Math.max(right - left, bottom - top, 1); // in any unit
  addThumbnail(item, strokes, [left, top, side, side]).style.strokeWidth = side / 8;
  add(item, "span", label);
  const button = addButton(item, "×", () => remove(endpoint, id));
  button.ariaLabel = button.title = text("delete", { digit: label });
}

// A drawing file, as scripts/train.py reads it.
async function save(endpoint) {
  const answer = await request("GET", endpoint);
  if (!answer) return;
  const lines = answer.corrections.map((row) => JSON.stringify(row) + "\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "corrections.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
}
