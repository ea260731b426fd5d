// A newer page on the server, or a login that has ended: loading again without losing the sheet.

const KEPT = "sheet"; // in sessionStorage: pictures and long drawings do not fit the address
const renewal = element.querySelector(".renewal");

function askToReload(key) {
  renewal.firstElementChild.textContent = text(key);
  renewal.hidden = false;
}

function checkVersion(version) {
  if (version === props.version) renewal.hidden = true;
  else if (version) askToReload("renewed");
}

element.querySelector(".reload").addEventListener("click", () => {
  try {
    const { strokes, picture } = sheet;
    sessionStorage.setItem(KEPT, JSON.stringify({ strokes, picture: picture?.data }));
  } catch {
    // A browser without storage: the address still holds what fits it.
  }
  location.reload();
});

// Puts back what was kept; gives false where there is nothing.
async function restoreKept() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    if (kept?.picture) {
      const image = new Image();
      image.src = kept.picture;
      await image.decode();
      await usePicture(image);
    } else if (kept?.strokes.length) {
      replay(kept.strokes); // Gradio sets the value of a page that loads once more
    }
    return Boolean(kept);
  } catch {
    return false; // no storage, or something else in it
  }
}
