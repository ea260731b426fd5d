// What several components do: elements, tables, events, percentages, and what is remembered.

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

// A row of a table: its name and its cells, [content, how much of their colour they have].
export function addRow(table, name, cells) {
  const row = add(table.tBodies[0], "tr");
  add(row, "th", name).scope = "row";
  for (const [content, share] of cells) {
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

// What this browser remembers: strings by their keys, or null.
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // it has no storage
  }
}

// Gives whether it will be remembered.
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

// Keys in a text field are nobody else's.
export function isTyping(event) {
  return Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));
}
