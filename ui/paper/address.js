// The drawing beyond the paper: in the page's address, kept up to date, opened and copied, and
// in sessionStorage until the page is loaded again or somebody comes back to it.

import { tell } from "../core/notices.js";
import { SESSION, areStrokes, remember, remembered } from "../core/storage.js";
import { MAX_LINK, linkTo, linkedStrokes } from "./permalink.js";
import { usePicture } from "./pictures.js";
import { replay } from "./replay.js";

// In sessionStorage, as pictures and long drawings do not fit the address: the sheets of this tab's
// pages, each with the address at which it was left, the latest last.
const KEPT = "sheet";
const MAX_KEPT = 10;

// Gives a promise: what was kept or linked is on the paper, or has begun to draw itself.
/** @param {Page} page */
export async function startAddress({ paper, notices }) {
  // Between strokes: browsers limit how often an address changes.
  paper.subscribe((state, before) => state.rests !== before.rests && update(paper));
  addEventListener("hashchange", () => openLink(paper, notices));
  await restore(paper, notices);
  addEventListener("pagehide", () => keep(paper)); // not before, or what was kept would be lost
}

// A demonstration is nobody's drawing, and one that still draws itself is kept as a whole.
function sheetToKeep(paper) {
  const { sheet, replayed, isDemo } = paper.get();
  if (isDemo) return { strokes: [], picture: null };
  return replayed ? { strokes: replayed, picture: null } : sheet;
}

function keep(paper) {
  const { strokes, picture } = sheetToKeep(paper);
  const sheet = { strokes, picture: picture?.data, address: location.href };
  const others = keptSheets().filter(({ address }) => address !== location.href);
  remember(KEPT, JSON.stringify([...others, sheet].slice(-MAX_KEPT)), SESSION);
}

async function restore(paper, notices) {
  try {
    const { picture, strokes } = keptHere();
    if (picture) {
      const image = new Image();
      image.src = picture;
      await image.decode();
      return await usePicture(image, paper, notices);
    }
    if (strokes?.length) return void replay(paper, strokes);
  } catch {
    // A picture that is none.
  }
  openLink(paper, notices);
}

// What was kept when this page was left, if somebody comes back to it.
function keptHere() {
  const [{ type }] = /** @type {any[]} */ (performance.getEntriesByType("navigation"));
  if (type !== "reload" && type !== "back_forward") return {};
  return keptSheets().find(({ address }) => address === location.href) ?? {};
}

const keptSheets = () => remembered(KEPT, readSheets, SESSION) ?? [];

// Earlier versions kept one sheet, without its address, for a reload.
function readSheets(text) {
  const sheets = [JSON.parse(text)].flat();
  if (!sheets.every(isSheet)) return null;
  return sheets.map((sheet) => ({ address: location.href, ...sheet }));
}

function isSheet(value) {
  const isPicture = (data) => data === undefined || /^data:image\//.test(data);
  return areStrokes(value?.strokes) && isPicture(value.picture);
}

function openLink(paper, notices) {
  try {
    const strokes = linkedStrokes(location.hash);
    if (strokes) replay(paper, strokes);
  } catch {
    tell(notices, "link_unreadable");
  }
}

// Gives false where the drawing is too long for a link.
function update(paper) {
  const { strokes } = sheetToKeep(paper);
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

// Copy the link to what is on the paper.
/** @param {Page} page */
export async function copyLink({ paper, notices }) {
  if (!update(paper)) return tell(notices, "link_too_long");
  try {
    await navigator.clipboard.writeText(location.href);
    tell(notices, "link_copied");
  } catch {
    tell(notices, "link_in_address");
  }
}
