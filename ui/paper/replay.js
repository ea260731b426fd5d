// Drawings that draw themselves: examples, and the one in the address.

const REPLAY_TIME = 1000; // milliseconds for a drawing that draws itself

/**
 * @param {import("./paper.js").Paper} paper
 * @param {Stroke[]} drawing
 * @param {boolean} isDemo it is to be looked at, and goes when somebody draws
 */
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
