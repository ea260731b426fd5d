// Ten bars beside each other, above and below a line, with figures at some of them.

import { add, setText } from "../core/dom.js";

// Gives what shows ten values: `figures` are words at the bars, `marked` the digits that stand out,
// the leading one first, and `title` is what is read aloud.
/** @param {HTMLElement} element */
export function addChart(element) {
  element.role = "img";
  const columns = Array.from({ length: 10 }, (_, digit) => {
    const column = add(element, "div");
    column.dataset.digit = String(digit);
    const bar = add(column, "i");
    return { column, bar, figure: add(column, "span"), name: add(column, "b", digit) };
  });
  /** @param {number[]} values @param {{figures: string[], marked: number[], title: string}} more */
  return (values, { figures, marked, title }) => {
    const lowest = Math.min(0, ...values);
    const span = Math.max(0, ...values) - lowest || 1;
    element.style.setProperty("--line-at", String(-lowest / span));
    columns.forEach(({ column, bar, figure }, digit) => {
      const value = values[digit];
      bar.style.setProperty("--at", String((Math.min(value, 0) - lowest) / span));
      bar.style.setProperty("--size", String(Math.abs(value) / span));
      bar.classList.toggle("below", value < 0);
      figure.style.setProperty("--at", String((Math.max(value, 0) - lowest) / span));
      figure.style.setProperty("--foot", String((Math.min(value, 0) - lowest) / span));
      setText(figure, figures[digit] ?? "");
      column.classList.toggle("marked", marked.includes(digit));
      column.classList.toggle("leading", marked[0] === digit);
    });
    element.ariaLabel = title;
  };
}
