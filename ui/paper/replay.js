// Drawings that draw themselves: examples, the one in the address, and the demonstration that a
// first visit begins with.

const REPLAY_TIME = 1000; // milliseconds for a drawing that draws itself
const DEMO_TIME = 2000; // milliseconds that a complete demonstration stays
const FADE_TIME = 600; // milliseconds in which it fades

// A demonstration is to be looked at, and goes when somebody draws.
/** @param {Paper} paper @param {Stroke[]} drawing */
export async function replay(paper, drawing, isDemo = false) {
  const strokes = [...drawing]; // is this replay, even where the same one is begun again
  paper.startReplay(strokes, isDemo);
  const total = strokes.flat().length;
  const start = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (let shown = 0; shown < total; ) {
    const now = still ? start : await new Promise(requestAnimationFrame);
    if (paper.get().replayed !== strokes) return;
    shown = still ? total : Math.ceil((total * (now - start)) / REPLAY_TIME);
    paper.showReplayed(firstPoints(strokes, shown));
  }
  paper.endReplay();
}

// Show a drawing until somebody does something, and for a few seconds at most.
/** @param {Paper} paper @param {Stroke[]} drawing */
export async function demonstrate(paper, drawing) {
  await replay(paper, drawing, true);
  await new Promise((resume) => setTimeout(resume, DEMO_TIME));
  const start = performance.now();
  for (let opacity = 1; opacity > 0 && paper.get().isDemo; ) {
    const now = await new Promise(requestAnimationFrame);
    opacity = 1 - Math.max(0, now - start) / FADE_TIME;
    if (paper.get().isDemo) paper.fadeDemo(Math.max(0, opacity));
  }
  paper.endDemo();
}

// Strokes that are complete are themselves, so that they are not painted anew.
function firstPoints(strokes, count) {
  const first = [];
  for (const points of strokes) {
    if (count <= 0) break;
    first.push(count < points.length ? points.slice(0, count) : points);
    count -= points.length;
  }
  return first;
}
