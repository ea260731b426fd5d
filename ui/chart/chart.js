// How sure the network is of each digit, in ten bars of fixed order, and what that means:
// "prediction" events in, widths and words out; dimmed while they are not about what is drawn. A
// bar that is chosen asks "why not this one?", which goes out as the event "compare".

import { percentage, send, setText } from "../elements.js";
import { text } from "../texts.js";

const NOTHING = { probabilities: Array(10).fill(0.1), verdict: "empty" };
const QUIET = 700; // milliseconds without a change before the result is read aloud
const CERTAIN = 0.99; // what is called almost certain

export function start({ element }) {
  let compared = null; // the digit whose bar was chosen
  let drawn, shown, speaking;
  const compare = (digit) => {
    if (digit !== null && shown.digit == null) return; // there is no answer to ask about
    compared = compared === digit || digit === shown.digit ? null : digit;
    bars.forEach((bar, i) => (bar.querySelector(".ask").ariaPressed = i === compared));
    send(element, "compare", compared);
  };
  const bars = NOTHING.probabilities.map((_, digit) => addBar(element, digit, compare));
  const setStale = (isStale) => {
    element.querySelector(".result").ariaBusy = isStale;
    clearTimeout(speaking);
  };
  const show = (prediction) => {
    shown = prediction ?? NOTHING;
    const words = showPrediction(element, bars, shown);
    if (!prediction && compared !== null) compare(null);
    const isStale = prediction !== null && prediction.strokes !== drawn;
    setStale(isStale);
    if (!isStale) speaking = setTimeout(() => announce(element, words, !prediction), QUIET);
  };
  show(null);
  document.addEventListener("drawing", ({ detail }) => {
    drawn = detail.strokes;
    setStale(true); // until it is read, which may be at once
  });
  document.addEventListener("prediction", ({ detail }) => show(detail));
  send(element, "listening");
}

function addBar(element, digit, compare) {
  const bar = element.querySelector("template").content.firstElementChild.cloneNode(true);
  bar.dataset.digit = bar.querySelector(".name").textContent = digit;
  bar.querySelector(".meter").ariaLabel = digit;
  bar.querySelector(".ask").addEventListener("click", () => compare(digit));
  element.querySelector(".bars").append(bar);
  return bar;
}

// Gives what is to be read aloud.
function showPrediction(element, bars, prediction) {
  const { probabilities, digit, runner_up, number } = prediction;
  const verdict = number?.verdict ?? prediction.verdict;
  const leading = ["empty", "no digit"].includes(prediction.verdict) ? null : digit;
  const shown = ["empty", "no digit"].includes(verdict) ? "?" : (number?.number ?? digit);
  const said = comment(prediction);
  bars.forEach((bar, i) => {
    const meter = bar.querySelector(".meter");
    meter.ariaValueNow = (100 * probabilities[i]).toFixed(1);
    meter.ariaValueText = bar.querySelector(".percent").textContent = percentage(probabilities[i]);
    bar.style.setProperty("--share", probabilities[i]);
    bar.classList.toggle("leading", i === leading);
    const asks = digit === i ? runner_up : i; // of the leading bar the explanation as it was
    const question = digit == null ? "why_nothing" : "why";
    bar.querySelector(".ask").ariaLabel = text(question, { digit, runner_up: asks });
    bar.querySelector(".ask").ariaDisabled = digit == null;
  });
  element.querySelector(".result").dataset.verdict = verdict;
  element.querySelector(".digit").textContent = shown;
  element.querySelector(".digit").classList.toggle("number", Boolean(number));
  element.querySelector(".comment").textContent = said;
  return verdict === "sure" ? `${[...String(shown)].join(" ")}, ${said}` : said;
}

// Of a number that is not sure, it names the digit in question.
function comment(prediction) {
  const { number, picture } = prediction;
  const { verdict, confidence, doubtful } = number ?? prediction;
  const { digit, runner_up } = number?.digits[doubtful] ?? prediction;
  if (verdict === "empty") return text(picture ? "blank_picture" : "nothing");
  if (verdict === "no digit") return text("no_digit");
  const key = number ? "not_sure_of" : "not_sure";
  if (verdict === "unsure") return text(key, { place: doubtful + 1, digit, runner_up });
  return text(confidence > CERTAIN ? "certain" : "sure", { percent: percentage(confidence) });
}

function announce(element, words, isNothing) {
  const spoken = element.querySelector(".spoken");
  if (isNothing && !spoken.textContent) return; // there was nothing before
  setText(spoken, words);
}
