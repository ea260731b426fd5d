// What the network saw, and why it chose as it did: pictures of 28 x 28 pixels on canvases of that
// size, enlarged by the style sheet. All that is worked out while it is on the screen alone.

import { find, findAll, paint, paintSigned, percentage, whileOnScreen } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { formatNumber, language, text } from "../core/texts.js";
import { explain } from "../recognizer/network.js";

const NOTHING = [0, 0, 0, 0];
const COMPARED = { question: "why", pro: "speaks_for", contra: "speaks_against" };
const FAR_FROM_ALL = { question: "why_none", pro: "fits", contra: "fits_not" };
const SIGNED = { maximumFractionDigits: 1, signDisplay: "always" };
const ROUNDED = { maximumSignificantDigits: 2, notation: "compact", compactDisplay: "long" };

/** @param {Page} page */
export function startInsight({ session }) {
  const section = find("#insight");
  const parts = findAll(section, {
    figures: ".figures", saw: ".saw", why: ".why", question: ".question", sum: ".sum",
    legend: ".legend", pro: ".for", contra: ".against", arithmetic: "details",
  });
  const update = whileOnScreen(section, () => show(parts, session.get()));
  watch([session, language], update);
}

function show(parts, { prediction, networks, compared }) {
  const { pixels, digit = null, verdict, runner_up } = prediction ?? {};
  const isSeen = Boolean(pixels?.some((value) => value > 0));
  parts.figures.classList.toggle("nothing", !isSeen);
  paint(parts.saw, isSeen ? (i) => [pixels[i], pixels[i], pixels[i], 255] : () => NOTHING);
  const asked = compared === digit ? null : compared;
  const other = asked ?? (verdict === "no digit" ? null : runner_up);
  const network = networks.taught;
  const reasons = isSeen && digit !== null && network && explain(network, pixels, digit, other);
  parts.legend.hidden = parts.arithmetic.hidden = !reasons;
  if (reasons) return showReasons(parts, prediction, other, reasons);
  paint(parts.why, () => NOTHING);
  parts.question.textContent = text("why_nothing");
}

// Without `other` the leading digit is compared with the nine others at once: where none is
// probable, what is to be said is why even the first is not.
function showReasons(parts, { digit, confidence }, other, { contributions, constant }) {
  paintSigned(parts.why, contributions);
  const values = { digit, runner_up: other, percent: percentage(confidence) };
  for (const [part, key] of Object.entries(other === null ? FAR_FROM_ALL : COMPARED)) {
    parts[part].textContent = text(key, values);
  }
  const ink = contributions.reduce((sum, part) => sum + part, 0);
  parts.sum.textContent = text("sum", {
    digit,
    runner_up: other ?? text("others"),
    ink: formatNumber(ink, SIGNED),
    constant: formatNumber(constant, SIGNED),
    times: formatNumber(Math.exp(ink + constant), ROUNDED),
  });
}
