// The drawing in twelve pieces, coloured by what each is worth. The one that is pointed at, or
// reached by the arrow keys, is taken away.

import { addPolyline, findAll, percentage } from "../core/dom.js";
import { text } from "../core/texts.js";
import { PEN_WIDTH } from "../paper/paper.js";
import { boxOf } from "../recognizer/framing.js";
import { weighPieces } from "../recognizer/reasons.js";
import { inSlices } from "../session/slices.js";

/** @param {Element} panel */
export function createPieces(panel) {
  const parts = findAll(panel, { drawing: ".drawing", without: ".without", needed: ".needed" });
  let shown = /** @type {Reasons | null} */ (null);
  let pieces = /** @type {PieceOfInk[]} */ ([]);
  const choose = (place) => takeAway(parts, pieces, place);
  listen(parts.drawing, choose);
  const show = async (reasons) => {
    if (isSame(reasons, shown)) return choose(null);
    shown = reasons;
    pieces = [];
    const strokes = reasons?.prediction.written ?? [];
    drawInk(parts.drawing, strokes);
    choose(null);
    parts.needed.textContent = reasons ? text("needed", { digit: reasons.digit }) : "";
    if (strokes.length === 0) return;
    const { network, digit, prediction, other } = reasons;
    const work = weighPieces(network, strokes, digit, other ?? prediction.runner_up);
    const found = await inSlices(work, () => shown === reasons);
    if (!found) return;
    pieces = found;
    colour(parts.drawing, pieces);
    choose(null);
  };
  return { show };
}

function isSame(reasons, shown) {
  const isAlike = (name) => reasons?.[name] === shown?.[name];
  return ["prediction", "network", "other"].every(isAlike);
}

// What the pointer or the arrow keys choose is a place, null for none.
function listen(drawing, choose) {
  const point = (event) => choose(event.target.dataset.place ?? null);
  drawing.addEventListener("pointermove", point);
  drawing.addEventListener("pointerdown", point);
  drawing.addEventListener("pointerleave", () => choose(null));
  drawing.addEventListener("blur", () => choose(null));
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(Number(drawing.ariaValueNow) - 1 + step);
  });
}

function drawInk(drawing, strokes) {
  drawing.replaceChildren();
  drawing.ariaValueNow = 0;
  if (strokes.length === 0) return;
  const [left, top, right, bottom] = boxOf(strokes.flat());
  const side = Math.max(right - left, bottom - top) + 2 * PEN_WIDTH;
  const start = [(left + right - side) / 2, (top + bottom - side) / 2];
  drawing.setAttribute("viewBox", [...start, side, side].join(" "));
  for (const stroke of strokes) addPolyline(drawing, stroke);
}

// Full orange is a piece without which the lead is gone.
function colour(drawing, pieces) {
  drawing.replaceChildren();
  pieces.forEach(({ strokes, share }, place) => {
    const strength = `${Math.round(100 * Math.min(Math.abs(share), 1))}%`;
    const name = share > 0 ? "--for" : "--against";
    for (const stroke of strokes) {
      const line = addPolyline(drawing, stroke);
      line.dataset.place = place;
      line.style.stroke = `color-mix(in srgb, rgb(var(${name})) ${strength}, var(--spare))`;
    }
  });
}

function takeAway({ drawing, without }, pieces, place) {
  const last = pieces.length - 1;
  const chosen = place === null || last < 0 ? null : Math.min(Math.max(Number(place), 0), last);
  for (const line of drawing.children) {
    const isGone = chosen !== null && Math.abs(line.dataset.place - chosen) <= 1;
    line.classList.toggle("gone", isGone);
  }
  if (chosen !== null) drawing.ariaValueNow = chosen + 1;
  const key = last < 0 ? "no_pieces" : "point_at_piece";
  without.textContent = chosen === null ? text(key) : sayWithout(pieces[chosen].answer);
  without.classList.toggle("said", chosen !== null);
  drawing.ariaValueText = without.textContent;
}

function sayWithout({ digit, verdict, confidence }) {
  if (verdict === "empty") return text("without_all");
  if (verdict === "no digit") return text("without_no_digit");
  return text("without", { digit, percent: percentage(confidence) });
}
