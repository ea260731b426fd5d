// From ten scores to ten probabilities, with this drawing's numbers, and what they would cost.

import { add, addRow, setText } from "../elements.js";
import { logSoftmax } from "../recognizer/network.js";
import { text } from "../texts.js";

const RAISED = { "-": "⁻", ..."⁰¹²³⁴⁵⁶⁷⁸⁹" };

// Gives {show}, which takes the ten scores and the digit that was read.
export function addSoftmax(element) {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const [, ...cells] = addRow(element.querySelector("table"), digit, Array(5).fill([""])).cells;
    return cells;
  });
  rows.forEach((cells) => (cells[3].className = "probability"));
  const select = element.querySelector(".label");
  for (let digit = 0; digit < 10; digit++) add(select, "option", digit);
  let said = null; // the digit that the person says it is
  let steps = null;
  const showCost = () => {
    const digit = said ?? steps.digit;
    select.value = digit;
    const values = { digit, share: number(steps.shares[digit]), loss: number(-steps.logs[digit]) };
    setText(element.querySelector(".cost"), text("cost", values));
  };
  select.addEventListener("change", () => {
    said = Number(select.value);
    showCost();
  });
  const show = (scores, digit) => {
    steps = { ...softmaxOf(scores), digit };
    rows.forEach(([score, power, share, bar, log], i) => {
      setText(score, number(scores[i]));
      setText(power, number(steps.powers[i]));
      setText(share, number(steps.shares[i]));
      bar.style.setProperty("--share", steps.shares[i] || 0);
      setText(log, number(steps.logs[i]));
    });
    const whole = steps.shares.reduce((sum, share) => sum + share, 0);
    setText(element.querySelector(".total"), number(steps.total));
    setText(element.querySelector(".whole"), number(whole));
    showCost();
  };
  return { show, forget: () => (said = null) };
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
