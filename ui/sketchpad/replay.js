// Drawings that draw themselves: examples, and the one in the address.

const REPLAY_TIME = 1000; // milliseconds for a drawing that draws itself

let replaying = null; // the strokes that are drawing themselves

document.addEventListener("draw", (event) => replay(event.detail));

async function replay(strokes) {
  put(EMPTY);
  const mine = (replaying = [...strokes]);
  const total = strokes.flat().length;
  const start = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (let shown = 0; shown < total; ) {
    const now = still ? start : await new Promise(requestAnimationFrame);
    if (mine !== replaying) return;
    shown = still ? total : Math.ceil((total * (now - start)) / REPLAY_TIME);
    sheet = { strokes: firstPoints(strokes, shown), picture: null };
    changed();
  }
  replaying = null;
  publish();
}

// What interrupts a replay finds the whole drawing.
function finishReplay() {
  if (replaying) sheet = { strokes: replaying, picture: null };
  replaying = null;
}

function firstPoints(strokes, count) {
  const first = [];
  for (const points of strokes) {
    if (count <= 0) break;
    first.push(points.slice(0, count));
    count -= points.length;
  }
  return first;
}

function openLink() {
  try {
    const strokes = linkedStrokes(location.hash);
    if (strokes) replay(strokes);
  } catch {
    tell(text("link_unreadable"));
  }
}
addEventListener("hashchange", openLink);
