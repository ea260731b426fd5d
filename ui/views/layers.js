// The pixels and the hidden layers as pictures: a square for each unit, the stronger its colour the
// larger its value. A unit that is pointed at, or reached by the arrow keys, is chosen.

import { FOR, add, paint } from "../core/dom.js";
import { text } from "../core/texts.js";

const FORM = 1.6; // about how much wider than high
const ROOM = 0.04; // of a picture's width, that a digit below it needs

// Gives what shows the values that `forward` gave; `hidden` are the widths of the layers.
/** @param {number[]} hidden @param {(layer: number, place: number) => void} choose */
export function addLayers(element, hidden, choose) {
  element.replaceChildren();
  const { canvas, caption } = addPicture(element, 28, 28);
  canvas.role = "img";
  const layers = hidden.map((count, i) => addLayer(element, count, i, choose));
  return (values, orders, chosen) => {
    canvas.ariaLabel = caption.textContent = text("pixels");
    paint(canvas, (i) => [128, 128, 128, 255 * values.inputs[i]]);
    layers.forEach((layer, i) => {
      const place = chosen?.layer === i ? chosen.place : null;
      showLayer(layer, values.layers[i], orders[i], place);
    });
  };
}

function addPicture(element, width, height) {
  const figure = add(element, "figure");
  const frame = add(figure, "div");
  frame.className = "frame";
  const canvas = add(frame, "canvas");
  Object.assign(canvas, { width, height });
  return { frame, canvas, caption: add(figure, "figcaption") };
}

// Its places go down its columns, one after the other.
function addLayer(element, count, layer, choose) {
  const rows = Math.ceil(Math.sqrt(count / FORM));
  const columns = Math.ceil(count / rows);
  const { frame, canvas, caption } = addPicture(element, columns, rows);
  Object.assign(canvas, { role: "slider", tabIndex: 0 });
  Object.assign(canvas, { ariaValueMin: 1, ariaValueMax: count, ariaValueNow: 1 });
  const take = (place) => choose(layer, Math.max(0, Math.min(count - 1, place)));
  const point = ({ offsetX, offsetY }) => {
    const column = Math.floor((offsetX / canvas.clientWidth) * columns);
    take(column * rows + Math.min(rows - 1, Math.floor((offsetY / canvas.clientHeight) * rows)));
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const place = Number(canvas.ariaValueNow) - 1;
    const up = { ArrowUp: place - 1, ArrowLeft: place - rows, Home: 0 };
    const next = { ...up, ArrowDown: place + 1, ArrowRight: place + rows, End: count }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    take(next);
  });
  const mark = add(frame, "span");
  mark.className = "mark";
  const digits = document.createElement("div");
  digits.className = "digits";
  digits.ariaHidden = "true";
  caption.before(digits);
  return { canvas, caption, mark, digits, rows, columns, count, name: layer + 1 };
}

// `place` is that of the chosen unit, null where it is in another layer.
function showLayer(layer, values, { order, starts }, place) {
  const { canvas, caption, mark, digits, rows, columns, count, name } = layer;
  const largest = values.reduce((a, b) => Math.max(a, b), 1e-9);
  paint(canvas, (i) => {
    const unit = order[(i % columns) * rows + Math.floor(i / columns)];
    return unit === undefined ? [0, 0, 0, 0] : [...FOR, 255 * Math.sqrt(values[unit] / largest)];
  });
  const active = values.reduce((sum, value) => sum + (value > 0), 0);
  canvas.ariaLabel = text("units_of", { layer: name });
  caption.textContent = text("units_at_work", { layer: name, count, active });
  showDigits(digits, starts, count);
  mark.hidden = place === null;
  if (place === null) return;
  canvas.ariaValueNow = place + 1;
  const value = values[order[place]].toFixed(4);
  canvas.ariaValueText = text("unit", { layer: name, place: place + 1, value });
  mark.style.setProperty("--left", Math.floor(place / rows) / columns);
  mark.style.setProperty("--top", (place % rows) / rows);
  mark.style.setProperty("--wide", 1 / columns);
  mark.style.setProperty("--high", 1 / rows);
}

// Below the units that speak up most for it, each digit that has enough of them.
function showDigits(element, starts, count) {
  if (element.dataset.starts === String(starts)) return;
  element.dataset.starts = String(starts);
  element.replaceChildren();
  starts.slice(0, -1).forEach((start, digit) => {
    const end = starts[digit + 1];
    if (end - start < ROOM * count) return;
    add(element, "span", digit).style.setProperty("--left", (start + end) / 2 / count);
  });
}
