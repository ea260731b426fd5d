// What the network saw, why it chose as it did, and what simple shrinking would give: pictures
// of 28 x 28 pixels on canvases of that size, enlarged by the style sheet. All that is worked out
// while it is on the screen alone.

import { add } from "../elements.js";
import { language, text } from "../texts.js";

const PIXELS = 28 * 28;
const BLANK = Array(PIXELS).fill(0);
// Orange and blue are told apart whatever colours a person sees.
const FOR = [230, 159, 0];
const AGAINST = [0, 130, 220];
const SIGNED = { maximumFractionDigits: 1, signDisplay: "always" };
const ROUNDED = { maximumSignificantDigits: 2, notation: "compact", compactDisplay: "long" };

export function start({ element }) {
  for (let digit = 0; digit < 10; digit++) {
    const column = add(element.querySelector(".columns"), "span");
    add(column, "i");
    column.append(digit);
  }
  show(element, null);
  let last = null;
  let isOnScreen = false;
  const update = () => isOnScreen && show(element, last);
  const toggle = element.querySelector("[role=switch]");
  toggle.addEventListener("click", () => {
    toggle.ariaChecked = toggle.ariaChecked !== "true";
    element.querySelector(".simple").hidden = toggle.ariaChecked !== "true";
    update();
  });
  document.addEventListener("prediction", ({ detail }) => {
    last = detail;
    update();
  });
  new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1).isIntersecting;
    update();
  }).observe(element);
}

function show(element, prediction) {
  const isRead = prediction?.digit != null;
  fill(element, ".saw", grey(prediction?.pixels ?? BLANK));
  element.querySelector(".legend").hidden = !isRead;
  if (!isRead) return showNothing(element);
  showReasons(element, prediction, prediction.why());
  if (!element.querySelector(".simple").hidden) showShrunk(element, prediction.shrunk());
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

function showReasons(element, { digit, runner_up }, { contributions, constant }) {
  const strongest = Math.max(...contributions.map(Math.abs));
  fill(element, ".why", (i) => {
    const share = contributions[i] / strongest;
    return [...(share > 0 ? FOR : AGAINST), 255 * Math.sqrt(Math.abs(share))]; // the weak show too
  });
  element.querySelector(".question").textContent = text("why", { digit, runner_up });
  element.querySelector(".for").textContent = text("speaks_for", { digit });
  element.querySelector(".against").textContent = text("speaks_for", { digit: runner_up });
  const ink = contributions.reduce((sum, part) => sum + part, 0);
  element.querySelector(".sum").textContent = text("sum", {
    digit,
    runner_up,
    ink: ink.toLocaleString(language(), SIGNED),
    constant: constant.toLocaleString(language(), SIGNED),
    times: Math.exp(ink + constant).toLocaleString(language(), ROUNDED),
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
