// Two tabs make the page a stage, where paper, answer and one view stand in sight together: what
// happens inside the network, or how one learns. The style of each is chosen by the body's
// data-stage. The open tab again, or Escape, leads back.

import { find, findEach } from "../core/dom.js";

const PANELS = { inside: "#look-inside", learn: "#learn" };

/** @param {Page} page */
export function startStage({ stage }) {
  const tabs = findEach("#stage .tabs button");
  stage.subscribe((open) => {
    if (open) document.body.dataset.stage = open;
    else delete document.body.dataset.stage;
    for (const tab of tabs) tab.ariaPressed = tab.value === open;
    for (const [name, panel] of Object.entries(PANELS)) find(panel).hidden = name !== open;
    if (open) scrollTo(0, 0);
    else find("#stage .tabs").scrollIntoView({ block: "nearest" });
  });
  // Before the paper hears of it, which Escape would clear.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !stage.get()) return;
    event.preventDefault();
    stage.set(null);
  });
}

/** @param {Page["stage"]} stage @param {Stage} wanted */
export function toggleStage(stage, wanted) {
  stage.set(stage.get() === wanted ? null : wanted);
}

// What the address asks for: "?open=inside" or "?open=training".
/** @param {Page["stage"]} stage */
export function openWanted(stage) {
  const wanted = new URLSearchParams(location.search).get("open");
  if (wanted === "inside") stage.set("inside");
  if (wanted === "training") stage.set("learn");
}
