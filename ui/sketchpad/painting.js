// What is on the paper, painted: strokes or a picture, and the keyboard's cursor.

import { PEN_WIDTH, SIDE, look, on } from "./state.js";

const CURSOR_RADIUS = 30;

export function startPainting(canvas) {
  let frame; // the next painting
  const repaint = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => paint(canvas));
  };
  on("change", repaint);
  on("look", repaint);
  new ResizeObserver(() => paint(canvas)).observe(canvas);
  // The ink has the colour of the page's text, which changes with the theme.
  new MutationObserver(repaint).observe(document.body, { attributeFilter: ["class"] });
}

function paint(canvas) {
  const context = canvas.getContext("2d");
  const { sheet, cursor, stroke, opacity } = look();
  const pixels = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  const scale = pixels / SIDE;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, SIDE, SIDE);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = getComputedStyle(canvas).color;
  if (sheet.picture) paintPicture(context, sheet.picture.canvas);
  for (const [path, width] of sheet.strokes.flatMap(runs)) {
    context.lineWidth = width;
    context.stroke(path);
  }
  if (opacity < 1) thin(context, opacity);
  if (cursor.shown) paintCursor(context, cursor, stroke !== null);
}

// A stroke as smooth paths, one for each run of points of the same width.
function runs(points) {
  const found = [];
  let [x, y] = points[0];
  let path, width;
  const run = (next = PEN_WIDTH) => {
    if (next === width) return path;
    width = next;
    path = new Path2D();
    path.moveTo(x, y);
    found.push([path, width]);
    return path;
  };
  run(points[0][2]);
  for (let i = 1; i < points.length - 1; i++) {
    const [cornerX, cornerY, cornerWidth] = points[i];
    const [nextX, nextY] = points[i + 1];
    const line = run(cornerWidth);
    [x, y] = [(cornerX + nextX) / 2, (cornerY + nextY) / 2];
    line.quadraticCurveTo(cornerX, cornerY, x, y);
  }
  const [lastX, lastY] = points.at(-1);
  path.lineTo(lastX + 0.01, lastY); // a hair's breadth on, or a single point is no line
  return found;
}

function paintPicture(context, image) {
  const scale = SIDE / Math.max(image.width, image.height);
  const [width, height] = [scale * image.width, scale * image.height];
  context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
}

// All at once: strokes painted with opacity would be darker where they cross.
function thin(context, opacity) {
  context.globalCompositeOperation = "destination-in";
  context.fillStyle = `rgb(0 0 0 / ${opacity})`;
  context.fillRect(0, 0, SIDE, SIDE);
  context.globalCompositeOperation = "source-over";
}

function paintCursor(context, { x, y }, penIsDown) {
  context.strokeStyle = context.fillStyle = getComputedStyle(context.canvas).outlineColor;
  context.lineWidth = 8;
  context.beginPath();
  context.arc(x, y, CURSOR_RADIUS, 0, 2 * Math.PI);
  context.stroke();
  if (penIsDown) context.fill();
}
