// Telling the network which digit it was. It learns at once, in this browser (lessons.js); where a
// server keeps corrections, and somebody agrees, the drawing is given to it as well.

import { addButton, isTyping, send, setText } from "../elements.js";
import { addLesson, countUnkept, expectLesson, forgetLesson } from "../lessons.js";
import { lessonAbout, onLessons } from "../lessons.js";
import { text } from "../texts.js";
import { give, hasConsented, setConsent, takeBack } from "./giving.js";
import { askConsent, close, look, on, open, say, setAnswer, setDrawing } from "./state.js";

const TOAST_TIME = 8000; // milliseconds

let hasDeclined = false; // is not asked again until the page is loaded anew

export function start({ element, props }) {
  const find = (selector) => element.querySelector(selector);
  startChoices(find, props.endpoint);
  document.addEventListener("keydown", (event) => useKey(event, find, props.endpoint), true);
  const update = () => show(find);
  on("change", update);
  onLessons("change", update);
  document.addEventListener("drawing", ({ detail }) =>
    setDrawing(detail.isDemo ? [] : detail.strokes),
  );
  document.addEventListener("prediction", ({ detail }) => setAnswer(detail));
  send(element, "listening");
}

function startChoices(find, endpoint) {
  for (let digit = 0; digit < 10; digit++) {
    addButton(find(".digits"), digit, () => choose(find, digit, endpoint));
  }
  find(".yes").addEventListener("click", () => choose(find, look().right, endpoint));
  find(".no").addEventListener("click", () => {
    if (look().isOpen) return close();
    expectLesson();
    open();
    find(".digits button").focus();
  });
  find(".agree").addEventListener("click", () => {
    const { subject, asked } = look();
    if (asked === null) return; // it is clicked twice
    setConsent(true);
    leave(find);
    give(endpoint, subject, asked);
  });
  find(".decline").addEventListener("click", () => {
    hasDeclined = true;
    leave(find);
  });
  find(".forget").addEventListener("click", () => {
    const { subject } = look();
    forgetLesson(subject);
    takeBack(endpoint, subject);
    find(".no").focus();
  });
}

// Before Escape clears the paper.
function useKey(event, find, endpoint) {
  const { isOpen, asked } = look();
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  if (event.key === "Escape" && (isOpen || asked !== null)) leave(find);
  else if (isOpen && /^[0-9]$/.test(event.key)) choose(find, Number(event.key), endpoint);
  else return;
  event.preventDefault();
}

function leave(find) {
  close();
  find(".no").focus();
}

// What is on the paper now, or the digit of a number that was chosen, is `digit`.
function choose(find, digit, endpoint) {
  const { subject, isOffered } = look();
  if (digit === null || !isOffered) return;
  leave(find);
  addLesson(subject, digit);
  if (countUnkept() > 0) say(text("lesson_unkept"));
  if (!endpoint || hasDeclined) return;
  if (hasConsented()) return give(endpoint, subject, digit);
  if (countUnkept() > 0) return; // neither would a consent be kept, nor what deletes a drawing
  askConsent(digit);
  find(".consent p").focus();
}

// Nothing teaches it what it sees nothing in.
function learned({ label: digit }, answer) {
  const isLearned = answer.digit === digit && answer.verdict !== "no digit";
  return text(isLearned ? "learned" : "unconvinced", { digit });
}

let toastTimer;

function show(find) {
  const { subject, isOffered, right, isOpen, answer, asked, message } = look();
  const lesson = lessonAbout(subject);
  find(".choices").hidden = !isOffered;
  find(".yes").hidden = answer?.verdict === "no digit";
  find(".yes").ariaDisabled = right === null;
  find(".no").ariaExpanded = isOpen;
  find(".digits").hidden = !isOpen;
  find(".consent").hidden = asked === null;
  find(".forget").hidden = !lesson;
  setText(find(".learned"), lesson && answer?.lessons ? learned(lesson, answer) : "");
  if (!setText(find(".toast"), message)) return;
  clearTimeout(toastTimer);
  if (message) toastTimer = setTimeout(() => say(""), TOAST_TIME);
}
