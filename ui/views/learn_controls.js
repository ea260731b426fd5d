// What a training is made of: a row of choices, each of which begins another one, and experiments,
// a card each with a question before and what came of it after.

import { add, find, findAll, findEach, setText } from "../core/dom.js";
import { formatNumber, language, text } from "../core/texts.js";
import { EXPERIMENTS } from "../recognizer/experiments.js";

const CHOICES = {
  speed: [0.25, 1, 4],
  hidden: [[], [8], [32], [128, 64]],
  learning_rate: [0.001, 0.01, 0.1, 1],
  images: [10, 100, 1000, 5000],
  wrong_labels: [0, 0.1, 0.25, 0.5],
  loss: ["nll", "softmax-cross-entropy", "log-of-softmax"],
};
const SAY = {
  speed: (times) => `${formatNumber(times)} ×`,
  hidden: (widths) => widths.join("-") || text("none"),
  learning_rate: (rate) => formatNumber(rate),
  images: (count) => formatNumber(count),
  wrong_labels: (share) => `${100 * share} %`,
  loss: (name) => text(`loss_${name}`),
};

/** @param {HTMLElement} panel @param {Page} page @returns {(seen: Seen) => void} */
export function startControls(panel, { training }) {
  const parts = findAll(panel, {
    again: ".again", play: ".play", step: ".one-step", more: ".more", dials: ".dials",
    lies: ".lies",
  });
  const selects = Object.keys(CHOICES).map((name) => addChoice(parts.dials, name, training));
  const isRunning = () => training.get().status === "running";
  const play = () => (training.get().status === "paused" ? training.play() : training.start());
  parts.again.addEventListener("click", () => training.start());
  parts.play.addEventListener("click", () => (isRunning() ? training.pause() : play()));
  parts.step.addEventListener("click", () => training.stepOnce());
  parts.more.addEventListener("click", () => {
    parts.more.ariaExpanded = String(parts.more.ariaExpanded === "false");
  });
  let said;
  return ({ state: { settings, status } }) => {
    parts.step.ariaDisabled = String(status !== "running" && status !== "paused");
    parts.play.classList.toggle("running", isRunning());
    parts.play.ariaLabel = text(isRunning() ? "pause" : "play");
    if (said !== language.get()) selects.forEach(nameChoices);
    said = language.get();
    for (const { name, select } of selects) {
      select.selectedIndex = CHOICES[name].findIndex((value) => isSame(value, settings[name]));
    }
    const share = 90 * settings.wrong_labels;
    setText(parts.lies, share ? text("wrong_labels_note", { share: formatNumber(share) }) : "");
  };
}

function addChoice(parent, name, training) {
  const label = add(parent, "label");
  add(label, "span").dataset.text = `control_${name}`;
  const select = add(label, "select");
  select.addEventListener("change", () => {
    const value = CHOICES[name][select.selectedIndex];
    if (name === "speed") training.setSpeed(value);
    else training.start({ [name]: value, ...(name === "images" ? amountOf(value) : {}) });
  });
  return { name, select };
}

// The fewer the images, the more often they are seen: up to 100 times.
const amountOf = (images) => ({
  batch: Math.min(64, images),
  passes: Math.max(4, Math.min(100, 4000 / images)),
});

function nameChoices({ name, select }) {
  setText(select.previousSibling, text(`control_${name}`));
  select.replaceChildren(...CHOICES[name].map((value) => new Option(SAY[name](value))));
}

const isSame = (one, other) => String(one) === String(other);

// An experiment that goes on says how far it is, one that is over what came of it.
/** @param {any} panel @param {Page} page @returns {(seen: Seen) => void} */
export function startExperiments(panel, { training }) {
  const cards = findEach(".experiment", panel);
  const results = {};
  for (const card of cards) {
    card.addEventListener("click", () => training.start(EXPERIMENTS[card.value]));
  }
  return ({ state }) => {
    const last = state.moments.at(-1);
    for (const card of cards) {
      const isOn = state.source === "browser" && isMadeWith(EXPERIMENTS[card.value], state);
      if (isOn && state.status === "over") results[card.value] = last;
      const isGoing = isOn && state.status !== "over" && last;
      card.ariaPressed = String(isOn);
      setText(find("span", card), isGoing ? say("so_far", last) : sayResult(card, results));
    }
  };
}

function isMadeWith(experiment, { settings }) {
  return Object.entries(experiment).every(([name, value]) => isSame(value, settings[name]));
}

function sayResult({ value: name }, results) {
  return results[name] ? say(`${name}_result`, results[name]) : text(name);
}

function say(key, { own, fresh }) {
  return text(key, { own: Math.round(100 * own), fresh: Math.round(100 * fresh) });
}
