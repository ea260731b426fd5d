// The three drawings that fooled the network best: it says something else, the class does not.

import { add, find, setText } from "../core/dom.js";
import { text } from "../core/texts.js";
import { podium } from "../recognizer/classroom.js";
import { addDrawing } from "./cards.js";

const PLACES = [1, 0, 2]; // from left to right

/** @param {OnWall[]} drawings */
export function showPodium(drawings) {
  const [section, best] = [find(".podium"), podium(drawings)];
  section.replaceChildren();
  if (!best.length) return setText(add(section, "p"), text("wall_waiting"));
  for (const place of PLACES.filter((each) => each < best.length)) {
    const { label, strokes, answer, votes, yes } = best[place];
    const figure = add(section, "figure");
    figure.className = `place-${place + 1}`;
    addDrawing(figure, strokes);
    find(".badge", figure).textContent = answer.digit;
    const caption = add(figure, "figcaption");
    add(caption, "b", place + 1);
    add(caption, "p", text("wall_said", { digit: answer.digit }));
    add(caption, "p", text("wall_say", { yes, votes, digit: label }));
    const dots = add(caption, "div");
    for (let i = 0; i < votes; i++) add(dots, "i").className = i < yes ? "yes" : "";
  }
}
