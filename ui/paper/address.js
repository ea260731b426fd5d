// The drawing beyond the paper: in the page's address, kept up to date, opened and copied, and
// in sessionStorage while the page is loaded again.

import { tell } from "../core/notices.js";
import { MAX_LINK, linkTo, linkedStrokes } from "./permalink.js";
import { usePicture } from "./pictures.js";
import { replay } from "./replay.js";

const KEPT = "sheet"; // in sessionStorage: pictures and long drawings do not fit the address

/**
 * @param {import("./paper.js").Paper} paper
 * @param {import("../core/observable.js").Observable<any>} notices
 */
export function startAddress(paper, notices) {
  // Between strokes: browsers limit how often an address changes.
  paper.subscribe((state, before) => state.rests !== before.rests && update(paper));
  addEventListener("hashchange", () => openLink(paper, notices));
  addEventListener("pagehide", () => keep(paper));
  restore(paper, notices);
}

// A demonstration is nobody's drawing.
function sheetToKeep(paper) {
  const { isDemo, sheet } = paper.get();
  return isDemo ? { strokes: [], picture: null } : sheet;
}

function keep(paper) {
  try {
    const { strokes, picture } = sheetToKeep(paper);
    sessionStorage.setItem(KEPT, JSON.stringify({ strokes, picture: picture?.data }));
  } catch {
    // A browser without storage: the address still holds what fits it.
  }
}

async function restore(paper, notices) {
  const [{ type }] = /** @type {any[]} */ (performance.getEntriesByType("navigation"));
  try {
    const kept = type === "reload" && JSON.parse(sessionStorage.getItem(KEPT));
    if (kept?.picture) {
      const image = new Image();
      image.src = kept.picture;
      await image.decode();
      return usePicture(image, paper, notices);
    }
    if (kept?.strokes?.length) return replay(paper, kept.strokes);
  } catch {
    // No storage, or something else in it.
  }
  openLink(paper, notices);
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

/**
 * Copy the link to what is on the paper.
 * @param {import("./paper.js").Paper} paper
 * @param {import("../core/observable.js").Observable<any>} notices
 */
export async function copyLink(paper, notices) {
  if (!update(paper)) return tell(notices, "link_too_long");
  try {
    await navigator.clipboard.writeText(location.href);
    tell(notices, "link_copied");
  } catch {
    tell(notices, "link_in_address");
  }
}
