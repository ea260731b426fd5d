// What is on the paper, painted once a frame: strokes or a picture, and the keyboard's cursor.

import { PEN_WIDTH, SIDE } from "./paper.js";

const CURSOR_RADIUS = 30;

/** @param {HTMLCanvasElement} canvas @param {Paper} paper @param {Observable} theme of the ink */
export function startPainting(canvas, paper, theme) {
  const paths = new WeakMap(); // of strokes: what is drawn stays
  let frame = null; // the next painting
  const repaint = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      paint(canvas, paper.get(), paths);
    });
  };
  paper.subscribe(repaint);
  theme.subscribe(repaint);
  const paintNow = () => paint(canvas, paper.get(), paths);
  new ResizeObserver(paintNow).observe(canvas);
  matchMedia("print").addEventListener("change", paintNow); // it has no frame before it prints
  watchPixelRatio(repaint);
}

// Another screen, or another zoom, has other pixels.
function watchPixelRatio(listener) {
  const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const change = () => {
    listener();
    watchPixelRatio(listener);
  };
  query.addEventListener("change", change, { once: true });
}

function paint(canvas, { sheet, cursor, stroke, opacity }, paths) {
  const context = canvas.getContext("2d");
  const pixels = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  const scale = pixels / SIDE;
  const { color, outlineColor } = getComputedStyle(canvas);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, SIDE, SIDE);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = color;
  if (sheet.picture) paintPicture(context, sheet.picture.canvas);
  for (const points of sheet.strokes) {
    if (!paths.has(points)) paths.set(points, { runs: [], done: 0 });
    paintStroke(context, points, paths.get(points));
  }
  if (opacity < 1) thin(context, opacity);
  if (cursor.shown) paintCursor(context, cursor, stroke !== null, outlineColor);
}

// A stroke is smooth curves, a path for each run of points of the same width, and its end. The
// curves that are complete stay in `drawn`: only what was added is worked out.
function paintStroke(context, points, drawn) {
  for (let i = Math.max(drawn.done, 1); i < points.length - 1; i++) addCurve(drawn, points, i);
  drawn.done = Math.max(points.length - 1, 1);
  for (const { path, width } of drawn.runs) {
    context.lineWidth = width;
    context.stroke(path);
  }
  const [startX, startY] = middle(points, points.length - 2);
  const [lastX, lastY, width = PEN_WIDTH] = points.at(-1);
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(startX, startY);
  context.lineTo(lastX + 0.01, lastY); // a hair's breadth on, or a single point is no line
  context.stroke();
}

// From the middle before point `i` around it to the middle after it.
function addCurve(drawn, points, i) {
  const [x, y, width = PEN_WIDTH] = points[i];
  if (drawn.runs.at(-1)?.width !== width) {
    const path = new Path2D();
    const [startX, startY] = middle(points, i - 1);
    path.moveTo(startX, startY);
    drawn.runs.push({ path, width });
  }
  const [endX, endY] = middle(points, i);
  drawn.runs.at(-1).path.quadraticCurveTo(x, y, endX, endY);
}

// Between point `i` and the next one; the first point itself before all.
function middle(points, i) {
  if (i < 1) return points[0].slice(0, 2);
  const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
  return [(x + nextX) / 2, (y + nextY) / 2];
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

function paintCursor(context, { x, y }, penIsDown, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 8;
  context.beginPath();
  context.arc(x, y, CURSOR_RADIUS, 0, 2 * Math.PI);
  context.stroke();
  if (penIsDown) context.fill();
}
