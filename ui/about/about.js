// What the model card says of the network that answers, and its confusion matrix. All of it
// is text, never HTML.

import { add, addDigits, addRow } from "../elements.js";
import { language, text } from "../texts.js";

export function start({ element, props }) {
  addDigits(element.querySelector("table"));
  // Most people never open this: it is built for those who do, each time, as networks change.
  const details = element.querySelector("details");
  details.addEventListener("toggle", () => details.open && build(element, props));
}

async function build(element, { card, endpoint }) {
  element.querySelector(".links").hidden = !endpoint; // a file alone has neither
  element.querySelector(".lesson").href = language() === "zh" ? "lesson.zh.md" : "lesson.md";
  const network = card ?? (await ask(endpoint));
  if (!network) return;
  const list = element.querySelector("dl");
  list.replaceChildren();
  for (const [key, value] of facts(network)) {
    add(list, "dt", text(key)).dataset.text = key;
    add(list, "dd", value);
  }
  const { confusion } = network.provenance;
  element.querySelector(".scroll").hidden = !confusion;
  if (confusion) showCounts(element.querySelector("table"), confusion);
}

// A server that is away says nothing.
async function ask(endpoint) {
  const response = await fetch(endpoint).catch(() => null);
  return response?.ok ? response.json() : null;
}

function facts({ name, hidden, provenance }) {
  const { scores, recipe, seed, data, date } = provenance;
  const unit = recipe.epochs ? "value" : "steps";
  const layers = [784, ...hidden, 10];
  const parameters = layers.slice(1).reduce((sum, width, i) => sum + width * (layers[i] + 1), 0);
  const percent = (share) => share && `${(100 * share).toFixed(2)} %`;
  return [
    ["network", name],
    ["layers", layers.join(" → ")],
    ["parameters", parameters.toLocaleString(language())],
    ["data", data],
    ["recipe", recipe.name && text(`recipe_${unit}`, { ...recipe, seed })],
    ["trained", date],
    ["test_accuracy", percent(scores.test_accuracy)],
    ["drawings_accuracy", percent(scores.drawings_accuracy)],
  ].filter(([, value]) => value !== undefined);
}

function showCounts(table, confusion) {
  const mistakes = confusion.map((counts, digit) => counts.with(digit, 0));
  const most = Math.max(...mistakes.flat(), 1);
  table.tBodies[0].replaceChildren();
  confusion.forEach((counts, digit) => {
    const cells = counts.map((count, read) => [count || "·", mistakes[digit][read] / most]);
    addRow(table, digit, cells).cells[digit + 1].classList.add("right");
  });
}
