// From ten scores to ten probabilities, with this drawing's numbers, and what they would cost.

import { add, addRow, find, findAll, setText } from "../core/dom.js";
import { text } from "../core/texts.js";
import { logSoftmax } from "../recognizer/network.js";

const RAISED = { "-": "⁻", ...Array.from("⁰¹²³⁴⁵⁶⁷⁸⁹") };

// Gives {show}, which takes the ten scores and the digit that was read.
export function addSoftmax(element) {
  const parts = findAll(element, {
    select: ".label", cost: ".cost", total: ".total", whole: ".whole",
  });
  const rows = Array.from({ length: 10 }, (_, digit) => {
    add(parts.select, "option", digit);
    const [, ...cells] = addRow(find("table", element), digit, Array(5).fill([""])).cells;
    cells[3].className = "probability";
    return cells;
  });
  let said = null; // the digit that the person says it is
  let steps = null;
  const showCost = () => {
    const digit = said ?? steps.digit;
    parts.select.value = digit;
    const values = { digit, share: number(steps.shares[digit]), loss: number(-steps.logs[digit]) };
    setText(parts.cost, text("cost", values));
  };
  parts.select.addEventListener("change", () => {
    said = Number(parts.select.value);
    showCost();
  });
  const show = (scores, digit) => {
    steps = { ...softmaxOf(scores), digit };
    showRows(rows, scores, steps);
    const whole = steps.shares.reduce((sum, share) => sum + share, 0);
    setText(parts.total, number(steps.total));
    setText(parts.whole, number(whole));
    showCost();
  };
  return { show, forget: () => (said = null) };
}

function showRows(rows, scores, { powers, shares, logs }) {
  rows.forEach(([score, power, share, bar, log], i) => {
    setText(score, number(scores[i]));
    setText(power, number(powers[i]));
    setText(share, number(shares[i]));
    bar.style.setProperty("--share", shares[i] || 0);
    setText(log, number(logs[i]));
  });
}

// The steps of the lesson's part 3: {powers, total, shares, logs}.
export function softmaxOf(scores) {
  const powers = Array.from(scores, Math.exp);
  const total = powers.reduce((sum, power) => sum + power, 0);
  return { powers, total, shares: powers.map((power) => power / total), logs: logSoftmax(scores) };
}

// In four places, or where these would hide it, with a power of ten.
function number(value) {
  const size = Math.abs(value);
  if (!(size < 0.001 || size >= 1e5) || size === 0) return value.toFixed(4);
  const [digits, power] = value.toExponential(4).split("e");
  return `${digits} · 10${[...power.replace("+", "")].map((sign) => RAISED[sign]).join("")}`;
}
