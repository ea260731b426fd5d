// Pictures: chosen, photographed, pasted or dropped.

import { isTyping } from "../elements.js";
import { tell } from "./notice.js";
import { look, put } from "./state.js";

const PICTURE_SIDE = 256; // pixels: what is looked at, and quick to send

// They are for the server, at `endpoint`: without one there are none.
export function startPictures(element, endpoint) {
  for (const [button, input] of [["picture", "choose"], ["camera", "photograph"]]) {
    element.querySelector(`.${button}`).hidden = !endpoint;
    const chooser = element.querySelector(`.${input}`);
    element.querySelector(`.${button}`).addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      usePicture(element, chooser.files[0]);
      chooser.value = ""; // the same file can be chosen again
    });
  }
  if (!endpoint) return;
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file && !isTyping(event)) usePicture(element, file);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault(); // or the browser would leave the page for the picture
    const [file] = event.dataTransfer.files;
    if (file) usePicture(element, file);
  });
}

// The browser decodes a picture: it knows more formats, turns photographs upright
// and sends a smaller one.
export async function usePicture(element, file) {
  const before = look().past;
  try {
    const canvas = shrink(await createImageBitmap(file));
    if (look().past !== before) return; // somebody went on drawing meanwhile
    put({ strokes: [], picture: { canvas, data: canvas.toDataURL("image/png") } });
  } catch {
    tell(element, "not_a_picture");
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
