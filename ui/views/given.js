// What this browser gave to the server: shown, exported, deleted.

import { add, addButton, addThumbnail, find, findAll } from "../core/dom.js";
import { saveDrawings } from "../core/files.js";
import { watch } from "../core/observable.js";
import { language, setKey, text } from "../core/texts.js";
import { boxOf } from "../recognizer/framing.js";

/** @param {Page} page */
export function startGiven({ giving }) {
  const section = find("#about .given");
  const parts = findAll(section, {
    summary: "summary", all: ".all", list: "ul", last: ".delete-all",
  });
  const update = async () => {
    const corrections = giving.hasGiven ? await giving.list() : null;
    if (corrections) show(section, parts, corrections, giving);
  };
  section.addEventListener("toggle", update);
  parts.last.addEventListener("blur", () => setKey(parts.last, "delete_all"));
  watch([giving, language], update);
}

function show(section, { summary, all, list }, corrections, giving) {
  const hadFocus = section.contains(document.activeElement);
  summary.textContent = text("yours", { count: corrections.length });
  section.hidden = corrections.length === 0 && !section.open; // it is not taken from under a hand
  all.hidden = corrections.length === 0;
  list.replaceChildren();
  if (section.open) for (const correction of corrections) addItem(list, correction, giving);
  if (hadFocus && (all.hidden || !section.contains(document.activeElement))) summary.focus();
}

function addItem(list, { id, label, strokes }, giving) {
  const item = add(list, "li");
  const [left, top, right, bottom] = boxOf(strokes.flat());
  const side = Math.max(right - left, bottom - top, 1); // in any unit
  addThumbnail(item, strokes, [left, top, side, side]).style.strokeWidth = String(side / 8);
  add(item, "span", label);
  const button = addButton(item, "×", () => giving.remove(id));
  button.ariaLabel = button.title = text("delete", { digit: label });
}

// Delete everything: the first click asks, the second deletes.
export async function deleteAll(giving, button) {
  if (button.dataset.text === "delete_all") return setKey(button, "delete_all_really");
  setKey(button, "delete_all");
  giving.setConsent(false);
  await giving.remove();
}

export async function exportGiven(giving) {
  const corrections = await giving.list();
  if (corrections) saveDrawings("corrections.jsonl", corrections);
}
