// Why the network chose as it did, in tabs of which one is open: the pieces of the drawing, a map
// of the pixels, and its neighbours among the images. What it saw stands small below. All of it is
// worked out while it is on the screen alone.

import { find, findAll, findEach, paint, whileOnScreen } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";
import { createMap } from "./map.js";
import { createNeighbours } from "./neighbours.js";
import { createPieces } from "./pieces.js";

/** @param {Page} page */
export function startInsight({ paper, session, images }) {
  const section = find("#insight");
  const parts = findAll(section, { question: ".question", sight: ".sight", saw: ".saw" });
  const views = {
    pieces: createPieces(find("#pieces")),
    map: createMap(find("#map")),
    neighbours: createNeighbours(find("#neighbours"), images),
  };
  const tabs = findEach("[data-tab]", section);
  let open = "pieces";
  const update = whileOnScreen(find(".panels"), () => {
    const reasons = reasonsOf(session.get(), paper.get());
    showQuestion(parts, session.get().prediction, reasons);
    parts.sight.hidden = open === "map";
    views[open].show(reasons);
  });
  const openTab = (name) => {
    open = name;
    for (const tab of tabs) tab.ariaPressed = tab.dataset.tab === name;
    for (const other of Object.keys(views)) find(`#${other}`).hidden = other !== name;
    update();
  };
  for (const tab of tabs) tab.addEventListener("click", () => openTab(tab.dataset.tab));
  openTab(open);
  watch([session, language], update);
  paper.subscribe((state, before) => state.rests !== before.rests && update());
}

// What there is to explain: `digit` rather than `other`, or rather than the nine others together
// where `other` is null; null where there is nothing.
/** @returns {Reasons | null} */
function reasonsOf({ prediction, networks, compared }, { pointer, stroke }) {
  if (!networks.taught || !prediction || prediction.digit === null) return null;
  const { digit, runner_up, verdict } = prediction;
  const asked = compared === digit ? null : compared;
  const other = asked ?? (verdict === "no digit" ? null : runner_up);
  return { prediction, network: networks.taught, digit, other, isAtRest: !pointer && !stroke };
}

function showQuestion({ question, saw }, prediction, reasons) {
  const pixels = prediction?.pixels ?? [];
  const isSeen = pixels.some((value) => value > 0);
  paint(saw, isSeen ? (i) => [pixels[i], pixels[i], pixels[i], 255] : () => [0, 0, 0, 0]);
  const key = reasons && reasons.other === null ? "why_none" : "why";
  const values = { digit: reasons?.digit, runner_up: reasons?.other };
  question.textContent = text(reasons ? key : "why_nothing", values);
}
