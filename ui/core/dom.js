// What several views do with elements: find and add them, fill tables, paint pictures.

// Orange and blue are told apart whatever colours a person sees; page.css has them too.
export const FOR = [230, 159, 0];
export const AGAINST = [0, 130, 220];
const SVG = "http://www.w3.org/2000/svg";

// The element that `selector` names, which is there.
/** @param {string} selector @param {ParentNode} parent @returns {any} */
export function find(selector, parent = document) {
  const found = parent.querySelector(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/** @returns {any[]} */
export const findEach = (selector, parent = document) => [...parent.querySelectorAll(selector)];

// By their names, the elements that `selectors` name inside `parent`.
/** @template T @param {ParentNode} parent @param {T} selectors @returns {Record<keyof T, any>} */
export function findAll(parent, selectors) {
  const entries = Object.entries(selectors).map(([name, each]) => [name, find(each, parent)]);
  return /** @type {any} */ (Object.fromEntries(entries));
}

/** @returns {any} */
export function add(parent, name, content = undefined) {
  const node = parent.appendChild(document.createElement(name));
  if (content !== undefined) node.textContent = content;
  return node;
}

export function addButton(parent, content, act) {
  const button = add(parent, "button", content);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

// Words that stay are not read out again. Gives whether these are others.
export function setText(node, words) {
  if (node.textContent === words) return false;
  node.textContent = words;
  return true;
}

// The ten digits over the columns of a table.
export function addDigits(table) {
  const [row] = table.tHead.rows;
  for (let digit = 0; digit < 10; digit++) add(row, "th", digit).scope = "col";
}

// Add a row to a table: its name and its cells, with how much of their colour they have.
/** @param {[content: any, share?: number][]} cells */
export function addRow(table, name, cells) {
  const row = add(table.tBodies[0], "tr");
  add(row, "th", name).scope = "row";
  for (const [content, share = 0] of cells) {
    add(row, "td", content).style.setProperty("--share", share);
  }
  return row;
}

// A small picture of strokes; `box` is its left, top, width and height in their units.
export function addThumbnail(parent, strokes, box) {
  const svg = parent.appendChild(document.createElementNS(SVG, "svg"));
  svg.setAttribute("viewBox", box.join(" "));
  for (const points of strokes) addPolyline(svg, points);
  return svg;
}

// A line through points; one through a single point is a dot.
export function addPolyline(svg, points) {
  const line = svg.appendChild(document.createElementNS(SVG, "polyline"));
  const [[x, y]] = points;
  line.setAttribute("points", (points.length > 1 ? points : [[x, y], [x, y]]).join(" "));
  return line;
}

// Colour a canvas's pixels, row by row: red, green, blue and alpha.
/** @param {HTMLCanvasElement} canvas @param {(place: number) => number[]} colour */
export function paint(canvas, colour) {
  const image = new ImageData(canvas.width, canvas.height);
  for (let i = 0; i < image.width * image.height; i++) image.data.set(colour(i), 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// What speaks for something and what against it; the weak show too.
export function paintSigned(canvas, values) {
  const strongest = strongestOf(values);
  paint(canvas, (i) => tint(values[i], Math.sqrt(Math.abs(values[i]) / strongest)));
}

// Orange above 0, blue below.
export const tint = (value, alpha) => [...(value > 0 ? FOR : AGAINST), 255 * alpha];

// The largest amount, by which others are divided; 1 where all are 0.
export const strongestOf = (values) =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

// Gives what calls `show` now or, where `element` is not on the screen, as soon as it is.
/** @param {Element} element @param {() => void} show */
export function whileOnScreen(element, show) {
  let isOnScreen = false;
  const update = () => isOnScreen && show();
  new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1).isIntersecting;
    update();
  }).observe(element);
  return update;
}

// A probability in as many digits as mean something: "97 %", "0.4 %", "> 99.9 %", "< 0.1 %".
export function percentage(probability) {
  const percent = 100 * probability;
  if (percent < 0.1) return "< 0.1 %";
  if (percent > 99.9) return "> 99.9 %";
  return `${percent.toFixed(percent < 1 || percent > 99 ? 1 : 0)} %`;
}

// A number with one decimal: "1.1", "−0.5", "0.0".
export function tenths(value) {
  const digits = value.toFixed(1);
  return digits === "-0.0" ? "0.0" : digits.replace("-", "−");
}

// The same with its sign: "+1.1", "−0.5", "0.0".
export const signed = (value) => (value >= 0.05 ? "+" : "") + tenths(value);

// Keys in a text field are nobody else's.
export function isTyping(event) {
  return Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));
}
