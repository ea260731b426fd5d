// Drawings as cards, the newest first, so large that all of them are in sight where that can be.

import { add, addButton, addThumbnail } from "../core/dom.js";
import { text } from "../core/texts.js";
import { boxOf } from "../recognizer/framing.js";

const LEAST = 40; // pixels: smaller ones are no use, and the wall scrolls

// Gives what shows drawings in `list`: what `readingOf` makes of each is its badge, if it is wrong.
/** @param {HTMLElement} list @param {(drawing: OnWall) => void} tap */
export function createCards(list, tap) {
  const cards = new Map(); // by id
  /** @param {OnWall[]} drawings @param {(drawing: OnWall) => number | null} readingOf */
  return (drawings, readingOf) => {
    const ids = new Set(drawings.map(({ id }) => id));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      card.remove();
      cards.delete(id);
    }
    let room = 0;
    for (const drawing of drawings) {
      if (!cards.has(drawing.id)) cards.set(drawing.id, addCard(list, drawing, tap));
      const card = cards.get(drawing.id);
      card.drawing = drawing;
      room += showReading(card, drawing, readingOf(drawing)) ? 4 : 1;
    }
    arrange(list, drawings.length, room);
  };
}

function addCard(list, { strokes }, tap) {
  const card = addButton(list, undefined, () => tap(card.drawing));
  addDrawing(card, strokes);
  list.prepend(card);
  return card;
}

export function addDrawing(parent, strokes) {
  const [left, top, right, bottom] = boxOf(strokes.flat());
  const side = 1.2 * Math.max(right - left, bottom - top, 1);
  const corner = [(left + right - side) / 2, (top + bottom - side) / 2];
  const svg = addThumbnail(parent, strokes, [...corner, side, side]);
  svg.style.setProperty("--pen", String(side / 14));
  add(parent, "span").className = "badge";
  return svg;
}

// Gives whether it is shown and wrong.
function showReading(card, { label, shown }, read) {
  const isWrong = shown && read !== label;
  const badge = read ?? "?";
  card.className = `card${shown ? "" : " veiled"}${isWrong ? " wrong" : ""}`;
  card.lastChild.textContent = isWrong ? badge : "";
  card.ariaLabel = shown ? text("wall_card", { label, read: badge }) : text("wall_veiled");
  return isWrong;
}

// As few columns as can be. Of many cards the wrong ones take four places, or they drown: how many
// rows that makes is seen when it is tried.
function arrange(list, count, room) {
  const isMany = count > 60;
  const [width, height] = [list.clientWidth, list.clientHeight];
  const wide = isMany ? 1 : 1.5; // times its height
  let columns = 2;
  const overflows = () => {
    const row = Math.floor(width / columns / wide);
    list.style.setProperty("--columns", String(columns));
    list.style.setProperty("--row", `${row}px`);
    const rows = Math.ceil((isMany ? room : count) / columns);
    return row * rows > height || list.scrollHeight > height;
  };
  list.classList.toggle("many", isMany);
  while (overflows() && width / columns > LEAST) columns++;
}
