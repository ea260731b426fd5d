// The ghost of a line that would make the drawing another digit, or of ink that would be gone: on
// the paper, in a sentence, and at the bar of the other digit. Tapping it makes the change.

import { add, addPolyline, find, findAll, findEach, percentage, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, text } from "../core/texts.js";
import { PEN_WIDTH, SIDE } from "../paper/paper.js";

const BADGE_AT = 125; // units of the paper from the middle of the change
const EDGE = 75; // and at least so far from the edge

/** @param {Page} page */
export function startGhost({ changes, session }) {
  const paper = find(".paper");
  const ghost = paper.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  ghost.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  ghost.setAttribute("class", "ghost");
  ghost.style.setProperty("--pen", PEN_WIDTH);
  const badge = add(paper, "button");
  Object.assign(badge, { type: "button", className: "badge", tabIndex: -1, ariaHidden: "true" });
  badge.dataset.action = "change";
  const parts = findAll(find("#change"), { sentence: ".sentence", eye: ".eye" });
  let drawn;
  watch([session, changes, language], () => {
    const { best, about, asked } = changes;
    const { isOn, isDone } = changes.get();
    parts.eye.classList.toggle("away", !about);
    parts.eye.ariaPressed = isOn;
    const isMissing = isOn && isDone && !best && asked !== null;
    setText(parts.sentence, isMissing ? text("no_change", { digit: asked }) : sentenceOf(best));
    parts.sentence.classList.toggle("away", !parts.sentence.textContent);
    parts.sentence.ariaDisabled = !best;
    if (best !== drawn) draw(ghost, badge, best, about?.strokes ?? []);
    drawn = best;
    findEach(".bar").forEach((bar, digit) => promise(bar, best?.digit === digit ? best : null));
  });
}

export function sentenceOf(change) {
  if (!change) return "";
  const way = change.line ? "with_line" : "without_piece";
  return text(change.isSure ? way : `${way}_maybe`, { digit: change.digit });
}

function draw(ghost, badge, change, strokes) {
  ghost.replaceChildren();
  badge.hidden = !change;
  if (!change) return;
  const lines = change.line ? [change.line] : change.removed;
  for (const line of lines) addPolyline(ghost, line).classList.add(change.line ? "more" : "less");
  for (const line of lines) addPolyline(ghost, line).classList.add("dashes");
  badge.textContent = change.digit;
  const [x, y] = badgePlace(lines.flat(), strokes.flat());
  Object.assign(badge.style, { left: `${(100 * x) / SIDE}%`, top: `${(100 * y) / SIDE}%` });
}

// Beside the middle of the change, as far from ink as can be.
function badgePlace(points, ink) {
  const [start, middle, end] = [points[0], points[points.length >> 1], points.at(-1)];
  const [x, y] = points.length > 2 ? middle : [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
  const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const inside = (value) => Math.min(Math.max(value, EDGE), SIDE - EDGE);
  const places = Array.from({ length: 16 }, (_, i) => {
    const angle = (i * Math.PI) / 8;
    const place = [x + BADGE_AT * Math.cos(angle), y + BADGE_AT * Math.sin(angle)].map(inside);
    return { place, room: Math.min(...[...ink, ...points].map((point) => distance(point, place))) };
  });
  return places.reduce((best, each) => (each.room > best.room ? each : best)).place;
}

function promise(bar, change) {
  bar.classList.toggle("other", change !== null);
  bar.style.setProperty("--promised", change?.confidence ?? 0);
  const key = change?.line ? "bar_with_line" : "bar_without_piece";
  const words = change ? text(key, { percent: percentage(change.confidence) }) : "";
  setText(find(".promise", bar), words);
}
