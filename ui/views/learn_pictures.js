// What there is to see of a network in training: the weights of its first units or its templates,
// 40 digits that it never saw, and the one image of a step that is taken slowly.

import {
  add, findAll, paint, percentage, setText, signed, strongestOf, tint,
} from "../core/dom.js";
import { text } from "../core/texts.js";
import { PIXELS } from "../recognizer/framing.js";
import { forward, likeliest } from "../recognizer/network.js";
import { outlineInk } from "./diagram_painting.js";

const MOST = 32; // units that are shown; untrained, the first ones are as good as any
const STRONG = 0.5; // a weight that has all of its colour, at all times
const PALE = 0.7; // the power by which the weak still show
const [SIDE, LARGE] = [28, 112]; // pixels of an image, and of a template on the screen
const SLOW = 900; // milliseconds for each part of a step

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** @param {HTMLElement} panel @returns {(seen: Seen) => void} */
export function startWeights(panel) {
  const parts = findAll(panel, { weights: ".weights", what: ".weights h2", pictures: ".pictures" });
  let [figures, shown, moved] = [[], null, null];
  return ({ state, moment, yours, prediction }) => {
    const network = moment?.network;
    if (!network) return;
    const { layers: [layer], hidden } = network;
    const isTemplates = hidden.length === 0;
    const count = Math.min(layer.steps.length, MOST);
    if (figures.length !== count) figures = addFigures(parts.pictures, count);
    panel.classList.toggle("templates", isTemplates);
    panel.classList.toggle("few", count <= 8);
    const key = isTemplates ? "templates" : hidden[0] > MOST ? "first_units" : "all_units";
    setText(parts.what, text(key, { count, units: hidden[0] }));
    if (network !== shown) {
      figures.forEach(({ canvas }, unit) => paintWeights(canvas, layer, unit, STRONG));
    }
    shown = network;
    panel.classList.toggle("summed", isTemplates && yours.now !== null);
    if (isTemplates && yours.now) showSums(figures, network, prediction);
    if (state.step && state.step !== moved && !isCalm()) flash(figures, state.step.change[0]);
    moved = state.step;
  };
}

function addFigures(pictures, count) {
  pictures.replaceChildren();
  return Array.from({ length: count }, (_, unit) => {
    const figure = add(pictures, "figure");
    const [canvas, moved, ink] = [SIDE, SIDE, 2 * LARGE].map((side) => addCanvas(figure, side));
    moved.className = "moved";
    ink.className = "ink";
    const caption = add(figure, "figcaption");
    add(caption, "b", unit);
    return { figure, canvas, moved, ink: ink.getContext("2d"), sum: add(caption, "span") };
  });
}

const addCanvas = (figure, side = SIDE) =>
  Object.assign(add(figure, "canvas"), { width: side, height: side });

// Weights on a scale that stays, so that one sees them grow.
function paintWeights(canvas, { weights, steps }, unit, strong) {
  paint(canvas, (i) => {
    const share = (weights[i * steps.length + unit] * steps[unit]) / strong;
    return tint(share, Math.abs(share) ** PALE);
  });
}

// The score of each template, which is the sum of the ink on it, and the ink's outline.
function showSums(figures, network, { pixels }) {
  const { inputs, scores } = forward(network, pixels);
  const first = likeliest(scores);
  const { color } = getComputedStyle(figures[0].ink.canvas);
  figures.forEach(({ figure, sum, ink }, digit) => {
    figure.classList.toggle("first", digit === first);
    setText(sum, signed(scores[digit]));
    ink.setTransform(2, 0, 0, 2, 0, 0);
    ink.clearRect(0, 0, LARGE, LARGE);
    outlineInk(ink, { x: 0, y: 0, size: LARGE }, inputs, color);
  });
}

// Where a slow step moved weights, the brighter the further.
function flash(figures, change) {
  const most = strongestOf(change);
  const layer = { weights: change, steps: new Float32Array(change.length / PIXELS).fill(1) };
  figures.forEach(({ moved }, unit) => {
    paintWeights(moved, layer, unit, most);
    const shades = [0, 1, 1, 0].map((opacity) => ({ opacity }));
    moved.animate(shades, { delay: SLOW * 3, duration: SLOW * 2 });
  });
}

/** @param {HTMLElement} panel @param {Page} page @returns {(seen: Seen) => void} */
export function startDigits(panel, { images }) {
  const parts = findAll(panel, { forty: ".forty", wrong: ".wrong", right: ".right" });
  let [figures, labels] = [null, null];
  return async ({ moment }) => {
    if (!moment) return;
    if (!labels) {
      const tests = await images.load("test_images");
      figures ??= addDigits(parts.forty, tests.images, moment.guesses.length);
      ({ labels } = tests);
    }
    let count = 0;
    moment.guesses.forEach((guess, i) => {
      const isWrong = guess !== labels[i];
      count += Number(isWrong);
      figures[i].classList.toggle("misread", isWrong);
      setText(figures[i].lastElementChild, String(guess));
    });
    setText(parts.wrong, text("count_wrong", { count }));
    setText(parts.right, text("count_right", { count: figures.length - count }));
  };
}

function addDigits(parent, images, count) {
  return Array.from({ length: count }, (_, i) => {
    const figure = add(parent, "figure");
    paintInk(addCanvas(figure), images.subarray(i * PIXELS, (i + 1) * PIXELS));
    add(figure, "b");
    return figure;
  });
}

const paintInk = (canvas, pixels) => paint(canvas, (i) => [128, 128, 128, pixels[i]]);

// A step on one image, sentence by sentence.
/** @param {HTMLElement} panel @returns {(seen: Seen) => void} */
export function startStep(panel) {
  const parts = findAll(panel, { step: ".step", image: ".step canvas" });
  const sentences = [...parts.step.querySelectorAll("p")];
  let shown = null;
  return ({ state: { step } }) => {
    parts.step.hidden = !step;
    if (step && step !== shown) {
      paintInk(parts.image, step.pixels);
      sentences.forEach((node, i) => {
        const shades = [{ opacity: 0 }, { opacity: 1 }];
        if (!isCalm()) node.animate(shades, { delay: SLOW * i, duration: 200, fill: "backwards" });
      });
    }
    shown = step;
    if (step) sayStep(sentences, step);
  };
}

function sayStep(sentences, { label, probabilities, loss }) {
  const digit = likeliest(probabilities);
  const percent = percentage(probabilities[digit]);
  const values = { digit, percent, label, share: percentage(probabilities[label]) };
  const words = [
    text("step_is", values),
    text(digit === label ? "step_right" : "step_says", values),
    text("step_costs", { loss: loss.toFixed(2) }),
    text("step_moves"),
  ];
  sentences.forEach((node, i) => setText(node, words[i]));
}
