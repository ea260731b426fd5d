// Pictures: chosen, photographed, pasted or dropped.

import { find, isTyping } from "../core/dom.js";
import { tell } from "../core/notices.js";
import { SIDE } from "./paper.js";

const PICTURE_SIDE = 400; // pixels: a little more than is looked at, and quick to send
const ORIGINAL_SIDE = 2048; // of what is kept to crop from
const MIN_CROP = 8;

// Take pictures where there is a server, which reads them.
/** @param {Page} page */
export function startPictures({ settings, paper, notices }) {
  const chooser = find(".choose");
  // Or the browser would leave the page for what is dropped on it.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file && settings.recognize) usePicture(file, paper, notices);
    else if (file) tell(notices, "no_pictures");
  });
  if (!settings.recognize) return;
  chooser.addEventListener("change", () => {
    usePicture(chooser.files[0], paper, notices);
    chooser.value = ""; // the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file && !isTyping(event)) usePicture(file, paper, notices);
  });
}

// The browser decodes a picture: it knows more formats, turns photographs upright and sends a
// smaller one.
export async function usePicture(file, paper, notices) {
  const before = paper.get().past;
  try {
    const bitmap = await createImageBitmap(file);
    if (paper.get().past !== before) return; // somebody went on drawing meanwhile
    const { width, height } = bitmap;
    putPicture(paper, copy(bitmap, [0, 0, width, height], ORIGINAL_SIDE));
    bitmap.close();
  } catch {
    const isHeic = /\.hei[cf]$/i.test(file.name) || /hei[cf]/.test(file.type);
    tell(notices, isHeic ? "heic" : "not_a_picture");
  }
}

// Put a part of the paper's picture in its place; the box is in shares of the picture.
/** @param {Paper} paper @param {Box} box */
export function cropPicture(paper, box) {
  const { original } = paper.get().sheet.picture;
  const { width, height } = original;
  const [left, top, right, bottom] = box.map((share) => Math.min(Math.max(share, 0), 1));
  const part = [left * width, top * height, (right - left) * width, (bottom - top) * height];
  if (Math.min(part[2], part[3]) < MIN_CROP) return;
  putPicture(paper, copy(original, part, ORIGINAL_SIDE));
}

function putPicture(paper, original) {
  const whole = [0, 0, original.width, original.height];
  const canvas = copy(original, whole, PICTURE_SIDE);
  const picture = { canvas, original, data: canvas.toDataURL("image/png") };
  paper.put({ strokes: [], picture });
}

// A part of an image, at most `side` pixels wide and high.
/** @param {CanvasImageSource} image @param {number[]} part */
function copy(image, [left, top, width, height], side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * width));
  canvas.height = Math.max(1, Math.round(scale * height));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, left, top, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// Where a box in shares of a picture lies on the paper, in its units; the picture is in its middle.
/** @param {HTMLCanvasElement} canvas @param {number[]} box @returns {Box} */
export function boxOnPaper({ width, height }, [left, top, right, bottom]) {
  const scale = SIDE / Math.max(width, height);
  const [x, y] = [(SIDE - scale * width) / 2, (SIDE - scale * height) / 2];
  const [across, down] = [scale * width, scale * height];
  return [x + left * across, y + top * down, x + right * across, y + bottom * down];
}

// The reverse: a box in units of the paper in shares of a picture.
/** @param {HTMLCanvasElement} canvas @param {number[]} box @returns {Box} */
export function boxInPicture(canvas, [left, top, right, bottom]) {
  const [x, y, endX, endY] = boxOnPaper(canvas, [0, 0, 1, 1]);
  const share = (value, from, to) => (value - from) / (to - from);
  return [share(left, x, endX), share(top, y, endY), share(right, x, endX), share(bottom, y, endY)];
}
