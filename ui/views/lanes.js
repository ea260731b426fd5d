// Where the units of a network stand: each digit has a lane through all layers, level with its bar.
// A unit is in the lane of the digit that excites it most; those that are never on have no place.

const SPACE = 6; // between two lanes
const SMALL = 128; // a network with fewer units has larger ones

/** @typedef {{x: number, width: number, places: (number[] | null)[]}} Column */

// The size of a unit and its gap, and each layer's units by their number: [x, y] of the middle.
// `room` is what the layers may share, from `left` on; what they leave lies between them, and at
// least `gap` each. `lanes` are the heights of the middles of the ten lanes, `scale` that of the
// page's letters.
/** @param {Orders[]} orders @param {{left: number, room: number, gap: number}} across */
export function placeLayers(orders, { left, room, gap }, lanes, scale) {
  const pitch = lanes[1] - lanes[0];
  const count = orders.reduce((sum, { starts }) => sum + starts.at(-1), 0);
  let cell = (count < SMALL ? 10 : 5) * scale;
  const widthsOf = () => orders.map(({ starts }) => widthOf(starts, cell, pitch));
  const tooWide = () => widthsOf().reduce((sum, width) => sum + width + gap, 0) > room;
  while (cell > 1 && tooWide()) cell -= 0.25;
  const widths = widthsOf();
  const between = (room - widths.reduce((sum, width) => sum + width, 0)) / (orders.length || 1);
  let x = left;
  const columns = orders.map((each, i) => {
    const column = { x, width: widths[i], places: placesOf(each, cell, pitch, x, lanes) };
    x += widths[i] + between;
    return column;
  });
  return { cell, columns };
}

const rowsOf = (cell, pitch) => Math.max(1, Math.floor((pitch - SPACE) / cell));

function widthOf(starts, cell, pitch) {
  const most = Math.max(...starts.slice(1).map((start, digit) => start - starts[digit]));
  return cell * Math.ceil(most / rowsOf(cell, pitch));
}

// Down one column of a lane and then the next, those first that are surest of the digit.
function placesOf({ order, starts }, cell, pitch, left, lanes) {
  const rows = rowsOf(cell, pitch);
  const places = Array(order.length).fill(null);
  lanes.forEach((middle, digit) => {
    const units = order.slice(starts[digit], starts[digit + 1]);
    units.forEach((unit, k) => {
      const x = left + cell * (Math.floor(k / rows) + 0.5);
      places[unit] = [x, middle + cell * ((k % rows) - (rows - 1) / 2)];
    });
  });
  return places;
}

// The unit that is nearest to a point, in columns by their layer, or null beyond `reach`.
/** @param {Map<number, (number[] | null)[]>} layers */
export function nearestUnit(layers, [x, y], reach) {
  let found = null;
  let least = reach;
  for (const [layer, places] of layers) {
    places.forEach((place, unit) => {
      const distance = place ? Math.hypot(place[0] - x, place[1] - y) : Infinity;
      if (distance <= least) [found, least] = [{ layer, unit }, distance];
    });
  }
  return found;
}
