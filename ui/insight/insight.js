// What the network saw, why it chose as it did, and what simple shrinking would give: pictures
// of 28 x 28 pixels on canvases of that size, enlarged by the style sheet. While it is on the
// screen it asks for the explanations that "prediction" events then carry.

import { add, send } from "../elements.js";
import { language, speak, text } from "../texts.js";

const PIXELS = 28 * 28;
const BLANK = Array(PIXELS).fill(0);
// Orange and blue are told apart whatever colours a person sees.
const FOR = [230, 159, 0];
const AGAINST = [0, 130, 220];
const SIGNED = { maximumFractionDigits: 1, signDisplay: "always" };
const ROUNDED = { maximumSignificantDigits: 2, notation: "compact", compactDisplay: "long" };

export function start({ element, props, watch }) {
  speak({ element, props, watch });
  for (let digit = 0; digit < 10; digit++) {
    const column = add(element.querySelector(".columns"), "span");
    add(column, "i");
    column.append(digit);
  }
  const toggle = element.querySelector("[role=switch]");
  toggle.addEventListener("click", () => {
    toggle.ariaChecked = toggle.ariaChecked !== "true";
    element.querySelector(".simple").hidden = toggle.ariaChecked !== "true";
  });
  show(element, null);

  // Explanations cost time on the way: only what can be seen is asked for.
  let onScreen = false;
  const askForDetails = () => send(element, "details", onScreen);
  document.addEventListener("prediction", ({ detail }) => {
    show(element, detail);
    if (detail?.digit != null && detail.details !== onScreen) askForDetails();
  });
  new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    askForDetails();
  }).observe(element);
}

function show(element, prediction) {
  if (prediction?.digit == null) showNothing(element);
  fill(element, ".saw", grey(prediction?.pixels ?? BLANK));
  element.querySelector(".legend").hidden = !prediction?.why;
  if (prediction?.why) showReasons(element, prediction);
  if (prediction?.shrunk) showShrunk(element, prediction.shrunk);
}

function showNothing(element) {
  fill(element, ".why", () => [0, 0, 0, 0]);
  fill(element, ".shrunk", grey(BLANK));
  element.querySelector(".question").textContent = text("why_nothing");
  element.querySelector(".read").textContent = text("simple_nothing");
  element.querySelector(".sum").textContent = "";
  for (const column of element.querySelectorAll(".columns i")) column.style.height = 0;
}

// `colour` gives [red, green, blue, alpha] for a pixel's place.
function fill(element, canvas, colour) {
  const image = new ImageData(28, 28);
  for (let i = 0; i < PIXELS; i++) image.data.set(colour(i), 4 * i);
  element.querySelector(canvas).getContext("2d").putImageData(image, 0, 0);
}

function grey(pixels) {
  return (i) => [pixels[i], pixels[i], pixels[i], 255];
}

function showReasons(element, { digit, runner_up, why }) {
  const strongest = Math.max(...why.contributions.map(Math.abs));
  fill(element, ".why", (i) => {
    const share = why.contributions[i] / strongest;
    return [...(share > 0 ? FOR : AGAINST), 255 * Math.sqrt(Math.abs(share))]; // the weak show too
  });
  element.querySelector(".question").textContent = text("why", { digit, runner_up });
  element.querySelector(".for").textContent = text("speaks_for", { digit });
  element.querySelector(".against").textContent = text("speaks_for", { digit: runner_up });
  const ink = why.contributions.reduce((sum, part) => sum + part, 0);
  element.querySelector(".sum").textContent = text("sum", {
    digit,
    runner_up,
    ink: ink.toLocaleString(language(), SIGNED),
    constant: why.constant.toLocaleString(language(), SIGNED),
    times: Math.exp(ink + why.constant).toLocaleString(language(), ROUNDED),
  });
}

function showShrunk(element, { pixels, probabilities }) {
  fill(element, ".shrunk", grey(pixels));
  const percents = probabilities.map((probability) => 100 * probability);
  const percent = Math.max(...percents);
  const digit = percents.indexOf(percent);
  const read = text("simple_read", { digit, percent: percent.toFixed(0) });
  element.querySelector(".read").textContent = read;
  const columns = element.querySelector(".columns");
  columns.ariaLabel = percents.map((p, i) => `${i}: ${p.toFixed(0)} %`).join(", ");
  columns.querySelectorAll("i").forEach((column, i) => {
    column.style.height = `${percents[i]}%`;
    column.classList.toggle("leading", i === digit);
  });
}
