// This browser's lessons and what they change, and what the model card says of the network that
// answers. All of it is text, never HTML.

import { add, addDigits, addRow, find, findAll } from "../core/dom.js";
import { ask } from "../core/files.js";
import { watch } from "../core/observable.js";
import { formatNumber, language, setKey, text } from "../core/texts.js";
import { predictPixels } from "../recognizer/recognizer.js";

/** @param {Page} page */
export function startAbout({ settings, session, lessons, source, server }) {
  const section = find("#about .card");
  const parts = findAll(section, {
    list: "dl", scroll: ".scroll", confusion: ".confusion", side: ".side", lessons: ".lessons",
    api: ".api", links: ".links",
  });
  for (const table of [parts.side, parts.confusion]) addDigits(table);
  parts.links.hidden = !settings.network; // a file alone has neither
  parts.api.href = server.address("api.md");
  // Most people never open this: it is built for those who do, each time, as networks change.
  const update = () => section.open && compare(parts, session.get(), lessons);
  const build = async () => {
    if (!section.open) return;
    source.wantPrevious();
    showCard(parts, settings.card ?? (await ask(server.address(settings.network))));
  };
  watch([session, lessons, language], update);
  watch([language], build);
  section.addEventListener("toggle", () => {
    update();
    build();
  });
}

function compare(parts, { prediction, networks }, lessons) {
  parts.lessons.hidden = lessons.get().length === 0;
  const [count, unkept] = [lessons.get().length, lessons.countUnkept];
  const words = text(unkept ? "lessons_unkept" : "lessons", { count, unkept });
  find("p", parts.lessons).textContent = words;
  const { current, previous } = networks;
  const { pixels, digit = null, network, probabilities, lessons: used = 0 } = prediction ?? {};
  const before = digit !== null && previous && predictPixels(previous, pixels);
  parts.side.tBodies[0].replaceChildren();
  parts.side.hidden = digit === null || (!used && !before);
  if (parts.side.hidden) return;
  const addAnswer = (key, name, shares) => {
    const cells = shares.map((share) => [(100 * share).toFixed(0), share]);
    addRow(parts.side, text(key, { network: name }), cells);
  };
  addAnswer(used ? "with_lessons" : "now", network, probabilities);
  if (used) addAnswer("now", network, predictPixels(current, pixels).probabilities);
  if (before) addAnswer("before", before.network, before.probabilities);
}

function showCard({ list, scroll, confusion: table }, card) {
  if (!card?.provenance) return; // a server that is away, or refuses, says nothing
  list.replaceChildren();
  for (const [key, value] of facts(card)) {
    setKey(add(list, "dt"), key);
    add(list, "dd", value);
  }
  const { confusion } = card.provenance;
  scroll.hidden = !confusion;
  if (confusion) showCounts(table, confusion);
}

function facts({ name, hidden, provenance }) {
  const { scores, recipe, seed, data, date } = provenance;
  const length = recipe.epochs ? "recipe_value" : "recipe_steps";
  const layers = [784, ...hidden, 10];
  const parameters = layers.slice(1).reduce((sum, width, i) => sum + width * (layers[i] + 1), 0);
  const percent = (share) => share && `${(100 * share).toFixed(2)} %`;
  return [
    ["data", data],
    ["layers", layers.join(" → ")],
    ["parameters", formatNumber(parameters)],
    ["test_accuracy", percent(scores.test_accuracy)],
    ["drawings_accuracy", percent(scores.drawings_accuracy)],
    ["recipe", recipe.name && text(length, { ...recipe, seed })],
    ["trained", date],
    ["network", name],
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
