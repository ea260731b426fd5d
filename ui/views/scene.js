// Where everything of the diagram is, in CSS pixels: column 0 has the pixels, then come the layers
// and at last the ten digits. Wide, all of it is in sight; narrow, two columns are.

import { PIXELS } from "../recognizer/framing.js";
import { placeLayers } from "./lanes.js";

const TILES = 6; // units of the next layer that a narrow window shows as pictures

/** @typedef {{width: number, height: number, lanes: number[]}} Room */

/** @param {Scene} scene @param {Room} room @returns {Sight} */
export function wideSight({ orders }, { width, lanes }, scale) {
  const middle = (lanes[0] + lanes[9]) / 2;
  const picture = pictureAt(0, middle, Math.min(140 * scale, 0.24 * width));
  const left = picture.size + (orders.length ? 74 : 0) * scale;
  const across = { left, room: width - left, gap: 44 * scale };
  const { cell, columns } = placeLayers(orders, across, lanes, scale);
  const layers = new Map(columns.map(({ places }, layer) => [layer, places]));
  const digits = lanes.map((y) => [width, y]);
  const places = [picture.places, ...layers.values(), digits];
  const steps = [...places.keys()].slice(1);
  return { steps, places, layers, spans: columns, cell, picture, lanes, tiles: [] };
}

// Step 0 shows pixels and the first layer; a layer on the right is the units with most threads.
/** @param {Scene} scene @param {Room} room @returns {Sight} */
export function narrowSight(scene, { width, height, lanes }, scale, step) {
  const { orders } = scene;
  const places = Array(orders.length + 2).fill([]);
  const size = Math.min(44 * scale, height / TILES - 6);
  const isLast = step === orders.length;
  const tiles = isLast ? [] : tilesOf(scene, step, { x: width - size - 2, height, size });
  const next = lanes.map((y) => [width - 16 * scale, y]);
  places[step + 1] = isLast ? next : [];
  for (const { unit, x, y } of tiles) places[step + 1][unit] = [x, y + size / 2];
  const sight = { steps: [step + 1], places, tiles, lanes, spans: [], layers: new Map() };
  if (step === 0) {
    const picture = pictureAt(0, height / 2, Math.min(height - 8, 0.5 * width));
    places[0] = picture.places;
    return { ...sight, picture, cell: 0 };
  }
  const across = { left: 16 * scale, room: width - size - 16 * scale, gap: 0.22 * width };
  const { cell, columns: [column] } = placeLayers([orders[step - 1]], across, lanes, 2 * scale);
  places[step] = column.places;
  sight.layers.set(step - 1, column.places);
  sight.spans[step - 1] = column;
  return { ...sight, cell, picture: null };
}

function pictureAt(x, middle, size) {
  const y = middle - size / 2;
  const cell = size / 28;
  const places = Array.from({ length: PIXELS }, (_, i) => {
    return [x + cell * ((i % 28) + 0.5), y + cell * (Math.floor(i / 28) + 0.5)];
  });
  return { x, y, size, places };
}

// The unit that is held is one of them.
function tilesOf({ threads, held }, layer, { x, height, size }) {
  const weights = new Map();
  for (const { to, amount } of threads?.[layer] ?? []) {
    weights.set(to, (weights.get(to) ?? 0) + Math.abs(amount));
  }
  if (held?.layer === layer) weights.set(held.unit, Infinity);
  const units = [...weights.keys()].sort((a, b) => weights.get(b) - weights.get(a)).slice(0, TILES);
  units.sort((a, b) => a - b); // so that none jumps where another one becomes stronger
  return units.map((unit, i) => ({ layer, unit, x, y: 3 + (i * (height - 6)) / TILES, size }));
}
