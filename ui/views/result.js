// How sure the network is of each digit, in ten bars of fixed order, and what that means; dimmed
// while they are not about what is on the paper.

import { find, findAll, percentage, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";
import { hasTwoLines } from "../recognizer/numbers.js";

const NOTHING = { probabilities: Array(10).fill(0), verdict: "empty", digit: null };
const QUIET = 700; // milliseconds without a change before the result is read aloud
const CERTAIN = 0.99; // what is called almost certain
const HARDLY = 0.001; // what is less has no number beside its bar, but on the stage

/** @param {Page} page */
export function startResult({ session }) {
  const result = find(".result");
  const parts = findAll(result, { digit: ".digit", comment: ".comment", spoken: ".spoken" });
  const bars = [...result.querySelectorAll(".bar")].map((bar) => ({
    bar,
    ...findAll(bar, { meter: ".meter", percent: ".percent", ask: ".ask" }),
  }));
  let speaking;
  watch([session, language], () => {
    const { drawing, prediction, networks, compared } = session.get();
    const shown = prediction ?? NOTHING;
    const words = showAnswer(result, parts, shown);
    bars.forEach((each, digit) => showBar(each, digit, shown, compared));
    const isStale = prediction !== null && prediction.drawing !== drawing.id;
    result.ariaBusy = isStale;
    tellPrograms(drawing, prediction, networks.taught);
    clearTimeout(speaking);
    if (!isStale) speaking = setTimeout(() => announce(parts.spoken, words, !prediction), QUIET);
  });
}

// For tests and programs that look at the page: which drawing is there, which one was answered, by
// which network, and which network reads in the browser.
function tellPrograms(drawing, prediction, reader) {
  const { dataset } = document.documentElement;
  dataset.reader = reader?.name ?? "";
  dataset.network = prediction?.network ?? "";
  dataset.drawing = drawing.id;
  dataset.answered = prediction ? prediction.drawing : drawing.id;
  dataset.prediction = prediction?.id ?? "";
}

const hasLeader = (verdict) => verdict === "sure" || verdict === "unsure";

function showBar({ bar, meter, percent, ask }, digit, prediction, compared) {
  const { probabilities, verdict, digit: leading, runner_up } = prediction;
  const probability = hasLeader(verdict) ? probabilities[digit] : 0;
  meter.ariaValueNow = (100 * probability).toFixed(1);
  meter.ariaValueText = percentage(probability);
  setText(percent, probability === 0 ? "" : percentage(probability));
  bar.classList.toggle("hardly", probability < HARDLY);
  bar.style.setProperty("--share", probability);
  bar.classList.toggle("leading", hasLeader(verdict) && digit === leading);
  const other = digit === leading ? runner_up : digit; // the leading bar asks what is asked anyway
  const question = leading === null ? "why_nothing" : "why";
  ask.ariaLabel = text(question, { digit: leading, runner_up: other });
  ask.ariaDisabled = leading === null;
  ask.ariaPressed = digit === compared;
}

// Gives what is to be read aloud.
function showAnswer(result, { digit, comment }, prediction) {
  const { number } = prediction;
  const verdict = number?.verdict ?? prediction.verdict;
  const shown = hasLeader(verdict) ? String(number?.number ?? prediction.digit) : "?";
  const words = commentOn(prediction);
  result.dataset.verdict = verdict;
  digit.classList.toggle("number", Boolean(number));
  setText(digit, shown);
  setText(comment, words);
  return verdict === "sure" ? `${[...shown].join(" ")}, ${words}` : words;
}

// Of a number that is not sure, it names the digit in question.
function commentOn(prediction) {
  const { number, picture } = prediction;
  const { verdict, confidence, leastCertain = null } = number ?? prediction;
  const { digit, runner_up } = number?.digits[leastCertain] ?? prediction;
  const advice = (picture && prediction.advice?.map((code) => text(`advice_${code}`))) || [];
  if (verdict === "empty") return text(picture ? "blank_picture" : "nothing");
  const isTwoLines = !picture && hasTwoLines(prediction.strokes);
  if (verdict !== "sure" && isTwoLines) return text("one_line");
  const place = leastCertain + 1;
  const say = (key, values) => [text(key, values), ...advice].join(". ");
  if (verdict === "no digit") return say(number ? "no_digit_of" : "no_digit", { place });
  if (verdict === "unsure") {
    return say(number ? "not_sure_of" : "not_sure", { place, digit, runner_up });
  }
  return say(confidence > CERTAIN ? "certain" : "sure", { percent: percentage(confidence) });
}

function announce(spoken, words, isNothing) {
  if (isNothing && !spoken.textContent) return; // there was nothing before
  setText(spoken, words);
}
