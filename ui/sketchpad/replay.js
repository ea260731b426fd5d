// Drawings that draw themselves: examples, and the one in the address.

import { endReplay, look, showReplayed, startReplay } from "./state.js";

const REPLAY_TIME = 1000; // milliseconds for a drawing that draws itself

export async function replay(drawing, isDemo = false) {
  const strokes = [...drawing]; // is this replay, even where the same one is begun again
  startReplay(strokes, isDemo);
  const total = strokes.flat().length;
  const start = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (let shown = 0; shown < total; ) {
    const now = still ? start : await new Promise(requestAnimationFrame);
    if (look().replayed !== strokes) return;
    shown = still ? total : Math.ceil((total * (now - start)) / REPLAY_TIME);
    showReplayed(firstPoints(strokes, shown));
  }
  endReplay();
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
