// Which of the tools can be used now, and the invitation to draw on empty paper.

import { find, findAll } from "../core/dom.js";
import { watch } from "../core/observable.js";

/** @param {Paper} paper @param {ParentNode} element that holds the tools */
export function startTools(paper, element = find("#sketchpad")) {
  const tools = findAll(element, {
    undo: ".undo", redo: ".redo", erase: ".erase", clear: ".clear", link: ".link", hint: ".hint",
  });
  watch([paper], () => {
    const { sheet, past, future, erasing, replayed, isDemo } = paper.get();
    const isBlank = paper.isEmpty() && !replayed;
    tools.hint.hidden = !isBlank;
    tools.undo.ariaDisabled = past.length === 0; // disabled in earnest they would lose the focus
    tools.redo.ariaDisabled = future.length === 0;
    tools.clear.ariaDisabled = isBlank;
    tools.link.ariaDisabled = tools.erase.ariaDisabled = sheet.strokes.length === 0 || isDemo;
    tools.erase.ariaPressed = erasing;
  });
}
