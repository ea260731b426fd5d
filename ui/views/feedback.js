// Telling the network which digit it was, and the question whether the drawing may be kept.

import { addButton, find, findAll, isTyping, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";

/** @param {Page} page */
export function startFeedback({ feedback, session, lessons }) {
  const parts = findAll(find("#feedback"), {
    choices: ".choices", yes: ".yes", no: ".no", digits: ".digits", question: "#which-digit",
    parts: ".parts", which: "#which-part", buttons: ".parts div",
    learned: ".learned", forget: ".forget", consent: ".consent", may: "#consent",
  });
  document.addEventListener("keydown", (event) => useKey(event, feedback, parts.no), true);
  watch([feedback, session, lessons, language], () => {
    const { isOffered, isOpen, asked } = feedback.get();
    const { answer, lesson } = feedback;
    parts.choices.classList.toggle("away", !isOffered);
    parts.yes.hidden = answer?.verdict === "no digit";
    parts.yes.ariaDisabled = feedback.right === null;
    parts.no.ariaExpanded = isOpen;
    const { asksForPart } = feedback;
    parts.digits.hidden = !isOpen || asksForPart;
    setText(parts.question, questionAbout(answer?.number));
    const wasHidden = parts.parts.hidden;
    parts.parts.hidden = !asksForPart;
    if (asksForPart) setText(parts.which, text("which_part", answer.number));
    if (asksForPart && wasHidden) offerParts(parts.buttons, session, answer.number);
    parts.consent.hidden = asked === null;
    setText(parts.may, asked === null ? "" : text("consent"));
    parts.forget.hidden = !lesson;
    const isLearned = lesson && answer?.lessons;
    setText(parts.learned, isLearned ? learned(lesson, answer, feedback.before) : "");
  });
}

// A button for each digit of a number, and one for that it is a single digit.
function offerParts(buttons, session, { digits }) {
  const about = (what) => () => {
    session.decide(what);
    find("#feedback .digits button").focus();
  };
  buttons.replaceChildren();
  digits.forEach(({ digit }, place) => {
    const button = addButton(buttons, String(digit), about({ at: place }));
    button.ariaLabel = text("part", { place: place + 1, digit });
  });
  const whole = session.get().prediction.strokes.map((stroke, i) => [i, 0, stroke.length]);
  addButton(buttons, text("one_digit"), about({ groups: [whole] })).className = "whole";
}

function questionAbout(number) {
  if (!number) return text("which_digit");
  return text("which_digit_of", { place: number.at + 1, number: number.number });
}

// Nothing teaches it what it sees nothing in.
function learned({ label: digit }, answer, before) {
  const isConvinced = answer.digit === digit && answer.verdict !== "no digit";
  if (!isConvinced) return text("unconvinced", { digit });
  const isOther = before !== null && before !== digit;
  return text(isOther ? "learned_anew" : "learned", { before, digit });
}

// Before Escape clears the paper.
function useKey(event, feedback, no) {
  const { isOpen, asked } = feedback.get();
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  if (event.key === "Escape" && isOpen) closeDigits(feedback, no);
  else if (event.key === "Escape" && asked !== null) feedback.close();
  else if (!isOpen || !/^[0-9]$/.test(event.key)) return;
  else if (!feedback.asksForPart) chooseDigit(feedback, no, Number(event.key));
  event.preventDefault();
}

// The focus does not stay on what is hidden.
function closeDigits(feedback, no) {
  feedback.close();
  no.focus();
}

export function chooseDigit(feedback, no, digit) {
  feedback.choose(digit);
  no.focus();
}

// Open the question what was wrong, or close it.
export function toggleDigits(feedback) {
  if (feedback.get().isOpen) return feedback.close();
  feedback.open();
  find(`#feedback ${feedback.asksForPart ? ".parts" : ".digits"} button`).focus();
}
