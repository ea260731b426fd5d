// Brackets under the digits of a number. Bars and explanation are about the one that was chosen;
// it can be split where its ink has a gap, and joined with the next one.

import { add, addButton } from "../elements.js";
import { boxOf } from "../recognizer/framing.js";
import { MAX_DIGITS, drawn } from "../recognizer/numbers.js";
import { text } from "../texts.js";
import { SIDE } from "./state.js";

// Gives what shows the {strokes, number} of a prediction; `decide` gets {at}, the place of the digit
// that was chosen, or {groups} of pieces that somebody wants.
export function startBrackets(element, decide) {
  const holder = element.querySelector(".brackets");
  let shown = null; // {digits, groups, at, isChosen} of the number on the paper
  const brackets = Array.from({ length: MAX_DIGITS }, (_, place) => {
    const bracket = addButton(holder, "", () => decide({ at: place }));
    bracket.className = "bracket";
    return bracket;
  });
  const mend = add(holder, "span");
  const split = addButton(mend, "", () => decide({ groups: withSplit(shown) }));
  const join = addButton(mend, "", () => decide({ groups: withJoin(shown) }));
  return ({ strokes, number } = {}) => {
    holder.hidden = !number;
    if (!number) return;
    shown = number;
    const boxes = number.groups.map((group) => boxOf(drawn(strokes, group).flat()));
    brackets.forEach((bracket, place) => {
      bracket.hidden = place >= boxes.length;
      if (bracket.hidden) return;
      stand(bracket, boxes[place]);
      bracket.ariaPressed = place === number.at;
      const { digit } = number.digits[place];
      bracket.ariaLabel = text("digit_at", { place: place + 1, digit });
    });
    mend.hidden = !number.isChosen;
    stand(mend, boxes[number.at]);
    const next = number.digits[number.at + 1];
    split.textContent = text("split");
    split.hidden = number.groups[number.at].length < 2;
    join.textContent = next ? text("join", { digit: next.digit }) : "";
    join.hidden = !next;
  };
}

function stand({ style }, [left, , right, bottom]) {
  const percent = (length) => `${(100 * length) / SIDE}%`;
  style.left = percent(left);
  style.width = percent(right - left);
  style.top = percent(Math.min(bottom + 40, SIDE - 60));
}

// The pieces of a group lie from left to right.
function withSplit({ groups, at }) {
  const half = Math.ceil(groups[at].length / 2);
  return groups.toSpliced(at, 1, groups[at].slice(0, half), groups[at].slice(half));
}

function withJoin({ groups, at }) {
  return groups.toSpliced(at, 2, [...groups[at], ...groups[at + 1]]);
}
