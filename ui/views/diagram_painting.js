// The diagram's picture: units in grey, the threads that matter in orange and blue.

import { AGAINST, FOR, paint, strongestOf, tint } from "../core/dom.js";

const GAP = 1 / 5; // of a unit's cell
const THREAD = 6; // the width of the strongest
const OUTLINED = 0.35; // ink that belongs to the outline of a drawing

const colourOf = (amount) => `rgb(${amount > 0 ? FOR : AGAINST})`;

// `front` is how far to the right a wave has come; what it has not reached is off.
/** @param {CanvasRenderingContext2D} context @param {Sight} sight @param {Scene} scene */
export function paintDiagram(context, sight, scene, colours, scale, front = Infinity) {
  const { canvas } = context;
  const ratio = canvas.width / canvas.clientWidth;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  if (sight.picture) paintPixels(context, sight.picture, scene, colours);
  paintUnits(context, sight, null, colours);
  paintLabels(context, sight, scene, colours, scale);
  for (const tile of sight.tiles) paintTile(context, tile, scene, colours);
  if (!scene.values) return;
  context.save();
  context.beginPath();
  context.rect(0, 0, Math.min(front, canvas.clientWidth), canvas.clientHeight);
  context.clip();
  paintUnits(context, sight, scene.values, colours);
  paintThreads(context, sight, scene, scale);
  if (scene.held) paintRing(context, sight, scene.held, colours, scale);
  context.restore();
}

function paintPixels(context, { x, y, size }, { values }, colours) {
  const [red, green, blue] = colours.ink.match(/\d+/g).map(Number);
  const box = { x, y, size };
  if (values) paintImage(context, box, (i) => [red, green, blue, 255 * values.inputs[i]]);
  context.lineWidth = 1;
  context.strokeStyle = colours.muted;
  context.beginPath();
  context.roundRect(x + 0.5, y + 0.5, size - 1, size - 1, 4);
  context.stroke();
}

// With `values` those that are on, the darker the larger their value.
function paintUnits(context, { layers, cell }, values, colours) {
  const side = cell * (1 - GAP);
  context.fillStyle = values ? colours.ink : colours.line;
  for (const [layer, places] of layers) {
    const largest = values?.layers[layer].reduce((most, value) => Math.max(most, value), 1e-9);
    places.forEach((place, unit) => {
      const value = values?.layers[layer][unit];
      if (!place || value === 0) return;
      if (values) context.globalAlpha = 0.25 + 0.5 * Math.sqrt(value / largest);
      context.fillRect(place[0] - side / 2, place[1] - side / 2, side, side);
    });
  }
  context.globalAlpha = 1;
}

function paintLabels(context, { layers, spans, lanes, steps, places }, { digit }, colours, scale) {
  context.textAlign = "right";
  context.textBaseline = "middle";
  const write = (name, x, y) => {
    context.font = `${name === digit ? 700 : 400} ${12 * scale}px system-ui`;
    context.fillStyle = name === digit ? colours.ink : colours.muted;
    context.fillText(name, x, y);
  };
  for (const layer of layers.keys()) {
    lanes.forEach((y, name) => write(name, spans[layer].x - 7 * scale, y));
  }
  if (steps.length > 1 || steps[0] !== places.length - 1) return; // the bars have their names
  lanes.forEach((y, name) => write(name, places.at(-1)[name][0] + 14 * scale, y));
}

function paintThreads(context, { steps, places, cell }, { threads, slopes, held }, scale) {
  const amounts = steps.flatMap((step) => threads[step - 1].map(({ amount }) => Math.abs(amount)));
  const strongest = Math.max(...amounts, 1e-9);
  const nodes = new Map();
  for (const step of steps) {
    for (const { from, to, amount } of threads[step - 1]) {
      const [start, end] = [places[step - 1][from], places[step][to]];
      if (!start || !end) continue;
      const isApart = steps.length === 1 && held?.layer === step - 1 && held.unit !== to;
      context.globalAlpha = isApart ? 0.4 : 0.85;
      context.strokeStyle = colourOf(amount);
      context.lineWidth = scale * Math.max(0.5, THREAD * (Math.abs(amount) / strongest) ** 0.7);
      paintThread(context, start, end);
      if (step > 1) nodes.set(start, slopes[step - 2][from]);
    }
  }
  context.globalAlpha = 1;
  const side = Math.max(cell, 5);
  for (const [place, slope] of nodes) paintNode(context, place, side, colourOf(slope));
}

function paintThread(context, [startX, startY], [endX, endY]) {
  const middle = (startX + endX) / 2;
  context.beginPath();
  context.moveTo(startX, startY);
  context.bezierCurveTo(middle, startY, middle, endY, endX, endY);
  context.stroke();
}

function paintNode(context, [x, y], side, colour) {
  context.fillStyle = "white";
  context.fillRect(x - side / 2 - 1.5, y - side / 2 - 1.5, side + 3, side + 3);
  context.fillStyle = colour;
  context.fillRect(x - side / 2, y - side / 2, side, side);
}

function paintRing(context, { layers, cell }, { layer, unit }, colours, scale) {
  const place = layers.get(layer)?.[unit];
  if (!place) return;
  context.beginPath();
  context.arc(place[0], place[1], Math.max(cell, 8 * scale), 0, 2 * Math.PI);
  context.lineWidth = 2.5 * scale;
  context.strokeStyle = colours.ink;
  context.stroke();
}

function paintTile(context, { layer, unit, x, y, size }, scene, colours) {
  const isHeld = scene.held?.layer === layer && scene.held.unit === unit;
  paintWeights(context, { x, y, size }, scene.pictureOf(layer, unit), scene.values.inputs);
  context.lineWidth = isHeld ? 3 : 1;
  context.strokeStyle = isHeld ? colours.ink : colours.muted;
  context.beginPath();
  context.roundRect(x, y, size, size, 5);
  context.stroke();
}

// What each pixel would add, weak where there is no ink.
/** @param {CanvasRenderingContext2D} context */
export function paintWeights(context, box, weights, inputs) {
  const strongest = strongestOf(weights);
  paintImage(context, box, (i) => {
    const alpha = Math.sqrt(Math.abs(weights[i]) / strongest);
    return tint(weights[i], inputs[i] > OUTLINED ? alpha : 0.3 * alpha);
  });
}

// 28 × 28 pixels, enlarged.
function paintImage(context, { x, y, size }, colourAt) {
  const small = /** @type {any} */ (new OffscreenCanvas(28, 28));
  paint(small, colourAt);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, x, y, size, size);
}

// The edges between ink and paper.
/** @param {CanvasRenderingContext2D} context */
export function outlineInk(context, { x, y, size }, inputs, colour) {
  const cell = size / 28;
  const isInk = (column, row) => inputs[28 * row + column] > OUTLINED;
  context.beginPath();
  for (let i = 0; i < inputs.length; i++) {
    const [column, row] = [i % 28, Math.floor(i / 28)];
    const [left, top] = [x + cell * column, y + cell * row];
    if (column > 0 && isInk(column, row) !== isInk(column - 1, row)) {
      context.moveTo(left, top);
      context.lineTo(left, top + cell);
    }
    if (row > 0 && isInk(column, row) !== isInk(column, row - 1)) {
      context.moveTo(left, top);
      context.lineTo(left + cell, top);
    }
  }
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.stroke();
}
