// Pictures: chosen, photographed, pasted or dropped.

import { find, isTyping } from "../core/dom.js";
import { tell } from "../core/notices.js";

const PICTURE_SIDE = 256; // pixels: what is looked at, and quick to send

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
    const canvas = shrink(await createImageBitmap(file));
    if (paper.get().past !== before) return; // somebody went on drawing meanwhile
    paper.put({ strokes: [], picture: { canvas, data: canvas.toDataURL("image/png") } });
  } catch {
    tell(notices, "not_a_picture");
  }
}

function shrink(bitmap) {
  const scale = Math.min(1, PICTURE_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * bitmap.width));
  canvas.height = Math.max(1, Math.round(scale * bitmap.height));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}
