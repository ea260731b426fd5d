// What each pixel adds on the way from blank paper, and the sums in two pans of a balance.

import {
  find, findAll, paint, paintSigned, percentage, signed, strongestOf, tenths,
} from "../core/dom.js";
import { text } from "../core/texts.js";
import { attribute } from "../recognizer/reasons.js";

const POINTS = { drawing: 4, atRest: 16 }; // of the path from blank paper
const HATCHED = 0.4; // of the strongest effect of ink: what is less is not hatched
const TILT = 8; // of the beam, at most

/** @param {Element} panel */
export function createMap(panel) {
  const parts = findAll(panel, {
    why: ".why", hatches: ".hatches", legend: ".legend", pro: ".for", contra: ".against",
    here: ".empty", isHatched: "input", balance: ".balance", beam: ".beam", rest: ".rest",
  });
  let shown;
  const show = (reasons) => {
    shown = reasons;
    panel.classList.toggle("nothing", !reasons);
    parts.hatches.replaceChildren();
    if (!reasons) return paint(parts.why, () => [0, 0, 0, 0]);
    const { network, prediction, digit, other, isAtRest } = reasons;
    const count = isAtRest ? POINTS.atRest : POINTS.drawing;
    const found = attribute(network, prediction.pixels, digit, other, count);
    paintSigned(parts.why, found.contributions);
    if (parts.isHatched.checked) hatch(parts.hatches, found.slopes, prediction.pixels);
    showWords(parts, reasons);
    weigh(parts, found, reasons);
  };
  parts.isHatched.addEventListener("change", () => show(shown));
  return { show };
}

// Empty places where ink would speak for the other digit.
function hatch(hatches, slopes, pixels) {
  const strongest = strongestOf(slopes);
  slopes.forEach((slope, i) => {
    if (pixels[i] > 0 || slope > -HATCHED * strongest) return;
    const place = document.createElementNS(hatches.namespaceURI, "path");
    place.setAttribute("d", `M${i % 28} ${Math.floor(i / 28) + 1}l1-1`);
    hatches.append(place);
  });
}

function showWords({ pro, contra, here }, { prediction, digit, other }) {
  const values = { digit, runner_up: other, percent: percentage(prediction.confidence) };
  pro.textContent = text(other === null ? "fits" : "pushes", values);
  contra.textContent = text(other === null ? "fits_not" : "pushes_against", values);
  here.textContent = text(other === null ? "empty_none" : "empty_other", values);
}

function weigh({ balance, beam, rest }, found, { digit, other }) {
  const { contributions, blank, odds } = found;
  const sumOf = (sign) =>
    contributions.reduce((sum, value) => sum + Math.max(sign * value, 0), 0);
  const sums = { pro: sumOf(1), contra: sumOf(-1) };
  const tilt = (TILT * (sums.pro - sums.contra)) / (sums.pro + sums.contra || 1);
  beam.setAttribute("d", `M21 ${14 + tilt}L99 ${14 - tilt}`);
  const names = { pro: digit, contra: other ?? text("others") };
  Object.entries({ pro: tilt, contra: -tilt }).forEach(([name, down]) => {
    const pan = find(`.${name}`, balance);
    pan.setAttribute("transform", `translate(0 ${down})`);
    find(".sum", pan).textContent = tenths(sums[name]);
    find(".name", pan).textContent = text("pan", { digit: names[name] });
  });
  rest.textContent = text("left_over", { left: signed(blank + found.rest), odds: signed(odds) });
}
