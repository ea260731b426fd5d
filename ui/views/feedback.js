// Telling the network which digit it was, and the question whether the drawing may be kept.

import { find, findAll, isTyping, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";

/** @param {Page} page */
export function startFeedback({ feedback, session, lessons }) {
  const parts = findAll(find("#feedback"), {
    choices: ".choices", yes: ".yes", no: ".no", digits: ".digits", question: "#which-digit",
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
    parts.digits.hidden = !isOpen;
    setText(parts.question, questionAbout(answer?.number));
    parts.consent.hidden = asked === null;
    setText(parts.may, asked === null ? "" : text("consent"));
    parts.forget.hidden = !lesson;
    const isLearned = lesson && answer?.lessons;
    setText(parts.learned, isLearned ? learned(lesson, answer, feedback.before) : "");
  });
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
  else if (isOpen && /^[0-9]$/.test(event.key)) chooseDigit(feedback, no, Number(event.key));
  else return;
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

// Open the ten digits, or close them.
export function toggleDigits(feedback) {
  if (feedback.get().isOpen) return feedback.close();
  feedback.open();
  find("#feedback .digits button").focus();
}
