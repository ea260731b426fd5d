// Two piles of drawings side by side, and how many of each are read wrong.

import { find, findAll, findEach, setText } from "../core/dom.js";
import { text } from "../core/texts.js";
import { createCards } from "./cards.js";

/** @typedef {(drawing: OnWall) => number | null} ReadingOf */
/** @typedef {{name: string, drawings: OnWall[], readingOf: ReadingOf, before?: number}} Pile */

// How many drawings that are shown are read wrong.
/** @param {OnWall[]} drawings @param {ReadingOf} readingOf */
export const countWrong = (drawings, readingOf) =>
  drawings.filter((drawing) => drawing.shown && readingOf(drawing) !== drawing.label).length;

// Gives what shows them; where nothing has read them `readingOf` is missing.
/** @param {(drawing: OnWall) => void} tap */
export function createPair(tap) {
  const sections = findEach(".pile").map((pile) => ({
    ...findAll(pile, { name: "h2", wrong: "b", of: ".of" }),
    showCards: createCards(find(".cards", pile), tap),
  }));
  /** @param {Pile[]} piles */
  return (piles) =>
    piles.forEach(({ name, drawings, readingOf, before }, i) => {
      const { name: title, wrong, of, showCards } = sections[i];
      const count = drawings.filter(({ shown }) => shown).length;
      const key = before === undefined ? "wall_wrong_of" : "wall_instead_of";
      setText(title, name);
      setText(wrong, readingOf ? String(countWrong(drawings, readingOf)) : "");
      setText(of, readingOf ? text(key, { count, before }) : String(count));
      showCards(drawings, readingOf ?? (({ label }) => label));
    });
}
