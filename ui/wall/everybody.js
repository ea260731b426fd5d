// What the network reads of everybody's drawings, beside what it reads of MNIST's test images.

import { add, addDigits, addRow, find, findAll, setText } from "../core/dom.js";
import { text } from "../core/texts.js";
import { fools, readingOf } from "../recognizer/classroom.js";

const LEAST = 0.1; // of a bar: what there is can be seen

// Gives what shows it. `confusion` has a row for each digit of MNIST.
/** @param {number[][] | undefined} confusion */
export function createEverybody(confusion) {
  const parts = findAll(find(".facts"), {
    count: ".count", of: ".of", said: ".said", table: ".reads", both: ".matrices",
  });
  const tables = [...parts.both.querySelectorAll("table")];
  for (const table of tables) addDigits(table);
  add(tables[0].tHead.rows[0], "th", "?").scope = "col";
  /** @param {Room} room */
  return (room) => {
    const { kind, digit } = room.get().task;
    const counts = countReadings(room.shown);
    const right = counts.reduce((sum, row, label) => sum + row[label], 0);
    const isFooling = kind === "fool";
    const isAll = digit === null;
    setText(parts.count, String(isFooling ? room.shown.filter(fools).length : right));
    setText(parts.of, text("wall_of", { count: room.shown.length }));
    setText(parts.said, text(isFooling ? "wall_fool" : "wall_right"));
    parts.table.hidden = isAll;
    parts.both.hidden = !isAll;
    if (!isAll) return showReads(parts.table, digit, counts[digit], confusion?.[digit]);
    tables[1].hidden = !confusion;
    [counts, confusion ?? []].forEach((rows, i) => showMatrix(tables[i], rows, i === 0));
  };
}

// By label and what was read; the last column is for no digit.
function countReadings(drawings) {
  const counts = Array.from({ length: 10 }, () => Array(11).fill(0));
  for (const { label, answer } of drawings) counts[label][readingOf(answer) ?? 10]++;
  return counts;
}

const sumOf = (row) => row.reduce((sum, count) => sum + count, 0) || 1;

function showReads(table, digit, own, mnist = []) {
  table.tBodies[0].replaceChildren();
  own.forEach((count, read) => {
    const share = mnist[read] / sumOf(mnist) || 0;
    const percent = share < 0.01 ? "< 1 %" : `${Math.round(100 * share)} %`;
    const row = addRow(table, read < 10 ? read : "?", []);
    row.className = read === digit ? "right" : count ? "wrong" : "";
    for (const [part, words] of [[count / sumOf(own), count], [share, percent]]) {
      const width = part && Math.max(part, LEAST);
      add(add(row, "td"), "span").style.setProperty("--share", String(width));
      add(row, "td", part ? words : "");
    }
  });
}

// MNIST's ten thousand are shown by their colour alone.
function showMatrix(table, rows, isCounted) {
  table.tBodies[0].replaceChildren();
  const most = Math.max(1, ...rows.map((row, label) => Math.max(...row.with(label, 0))));
  rows.forEach((row, label) => {
    const whole = (read) => (read === label ? sumOf(row) : most);
    const cells = row.map((count, read) => [(isCounted && count) || "", count / whole(read)]);
    addRow(table, label, cells).cells[label + 1].classList.add("right");
  });
}
