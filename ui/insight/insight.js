// What the network saw, and why it chose as it did: pictures of 28 x 28 pixels on canvases of that
// size, enlarged by the style sheet. All that is worked out while it is on the screen alone.

import { paint, paintSigned, percentage, whileOnScreen } from "../elements.js";
import { language, text } from "../texts.js";

const NOTHING = [0, 0, 0, 0];
const COMPARED = { ".question": "why", ".for": "speaks_for", ".against": "speaks_against" };
const FAR_FROM_ALL = { ".question": "why_none", ".for": "fits", ".against": "fits_not" };
const SIGNED = { maximumFractionDigits: 1, signDisplay: "always" };
const ROUNDED = { maximumSignificantDigits: 2, notation: "compact", compactDisplay: "long" };

export function start({ element }) {
  let last = null;
  let compared = null; // the digit to compare the leading one with, where somebody chose it
  const update = whileOnScreen(element, () => show(element, last, compared));
  document.addEventListener("prediction", ({ detail }) => {
    last = detail;
    update();
  });
  document.addEventListener("compare", ({ detail }) => {
    compared = detail;
    update();
  });
  show(element, null);
}

function show(element, prediction, compared) {
  const { pixels, digit, verdict } = prediction ?? {};
  const isSeen = pixels?.some((value) => value > 0);
  element.querySelector(".figures").classList.toggle("nothing", !isSeen);
  const grey = (i) => [pixels[i], pixels[i], pixels[i], 255];
  paint(element.querySelector(".saw"), isSeen ? grey : () => NOTHING);
  const shrunk = prediction?.shrunk?.() ?? null; // null too where it reads the same
  element.querySelector(".shrunk").textContent = shrunk === null ? "" : text("shrunk", { shrunk });
  const asked = compared === digit ? null : compared;
  const other = asked ?? (verdict === "no digit" ? null : prediction?.runner_up);
  const reasons = digit == null ? null : prediction.why(other);
  for (const part of [".legend", "details"]) element.querySelector(part).hidden = !reasons;
  if (reasons) return showReasons(element, prediction, other, reasons);
  paint(element.querySelector(".why"), () => NOTHING);
  element.querySelector(".question").textContent = text("why_nothing");
}

// Without `other` the leading digit is compared with the nine others at once: where none is
// probable, what is to be said is why even the first is not.
function showReasons(element, { digit, confidence }, other, { contributions, constant }) {
  paintSigned(element.querySelector(".why"), contributions);
  const values = { digit, runner_up: other, percent: percentage(confidence) };
  for (const [part, key] of Object.entries(other === null ? FAR_FROM_ALL : COMPARED)) {
    element.querySelector(part).textContent = text(key, values);
  }
  const ink = contributions.reduce((sum, part) => sum + part, 0);
  element.querySelector(".sum").textContent = text("sum", {
    digit,
    runner_up: other ?? text("others"),
    ink: ink.toLocaleString(language(), SIGNED),
    constant: constant.toLocaleString(language(), SIGNED),
    times: Math.exp(ink + constant).toLocaleString(language(), ROUNDED),
  });
}
