// What the model card says of the network that answers, and its confusion matrix; this browser's
// lessons, and the drawing on the paper as it is read without them and by the network before. All
// of it is text, never HTML.

import { add, addDigits, addRow } from "../elements.js";
import { ask } from "../files.js";
import { countUnkept, forgetLessons, lessons, onLessons } from "../lessons.js";
import { language, setKey, text } from "../texts.js";
import { startGiven } from "./given.js";

export function start({ element, props }) {
  if (props.corrections) startGiven(element.querySelector(".given"), props.corrections);
  for (const table of element.querySelectorAll("table")) addDigits(table);
  element.querySelector(".lessons button").addEventListener("click", forgetLessons);
  // Most people never open this: it is built for those who do, each time, as networks change.
  const details = element.querySelector(".card");
  let prediction = null;
  const update = () => details.open && compare(element, prediction ?? {});
  document.addEventListener("prediction", ({ detail }) => {
    prediction = detail;
    update();
  });
  onLessons("change", update);
  details.addEventListener("toggle", () => {
    update();
    if (details.open) build(element, props);
  });
}

function compare(element, prediction) {
  const { network, probabilities, untaught, lessons: used } = prediction;
  const before = prediction.before?.();
  const count = lessons().length;
  element.querySelector(".lessons").hidden = count === 0;
  const unkept = countUnkept();
  const words = unkept ? text("lessons_unkept", { count, unkept }) : text("lessons", { count });
  element.querySelector(".lessons p").textContent = words;
  const table = element.querySelector(".side");
  table.tBodies[0].replaceChildren();
  const addAnswer = (key, name, shares) => {
    const cells = shares.map((share) => [(100 * share).toFixed(0), share]);
    addRow(table, text(key, { network: name }), cells);
  };
  table.hidden = !used && !before;
  if (table.hidden) return;
  addAnswer(used ? "with_lessons" : "now", network, probabilities);
  if (used) addAnswer("now", network, untaught().probabilities);
  if (before) addAnswer("before", before.network, before.probabilities);
}

async function build(element, { card, endpoint }) {
  element.querySelector(".links").hidden = !endpoint; // a file alone has neither
  element.querySelector(".api").href = "api.md";
  const network = card ?? (await ask(endpoint));
  if (!network?.provenance) return; // a server that is away, or refuses, says nothing
  const list = element.querySelector("dl");
  list.replaceChildren();
  for (const [key, value] of facts(network)) {
    setKey(add(list, "dt"), key);
    add(list, "dd", value);
  }
  const { confusion } = network.provenance;
  element.querySelector(".scroll").hidden = !confusion;
  if (confusion) showCounts(element.querySelector(".confusion"), confusion);
}

function facts({ name, hidden, provenance }) {
  const { scores, recipe, seed, data, date } = provenance;
  const length = recipe.epochs ? "recipe_value" : "recipe_steps";
  const layers = [784, ...hidden, 10];
  const parameters = layers.slice(1).reduce((sum, width, i) => sum + width * (layers[i] + 1), 0);
  const percent = (share) => share && `${(100 * share).toFixed(2)} %`;
  return [
    ["network", name],
    ["layers", layers.join(" → ")],
    ["parameters", parameters.toLocaleString(language())],
    ["data", data],
    ["recipe", recipe.name && text(length, { ...recipe, seed })],
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
