// A worker that trains: it runs the page's own script, in which main.js starts `work` where there
// is no document. Orders are answered one after the other.

import { find } from "../core/dom.js";
import { Run } from "../recognizer/runs.js";

let script = null; // the address of what a worker runs; the page's policy lets it be made once

// In the worker.
export function work() {
  const data = {}; // known and tests, the images
  let run;
  const orders = {
    load: (found) => void Object.assign(data, found),
    measure: (settings) => new Run(settings, data.known, data.tests).measure(),
    start: (settings) => {
      run = new Run(settings, data.known, data.tests);
      return { moment: run.look(), isOver: false };
    },
    advance: () => ({ moment: run.advance(), isOver: run.isOver }),
    advanceByOne: () => ({ ...run.advanceByOne(), isOver: run.isOver }),
  };
  addEventListener("message", ({ data: [order, value] }) => postMessage(orders[order](value)));
}

// In the page: gives what sends an order and promises its answer. The promise rejects where the
// browser starts no worker.
export function startWorker() {
  const waiting = [];
  script ??= scriptAddress();
  const worker = new Worker(script);
  worker.addEventListener("message", ({ data }) => waiting.shift().resolve(data));
  worker.addEventListener("error", (event) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(event.message));
  });
  return (order, value = undefined) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.postMessage([order, value]);
    });
}

// The page's policy takes an address for a script from this trusted type alone.
function scriptAddress() {
  const { textContent } = find('script[type="module"]');
  const address = URL.createObjectURL(new Blob([textContent], { type: "text/javascript" }));
  const { trustedTypes } = /** @type {any} */ (globalThis);
  if (!trustedTypes) return address;
  const rules = { createScriptURL: () => address };
  return trustedTypes.createPolicy("training-worker", rules).createScriptURL("");
}
