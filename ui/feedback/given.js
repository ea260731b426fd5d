// What this browser gave to the server: shown when the section is opened, exported, deleted. Of
// that it remembers in localStorage a token, and whether drawings may be kept.

import { add, addButton, addThumbnail } from "../elements.js";
import { text } from "../texts.js";
import { forget, on, say } from "./state.js";

const TOKEN = "token";
const CONSENT = "corrections";
// What is said of a refusal, by its status: the server's own sentence is English alone.
const REFUSED = {
  401: "logged_out",
  413: "unfit",
  422: "unfit",
  429: "too_many",
  503: "store_busy",
  507: "store_fails",
};

export function startGiven(section, endpoint) {
  const show = () => section.open && showGiven(section, endpoint);
  section.addEventListener("toggle", show);
  on("store", show);
  section.querySelector(".export").addEventListener("click", () => save(endpoint));
  section.querySelector(".delete-all").addEventListener("click", () => {
    setConsent(false);
    remove(endpoint);
  });
}

export function hasConsented() {
  return localStorage.getItem(CONSENT) === "yes";
}

export function setConsent(given) {
  if (given) localStorage.setItem(CONSENT, "yes");
  else localStorage.removeItem(CONSENT);
}

// A random number and no account: who has it can see and delete what was given with it.
function token() {
  const known = localStorage.getItem(TOKEN);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  localStorage.setItem(TOKEN, made);
  return made;
}

// What the server says, or null where it can't: the reader is told why.
export async function request(method, address, content) {
  try {
    const headers = { "x-token": token(), "content-type": "application/json" };
    const response = await fetch(address, { method, headers, body: JSON.stringify(content) });
    const answer = await response.json();
    if (response.ok) return answer;
    say(text(REFUSED[response.status] ?? "not_kept", { reason: answer.error ?? "" }));
  } catch {
    say(text("no_store"));
  }
  return null;
}

// Removes the correction `id`, or all, and says `words`.
export async function remove(endpoint, id, words = "") {
  const removed = await request("DELETE", id === undefined ? endpoint : `${endpoint}/${id}`);
  if (!removed) return;
  say(words);
  forget(id);
}

async function showGiven(section, endpoint) {
  const hasGiven = localStorage.getItem(TOKEN) !== null; // or can have
  const answer = hasGiven ? await request("GET", endpoint) : { corrections: [] };
  if (!answer) return;
  section.querySelector(".none").hidden = answer.corrections.length > 0;
  section.querySelector(".all").hidden = answer.corrections.length === 0;
  const list = section.querySelector("ul");
  list.replaceChildren();
  for (const correction of answer.corrections) addItem(list, correction, endpoint);
}

function addItem(list, { id, label, strokes }, endpoint) {
  const item = add(list, "li");
  const box = boxAround(strokes);
  addThumbnail(item, strokes, box).style.strokeWidth = box[2] / 8;
  add(item, "span", label);
  const button = addButton(item, "×", () => remove(endpoint, id));
  button.ariaLabel = button.title = text("delete", { digit: label });
}

// A square as large as the drawing, whatever its unit: left, top, width and height.
function boxAround(strokes) {
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const side = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1);
  return [left, top, side, side];
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
