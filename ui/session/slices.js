// Long work in short slices, between which the page does what it is asked to.

const SLICE = 1; // millisecond, after which the piece of work under way is the last one

// Run a generator that pauses after each piece of its work. Gives a promise of what it returns, or
// of null once `isWanted` is false.
/** @template T @param {Generator<any, T>} work @returns {Promise<T | null>} */
export async function inSlices(work, isWanted = () => true) {
  for (let end = 0; ; ) {
    if (performance.now() >= end) {
      await nextTask();
      if (!isWanted()) return null;
      end = performance.now() + SLICE;
    }
    const { done, value } = work.next();
    if (done) return /** @type {T} */ (value);
  }
}

// Sooner than with setTimeout, which browsers hold back.
function nextTask() {
  return new Promise((/** @type {(value?: any) => void} */ resume) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  });
}
