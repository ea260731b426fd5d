// The drawing beyond the paper: in the page's address, kept up to date, opened and copied, and
// in sessionStorage while the page is loaded again.

import { tell } from "./notice.js";
import { MAX_LINK, linkTo, linkedStrokes } from "./permalink.js";
import { usePicture } from "./pictures.js";
import { replay } from "./replay.js";
import { look, on } from "./state.js";
import { SESSION, areStrokes, remember, remembered } from "../storage.js";

const KEPT = "sheet"; // in sessionStorage: pictures and long drawings do not fit the address

export function startAddress(element) {
  on("rest", update); // between strokes: browsers limit how often an address changes
  addEventListener("hashchange", () => openLink(element));
  addEventListener("pagehide", keep);
  const link = element.querySelector(".link");
  link.addEventListener("click", () => link.ariaDisabled !== "true" && copy(element));
  element.querySelector(".reload").addEventListener("click", () => location.reload());
  restore(element);
}

// A demonstration is nobody's drawing.
const sheetToKeep = () => (look().isDemo ? { strokes: [] } : look().sheet);

function keep() {
  try {
    const { strokes, picture } = sheetToKeep();
    remember(KEPT, JSON.stringify({ strokes, picture: picture?.data }), SESSION);
  } catch {
    // A browser without storage: the address still holds what fits it.
  }
}

function readSheet(text) {
  const sheet = JSON.parse(text);
  const isPicture = (value) => value === undefined || /^data:image\//.test(value);
  return areStrokes(sheet?.strokes) && isPicture(sheet.picture) ? sheet : null;
}

async function restore(element) {
  const [{ type }] = performance.getEntriesByType("navigation");
  try {
    const kept = type === "reload" && remembered(KEPT, readSheet, SESSION);
    if (kept?.picture) {
      const image = new Image();
      image.src = kept.picture;
      await image.decode();
      return usePicture(element, image);
    }
    if (kept?.strokes?.length) return replay(kept.strokes);
  } catch {
    // No storage, or something else in it.
  }
  openLink(element);
}

function openLink(element) {
  try {
    const strokes = linkedStrokes(location.hash);
    if (strokes) replay(strokes);
  } catch {
    tell(element, "link_unreadable");
  }
}

// Gives false where the drawing is too long for a link.
function update() {
  const { strokes } = sheetToKeep();
  const link = strokes.length ? linkTo(strokes) : "";
  const fits = link.length <= MAX_LINK;
  const address = location.pathname + location.search + (fits ? link : "");
  try {
    history.replaceState(history.state, "", address);
  } catch {
    // Browsers refuse a hundred changes in half a minute; one of the next will do.
  }
  return fits;
}

async function copy(element) {
  if (!update()) return tell(element, "link_too_long");
  try {
    await navigator.clipboard.writeText(location.href);
    tell(element, "link_copied");
  } catch {
    tell(element, "link_in_address");
  }
}
