// A thumbnail a drawing; a click sends its strokes to the paper as the event "draw".

const SVG = "http://www.w3.org/2000/svg";
const BOX = "0 0 1000 1000"; // the paper's units

function thumbnail(strokes) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", BOX);
  for (const points of strokes) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
  }
  return svg;
}

for (const line of props.drawings.trim().split("\n")) {
  const { strokes, style } = JSON.parse(line);
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.label = button.dataset.title = style;
  button.append(thumbnail(strokes));
  button.addEventListener("click", () =>
    button.dispatchEvent(new CustomEvent("draw", { bubbles: true, detail: strokes })),
  );
  element.querySelector(".row").append(button);
}
translate();
