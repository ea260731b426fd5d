// From ten scores to ten shares, as three charts and, for who wants them exactly, a table.

import { add, addRow, find, findAll, percentage, setText, tenths } from "../core/dom.js";
import { formatNumber, text } from "../core/texts.js";
import { logSoftmax } from "../recognizer/network.js";
import { addChart } from "./chart.js";

const RAISED = { "-": "⁻", ...Array.from("⁰¹²³⁴⁵⁶⁷⁸⁹") };

// Gives what shows the scores of a prediction; null: there are none.
/** @param {HTMLElement} element */
export function addSoftmax(element) {
  const parts = findAll(element, {
    select: "select", surprise: ".surprise", table: "table", sum: ".sum", quotient: ".quotient",
  });
  const charts = /** @type {any} */ (element.querySelectorAll(".chart"));
  const show = [...charts].map(addChart);
  const rows = Array.from({ length: 10 }, (_, digit) => {
    add(parts.select, "option", digit);
    return [...addRow(parts.table, digit, Array(4).fill([""])).cells].slice(1);
  });
  let said = null; // the digit that the person says it is
  let pointed = null; // the one that is pointed at
  let shown = null;
  const update = () => {
    if (!shown) return;
    const label = said ?? shown.prediction.runner_up;
    const marked = pointed ?? label;
    parts.select.value = label;
    setText(parts.surprise, text("surprise", { loss: tenths(-shown.logs[label]) }));
    showCharts(show, parts, shown, marked);
    find("details", element).open && showRows(rows, shown);
  };
  parts.select.addEventListener("change", () => {
    said = Number(parts.select.value);
    update();
  });
  find("details", element).addEventListener("toggle", update);
  element.addEventListener("pointerover", (event) => {
    const digit = /** @type {Element} */ (event.target).closest("[data-digit]");
    pointed = digit ? Number(/** @type {HTMLElement} */ (digit).dataset.digit) : null;
    update();
  });
  element.addEventListener("pointerleave", () => {
    pointed = null;
    update();
  });
  /** @param {Prediction | null} prediction @param {Float64Array} [scores] */
  return (prediction, scores) => {
    element.classList.toggle("nothing", !prediction);
    if (!prediction) said = null;
    shown = prediction && { prediction, scores: [...scores], ...softmaxOf(scores) };
    update();
  };
}

// The steps of the lesson's part 3.
export function softmaxOf(scores) {
  const powers = Array.from(scores, Math.exp);
  const total = powers.reduce((sum, power) => sum + power, 0);
  const logs = [...logSoftmax(scores)];
  return { powers, total, shares: logs.map(Math.exp), logs };
}

// The scores have all of their figures, powers and shares those of the digits that are marked.
function showCharts(charts, { sum, quotient }, { prediction, ...steps }, other) {
  const marked = [prediction.digit, other];
  const kinds = [
    { key: "score", values: steps.scores, say: tenths },
    { key: "power", values: steps.powers, say: short },
    { key: "share", values: steps.shares, say: percentage },
  ];
  kinds.forEach(({ key, values, say }, i) => {
    const all = values.map(say);
    const title = [text(key), ...all.map((figure, digit) => `${digit}: ${figure}`)].join("; ");
    const figures = all.map((figure, digit) => (i === 0 || marked.includes(digit) ? figure : ""));
    charts[i](values, { figures, marked, title });
  });
  setText(sum, text("sum_of_all", { sum: short(steps.total) }));
  setText(quotient, `${other}: ${short(steps.powers[other])} ÷ ${short(steps.total)}`);
}

function showRows(rows, { scores, powers, shares, logs }) {
  rows.forEach((cells, digit) => {
    const numbers = [scores, powers, shares, logs].map((values) => exact(values[digit]));
    cells.forEach((cell, i) => setText(cell, numbers[i]));
  });
}

// In as many digits as a chart has room for.
function short(value) {
  if (value >= 1e7) return raised(value, 1);
  const maximumSignificantDigits = value < 0.1 ? 1 : 3;
  return value < 1e-6 ? raised(value, 0) : formatNumber(value, { maximumSignificantDigits });
}

// In four places, or where these would hide it, with a power of ten.
function exact(value) {
  const size = Math.abs(value);
  if (!(size < 0.001 || size >= 1e5) || size === 0) return value.toFixed(4);
  return raised(value, 4);
}

function raised(value, places) {
  const [digits, power] = value.toExponential(places).split("e");
  return `${digits} · 10${[...power.replace("+", "")].map((sign) => RAISED[sign]).join("")}`;
}
