// The drawing beyond the paper: in the page's address, kept up to date, opened and copied, and
// in sessionStorage until the page is loaded again or somebody comes back to it.

import { tell } from "./notice.js";
import { MAX_LINK, linkTo, linkedStrokes } from "./permalink.js";
import { usePicture } from "./pictures.js";
import { replay } from "./replay.js";
import { look, on } from "./state.js";
import { SESSION, areStrokes, remember, remembered } from "../storage.js";

// In sessionStorage, as pictures and long drawings do not fit the address: the sheets of this tab's
// pages, each with the address at which it was left, the latest last.
const KEPT = "sheet";
const MAX_KEPT = 10;

// Gives a promise: what was kept or linked is on the paper, or has begun to draw itself.
export function startAddress(element) {
  on("rest", update); // between strokes: browsers limit how often an address changes
  addEventListener("hashchange", () => openLink(element));
  const link = element.querySelector(".link");
  link.addEventListener("click", () => link.ariaDisabled !== "true" && copy(element));
  element.querySelector(".reload").addEventListener("click", () => location.reload());
  // Not before it is there, or what was kept would be lost.
  return restore(element).then(() => addEventListener("pagehide", keep));
}

// A demonstration is nobody's drawing, and one that still draws itself is kept as a whole.
function sheetToKeep() {
  const { sheet, replayed, isDemo } = look();
  if (isDemo) return { strokes: [] };
  return replayed ? { strokes: replayed } : sheet;
}

function keep() {
  const { strokes, picture } = sheetToKeep();
  const sheet = { strokes, picture: picture?.data, address: location.href };
  const others = keptSheets().filter(({ address }) => address !== location.href);
  remember(KEPT, JSON.stringify([...others, sheet].slice(-MAX_KEPT)), SESSION);
}

async function restore(element) {
  try {
    const { picture, strokes } = keptHere();
    if (picture) {
      const image = new Image();
      image.src = picture;
      await image.decode();
      return await usePicture(element, image);
    }
    if (strokes?.length) return void replay(strokes);
  } catch {
    // The picture that was kept can't be decoded.
  }
  openLink(element);
}

// What was kept when this page was left, if somebody comes back to it.
function keptHere() {
  const [{ type }] = performance.getEntriesByType("navigation");
  if (type !== "reload" && type !== "back_forward") return {};
  return keptSheets().find(({ address }) => address === location.href) ?? {};
}

const keptSheets = () => remembered(KEPT, readSheets, SESSION) ?? [];

// Earlier versions kept one sheet, without its address, for a reload.
function readSheets(text) {
  const sheets = [JSON.parse(text)].flat().map((sheet) => ({ address: location.href, ...sheet }));
  const isPicture = (value) => value === undefined || /^data:image\//.test(value);
  return sheets.every(({ strokes, picture }) => areStrokes(strokes) && isPicture(picture))
    ? sheets
    : null;
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
