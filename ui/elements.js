// What several components do: elements, tables, events and percentages.

// Orange and blue are told apart whatever colours a person sees.
export const FOR = [230, 159, 0];
const AGAINST = [0, 130, 220];

const SVG = "http://www.w3.org/2000/svg";

export function add(parent, name, content) {
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

// The ten digits over the columns of a table.
export function addDigits(table) {
  const [row] = table.tHead.rows;
  for (let digit = 0; digit < 10; digit++) add(row, "th", digit).scope = "col";
}

// Words that stay are not read out again. Gives whether these are others.
export function setText(node, words) {
  if (node.textContent === words) return false;
  node.textContent = words;
  return true;
}

// A row of a table: its name and its cells, [content, how much of their colour they have, if any].
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
  for (const points of strokes) {
    const line = svg.appendChild(document.createElementNS(SVG, "polyline"));
    line.setAttribute("points", points.join(" "));
  }
  return svg;
}

// Colours a canvas's pixels, row by row: `colour` gives [red, green, blue, alpha] for each place.
export function paint(canvas, colour) {
  const image = new ImageData(canvas.width, canvas.height);
  for (let i = 0; i < image.width * image.height; i++) image.data.set(colour(i), 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// What speaks for something and what against it; the weak show too.
export function paintSigned(canvas, values) {
  const strongest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  paint(canvas, (i) => {
    const share = values[i] / strongest;
    return [...(share > 0 ? FOR : AGAINST), 255 * Math.sqrt(Math.abs(share))];
  });
}

// Gives what calls `show` now or, where `element` is not on the screen, as soon as it is.
export function whileOnScreen(element, show) {
  let isOnScreen = false;
  const update = () => isOnScreen && show();
  new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1).isIntersecting;
    update();
  }).observe(element);
  return update;
}

// Tells the rest of the page.
export function send(element, type, detail) {
  element.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
}

// A probability in as many digits as mean something: "97 %", "0.4 %", "> 99.9 %".
export function percentage(probability) {
  const percent = 100 * probability;
  if (percent < 0.1) return "< 0.1 %";
  if (percent > 99.9) return "> 99.9 %";
  return `${percent.toFixed(percent < 1 || percent > 99 ? 1 : 0)} %`;
}

// Keys in a text field are nobody else's.
export function isTyping(event) {
  return Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));
}
