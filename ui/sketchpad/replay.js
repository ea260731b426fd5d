// Drawings that draw themselves: examples, the one in the address, and the demonstration that a
// first visit begins with.

import { endDemo, endReplay, fadeDemo, look, showReplayed, startReplay } from "./state.js";

const REPLAY_TIME = 1000; // milliseconds for a drawing that draws itself
const DEMO_TIME = 2000; // milliseconds that a complete demonstration stays
const FADE_TIME = 600; // milliseconds in which it fades

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

// Shows a drawing until somebody does something, and for a few seconds at most.
export async function demonstrate(drawing) {
  await replay(drawing, true);
  await new Promise((resume) => setTimeout(resume, DEMO_TIME));
  const start = performance.now();
  for (let opacity = 1; opacity > 0 && look().isDemo; ) {
    const now = await new Promise(requestAnimationFrame);
    opacity = 1 - Math.max(0, now - start) / FADE_TIME;
    if (look().isDemo) fadeDemo(Math.max(0, opacity));
  }
  endDemo();
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
