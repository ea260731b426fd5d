// Brackets under the digits of a number. Bars and explanation are about the one that was chosen;
// it can be split where its ink has a gap, and joined with the next one.

import { add, addButton, find } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";
import { SIDE } from "../paper/paper.js";
import { MAX_DIGITS } from "../recognizer/numbers.js";
import { boxOfDigit } from "../session/session.js";

/** @param {Page} page */
export function startBrackets({ session }) {
  const holder = find(".brackets");
  const number = () => session.get().prediction?.number;
  const brackets = Array.from({ length: MAX_DIGITS }, (_, place) => {
    const bracket = addButton(holder, "", () => session.decide({ at: place }));
    bracket.className = "bracket";
    return bracket;
  });
  const mend = add(holder, "span");
  mend.className = "mend";
  const split = addButton(mend, "", () => session.decide({ groups: withSplit(number()) }));
  const join = addButton(mend, "", () => session.decide({ groups: withJoin(number()) }));
  let shown; // the prediction
  watch([session, language], () => {
    const { prediction } = session.get();
    holder.hidden = !prediction?.number;
    if (holder.hidden) return;
    if (shown !== prediction) brackets.forEach((each, place) => stand(each, prediction, place));
    shown = prediction;
    brackets.forEach((bracket, place) => (bracket.ariaLabel = labelOf(prediction, place)));
    mend.hidden = !prediction.number.isChosen || prediction.picture;
    if (!mend.hidden) showMending(mend, split, join, prediction);
  });
}

function labelOf({ number }, place) {
  const digit = number.digits[place]?.digit;
  return digit === undefined ? null : text("digit_at", { place: place + 1, digit });
}

const percent = (length) => `${(100 * length) / SIDE}%`;

// The style sheet keeps it on the paper.
function stand(bracket, prediction, place) {
  const { digits, at } = prediction.number;
  bracket.hidden = place >= digits.length;
  if (bracket.hidden) return;
  const [left, , right, bottom] = boxOfDigit(prediction, place);
  bracket.style.left = percent(left);
  bracket.style.width = percent(right - left);
  bracket.style.setProperty("--bottom", percent(bottom));
  bracket.ariaPressed = place === at;
}

function showMending(mend, split, join, prediction) {
  const { groups, digits, at } = prediction.number;
  mend.style.setProperty("--left", percent(boxOfDigit(prediction, at)[0]));
  const next = digits[at + 1];
  split.textContent = text("split");
  split.hidden = groups[at].length < 2;
  join.textContent = next ? text("join", { digit: next.digit }) : "";
  join.hidden = !next;
}

// The pieces of a group lie from left to right.
/** @param {NumberAnswer} number */
function withSplit({ groups, at }) {
  const half = Math.ceil(groups[at].length / 2);
  return groups.toSpliced(at, 1, groups[at].slice(0, half), groups[at].slice(half));
}

/** @param {NumberAnswer} number */
function withJoin({ groups, at }) {
  return groups.toSpliced(at, 2, [...groups[at], ...groups[at + 1]]);
}
