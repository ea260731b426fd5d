// How a training went: its own images, new ones and the drawing in one chart, surprise in another,
// the training before as a thin line. The first chart's axis is the slider; a table has all of it
// in numbers.

import { addRow, find, findAll, percentage, setText } from "../core/dom.js";
import { formatNumber, text } from "../core/texts.js";

const GAP = 0.11; // of a chart's height, from one line of words to the next
const WORDS = 0.4; // of a chart's width, at most, for what the surprise is
const ONE = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const LEAST = 2.5; // that the axis of surprise reaches
const PARTS = {
  curves: ".curves .plot", own: ".curves .own", fresh: ".curves .fresh", yours: ".curves .yours",
  last: ".curves .last", place: ".place", since: ".since-words", half: ".curves .middle",
  total: ".curves .total", surprise: ".costs .plot", cost: ".costs .fresh",
  lastCost: ".costs .last", costWords: ".costs .fresh-words", top: ".costs .full",
  costTotal: ".costs .total", numbers: ".numbers",
};

/** @param {HTMLElement} panel @param {Page} page @returns {(seen: Seen) => void} */
export function startChart(panel, { training }) {
  const parts = findAll(panel, PARTS);
  const words = ["own", "fresh", "yours"].map((name) => find(`.curves .${name}-words`, panel));
  let shown;
  const show = (seen) => {
    shown = seen;
    if (!seen.moment) return;
    showPlace(parts, seen);
    showCurves(parts, seen);
    showWords(words, seen);
    showSurprise(parts, seen);
    if (parts.numbers.open) showNumbers(find("table", parts.numbers), seen);
  };
  parts.numbers.addEventListener("toggle", () => show(shown));
  listen(parts.place, training);
  return show;
}

// The pointer goes to the nearest moment, the arrow keys from one to the next.
function listen(place, training) {
  place.addEventListener("input", () => {
    const away = training.get().moments.map(({ seen }) => Math.abs(seen - Number(place.value)));
    training.seek(away.indexOf(Math.min(...away)));
  });
  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { at, moments } = training.get();
    training.seek(Math.max(0, Math.min(moments.length - 1, at + step)));
  });
}

function showPlace({ curves, surprise, place, half, total, costTotal }, { state, moment }) {
  const count = totalOf(state);
  for (const plot of [curves, surprise]) plot.style.setProperty("--here", moment.seen / count);
  Object.assign(place, { max: count, value: moment.seen });
  place.ariaValueText = text("seen", { seen: formatNumber(moment.seen) });
  setText(half, formatNumber(count / 2));
  const all = text("images_in_all", { count: formatNumber(count) });
  for (const node of [total, costTotal]) setText(node, all);
}

// How many images will have been seen at the end.
function totalOf({ settings, source, real, moments }) {
  if (source === "browser") return settings.images * settings.passes;
  const { seen, pass } = moments.at(-1);
  return real?.epochs && pass ? (seen / pass) * real.epochs : Math.max(1, seen);
}

function showCurves({ curves, own, fresh, yours, last, since }, { state, yours: reading }) {
  const { moments } = state;
  const total = totalOf(state);
  const { answers, digit, since: from } = reading;
  draw(own, moments, total, (moment) => moment.own);
  draw(fresh, moments, total, (moment) => moment.fresh);
  draw(yours, moments, total, (_, i) => answers[i]?.[digit]);
  draw(last, state.last, total, (moment) => moment.fresh);
  const end = state.last.findLast(({ seen }) => seen <= total);
  curves.classList.toggle("second", end?.seen > 0.3 * total); // there is room for its name
  curves.style.setProperty("--last", end?.fresh);
  curves.style.setProperty("--last-seen", end?.seen / total);
  curves.classList.toggle("known", from !== null);
  if (from === null) return;
  const share = moments[from].seen / total;
  curves.style.setProperty("--since", share);
  curves.style.setProperty("--since-share", answers[from][digit]);
  since.classList.toggle("before", share > 0.6);
  setText(since, text(state.status === "over" ? "since_here" : "from_here_on", { digit }));
}

// A line through the moments' values, in a chart that reaches `highest`; what is higher is at its
// top, and what is not known or no number, as of a broken network, is left out.
function draw(line, moments, total, valueOf, highest = 1) {
  const heightOf = (value) => Math.min(1, (value ?? NaN) / highest);
  const points = moments.map((moment, i) => [moment.seen / total, heightOf(valueOf(moment, i))]);
  const inside = points.filter(([x, y]) => x <= 1 && Number.isFinite(y));
  inside.sort(([a], [b]) => a - b); // a run ends with the network of its best epoch
  const path = inside.map(([x, y]) => `${100 * x},${100 - 100 * y}`).join(" ");
  if (line.getAttribute("points") !== path) line.setAttribute("points", path);
}

// Of images that were counted, so that 100 % are all.
const counted = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

// Beside the cursor, each at the end of its line where the others leave room.
function showWords(nodes, { moment, yours: { now, digit, since } }) {
  const shares = [moment.own ?? NaN, moment.fresh, now?.[digit] ?? NaN];
  const keys = ["own_images", "new_images", "your_digit"];
  const isThere = (i) => Number.isFinite(shares[i]);
  for (const i of [0, 1, 2]) {
    const percent = i === 2 ? percentage(shares[i]) : counted(shares[i]);
    setText(nodes[i], isThere(i) ? text(keys[i], { digit, percent }) : "");
  }
  const order = [0, 1, 2].filter(isThere).sort((a, b) => shares[b] - shares[a]);
  let lowest = 1 + GAP;
  let free = GAP * (since === null ? order.length : order.length + 2); // it has words at the foot
  for (const i of order) {
    free -= GAP;
    lowest = Math.min(lowest - GAP, Math.max(shares[i], free));
    nodes[i].style.setProperty("--y", lowest);
  }
}

function showSurprise({ cost, lastCost, costWords, top }, { state, moment }) {
  const { moments, last } = state;
  const total = totalOf(state);
  const largest = Math.max(...moments.map(({ surprise }) => surprise).filter(Number.isFinite));
  const highest = Math.max(LEAST, largest);
  draw(cost, moments, total, ({ surprise }) => surprise, highest);
  draw(lastCost, last, total, ({ surprise }) => surprise, highest);
  setText(top, formatNumber(highest, { maximumSignificantDigits: 2 }));
  const loss = Number.isFinite(moment.surprise) && formatNumber(moment.surprise, ONE);
  setText(costWords, loss ? text("surprise_is", { loss }) : "");
  const isBefore = moment.seen > 0.5 * total;
  const place = moment.seen - (isBefore ? WORDS * total : 0);
  const under = moments.filter(({ seen }) => seen >= place && seen <= moment.seen);
  costWords.style.setProperty("--y", Math.max(...under.map(({ surprise }) => surprise)) / highest);
  costWords.classList.toggle("before", isBefore);
}

// A row for each moment; those that are there stay.
function showNumbers(table, { state, yours: { read } }) {
  const [body] = table.tBodies;
  const isOther = body.rows.length > state.moments.length || table.moment !== state.moments[0];
  if (isOther) body.replaceChildren();
  [table.moment] = state.moments;
  for (const { seen, pass, own, fresh, surprise } of state.moments.slice(body.rows.length)) {
    const shares = [own, fresh].map((share) => (share === null ? "" : counted(share, 1)));
    const loss = Number(surprise ?? NaN).toFixed(3);
    const cells = [formatNumber(pass, ONE), ...shares, loss, ""];
    addRow(table, formatNumber(seen), cells.map((cell) => [cell]));
  }
  [...body.rows].forEach((row, i) => setText(row.lastElementChild, String(read[i] ?? "")));
}
