// How sure the network is of each digit, in ten bars of fixed order, and what that means:
// "prediction" events in, widths and words out; dimmed while they are not about what is drawn.

import { send } from "../elements.js";
import { text } from "../texts.js";

const NOTHING = { probabilities: Array(10).fill(0.1), verdict: "empty" };
const QUIET = 700; // milliseconds without a change before the result is read aloud

export function start({ element }) {
  const bars = NOTHING.probabilities.map((_, digit) => addBar(element, digit));
  let drawn, speaking;
  const setStale = (isStale) => {
    element.querySelector(".result").ariaBusy = isStale;
    clearTimeout(speaking);
  };
  const show = (prediction) => {
    const words = showPrediction(element, bars, prediction ?? NOTHING);
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

function addBar(element, digit) {
  const bar = element.querySelector("template").content.firstElementChild.cloneNode(true);
  bar.dataset.digit = bar.ariaLabel = bar.querySelector(".name").textContent = digit;
  element.querySelector(".bars").append(bar);
  return bar;
}

// Gives what is to be read aloud.
function showPrediction(element, bars, { probabilities, verdict, digit, runner_up }) {
  const percents = probabilities.map((probability) => (100 * probability).toFixed(1));
  const [shown, said] = {
    empty: ["?", text("nothing")],
    sure: [digit, text("sure", { percent: percents[digit] })],
    unsure: [digit, text("not_sure", { digit, runner_up })],
    "no digit": ["?", text("no_digit")],
  }[verdict];
  bars.forEach((bar, i) => {
    bar.ariaValueNow = percents[i];
    bar.ariaValueText = `${percents[i]} %`;
    bar.classList.toggle("leading", i === shown);
    bar.querySelector(".fill").style.transform = `translateX(${percents[i] - 100}%)`;
    bar.querySelector(".percent").textContent = `${percents[i]} %`;
  });
  element.querySelector(".result").dataset.verdict = verdict;
  element.querySelector(".digit").textContent = shown;
  element.querySelector(".comment").textContent = said;
  return verdict === "sure" ? `${shown}, ${said}` : said;
}

function announce(element, words, isNothing) {
  const spoken = element.querySelector(".spoken");
  if (isNothing && !spoken.textContent) return; // there was nothing before
  if (spoken.textContent !== words) spoken.textContent = words; // else it is read out again
}
