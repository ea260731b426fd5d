// Brackets under the digits of a number. Bars and explanation are about the one that was chosen;
// it can be split where its ink has a gap, and joined with the next one.

import { add, addButton, find } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";
import { SIDE } from "../paper/paper.js";
import { boxOf } from "../recognizer/framing.js";
import { MAX_DIGITS, splitPiece } from "../recognizer/numbers.js";
import { boxOfDigit } from "../session/session.js";

/** @param {Page} page */
export function startBrackets({ session }) {
  const holder = find(".brackets");
  const number = () => numberIn(session.get().prediction);
  const brackets = Array.from({ length: MAX_DIGITS }, (_, place) => {
    const bracket = addButton(holder, "", () => session.decide({ at: place }));
    bracket.className = "bracket";
    return bracket;
  });
  const mend = add(holder, "span");
  mend.className = "mend";
  const split = addButton(mend, "", () => {
    session.decide({ groups: withSplit(session.get().prediction) });
  });
  const join = addButton(mend, "", () => session.decide({ groups: withJoin(number()) }));
  let shown; // the prediction
  watch([session, language], () => {
    const { prediction } = session.get();
    holder.hidden = !number();
    if (holder.hidden) return;
    if (shown !== prediction) brackets.forEach((each, place) => stand(each, prediction, place));
    shown = prediction;
    brackets.forEach((bracket, place) => (bracket.ariaLabel = labelOf(prediction, place)));
    mend.hidden = !number().isChosen || prediction.picture;
    if (!mend.hidden) showMending(mend, split, join, prediction);
  });
}

// What can be divided otherwise: a number, or what is no sure digit and may be several.
/** @returns {NumberAnswer | null} */
function numberIn(prediction) {
  const { number = null, verdict, strokes, picture } = prediction ?? {};
  if (number || picture || (verdict !== "no digit" && verdict !== "unsure")) return number;
  const pieces = strokes.map((stroke, i) => [i, 0, stroke.length]);
  const middle = ([i]) => boxOf(strokes[i])[0] + boxOf(strokes[i])[2];
  pieces.sort((a, b) => middle(a) - middle(b));
  return { ...prediction, digits: [prediction], groups: [pieces], at: 0, isChosen: true };
}

function labelOf(prediction, place) {
  const digit = prediction.number?.digits[place]?.digit;
  return digit === undefined ? null : text("digit_at", { place: place + 1, digit });
}

const percent = (length) => `${(100 * length) / SIDE}%`;
const placeOf = (prediction, place) =>
  boxOfDigit({ ...prediction, number: numberIn(prediction) }, place);

// The style sheet keeps it on the paper.
function stand(bracket, prediction, place) {
  const { digits, at } = numberIn(prediction);
  bracket.hidden = place >= digits.length || !prediction.number;
  if (bracket.hidden) return;
  const [left, , right, bottom] = placeOf(prediction, place);
  bracket.style.left = percent(left);
  bracket.style.width = percent(right - left);
  bracket.style.setProperty("--bottom", percent(bottom));
  bracket.ariaPressed = place === at;
}

function showMending(mend, split, join, prediction) {
  const { digits, at } = numberIn(prediction);
  mend.style.setProperty("--left", percent(placeOf(prediction, at)[0]));
  const next = digits[at + 1];
  split.textContent = text("split");
  split.hidden = withSplit(prediction) === null;
  join.textContent = next ? text("join", { digit: next.digit }) : "";
  join.hidden = !next;
}

// Between two pieces of a group, which lie from left to right, or through its only one; null where
// that can't be.
/** @param {Prediction} prediction */
function withSplit(prediction) {
  const { groups, at } = numberIn(prediction);
  const pieces = groups[at].length > 1 ? groups[at] : splitPiece(prediction.strokes, groups[at][0]);
  const half = Math.ceil(pieces?.length / 2);
  if (!pieces || groups.length === MAX_DIGITS) return null;
  return groups.toSpliced(at, 1, pieces.slice(0, half), pieces.slice(half));
}

/** @param {NumberAnswer} number */
function withJoin({ groups, at }) {
  return groups.toSpliced(at, 2, [...groups[at], ...groups[at + 1]]);
}
