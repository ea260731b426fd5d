// Pictures: chosen, photographed, pasted or dropped.

const PICTURE_SIDE = 256; // pixels: what is looked at, and quick to send

for (const [button, input] of [["picture", "choose"], ["camera", "photograph"]]) {
  const chooser = element.querySelector(`.${input}`);
  element.querySelector(`.${button}`).addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    usePicture(chooser.files[0]);
    chooser.value = ""; // the same file can be chosen again
  });
}

document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length && !isTyping(event)) usePicture(event.clipboardData.files[0]);
});

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault(); // or the browser would leave the page for the picture
  if (event.dataTransfer.files.length) usePicture(event.dataTransfer.files[0]);
});

// The browser decodes a picture: it knows more formats, turns photographs upright
// and sends a smaller one.
async function usePicture(file) {
  const before = past;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, PICTURE_SIDE / Math.max(bitmap.width, bitmap.height));
    const small = document.createElement("canvas");
    small.width = Math.max(1, Math.round(scale * bitmap.width));
    small.height = Math.max(1, Math.round(scale * bitmap.height));
    const paper = small.getContext("2d");
    paper.imageSmoothingQuality = "high";
    paper.drawImage(bitmap, 0, 0, small.width, small.height);
    bitmap.close();
    if (past !== before) return; // somebody went on drawing meanwhile
    put({ strokes: [], picture: { canvas: small, data: small.toDataURL("image/png") } });
  } catch {
    tell(text("not_a_picture"));
  }
}
