// The network that reads, after this browser's lessons: taught anew from all of them whenever
// there is another network or another lesson. Nothing of it leaves the browser.

import { fromBase64, toBase64 } from "../core/files.js";
import { Observable } from "../core/observable.js";
import { forget, remember, remembered } from "../core/storage.js";
import { PIXELS, frameStrokes } from "../recognizer/framing.js";
import { LEARNING, rehearse, teach, withLastLayer } from "../recognizer/learning.js";
import { DIGITS, crc32 } from "../recognizer/network.js";
import { inSlices } from "./slices.js";

const KEPT = "taught"; // in localStorage: what was learned last, so that a reload learns nothing

/** @extends {Observable<Networks>} */
export class Teaching extends Observable {
  #page;
  #rehearsed = null; // a promise of examples that the current network has read
  learned = Promise.resolve(); // once the lessons are learned

  /** @param {Page} page */
  constructor(page) {
    super({ taught: null, current: null, previous: null });
    this.#page = page;
    page.source.subscribe((networks) => this.#use(networks));
    page.lessons.subscribe(() => (this.learned = this.#learn()));
    page.lessons.followOtherTabs();
  }

  // Somebody is about to teach: what that needs is loaded meanwhile.
  prepare() {
    const { current } = this.get();
    if (!current) return Promise.resolve(null);
    const isWanted = () => this.get().current === current;
    const read = (images) => inSlices(rehearse(current, images), isWanted);
    this.#rehearsed ??= this.#page.images.rehearsed().then(read);
    return this.#rehearsed.catch(() => (this.#rehearsed = null)); // and load it another time
  }

  #use(networks) {
    const { current, taught } = this.get();
    if (networks.current === current) return this.set({ ...networks, taught });
    this.#rehearsed = null;
    const kept = networks.current && keptNetwork(networks.current, this.#page.lessons.get());
    this.set({ ...networks, taught: kept ?? networks.current });
    if (!kept) this.learned = this.#learn();
  }

  async #learn() {
    const [{ current }, lessons] = [this.get(), this.#page.lessons.get()];
    if (!current) return;
    if (lessons.length === 0) {
      forget(KEPT);
      return this.update({ taught: current });
    }
    const isWanted = () => this.get().current === current && this.#page.lessons.get() === lessons;
    const examples = await this.prepare();
    if (!examples || !isWanted()) return;
    const taught = await inSlices(teach(current, framed(lessons), examples), isWanted);
    if (!taught) return; // another lesson came meanwhile
    keepNetwork(taught, lessons);
    this.update({ taught });
  }
}

// One at a time: forty at once would take long.
function* framed(lessons) {
  for (const { strokes, label } of lessons) yield { pixels: frameStrokes(strokes), label };
}

// What the lessons teach depends on.
function fingerprint(network, lessons) {
  const text = JSON.stringify([LEARNING, network.name, lessons]);
  return `${network.name} ${crc32(new TextEncoder().encode(text))}`;
}

function keepNetwork(network, lessons) {
  const { weights, biases } = network.layers.at(-1);
  const bytes = new Uint8Array(Float32Array.from([...weights, ...biases]).buffer);
  const kept = { for: fingerprint(network, lessons), used: network.lessons };
  if (network.lessons) remember(KEPT, JSON.stringify({ ...kept, weights: toBase64(bytes) }));
  else forget(KEPT);
}

// `network` after these lessons, if they were learned before; else null.
function keptNetwork(network, lessons) {
  return remembered(KEPT, (text) => {
    const kept = JSON.parse(text);
    if (!lessons.length || kept.for !== fingerprint(network, lessons)) return null;
    const weights = new Float32Array(fromBase64(kept.weights).buffer);
    const inputs = network.hidden.at(-1) ?? PIXELS;
    const isWhole = weights.length === DIGITS * (inputs + 1) && weights.every(Number.isFinite);
    return isWhole && kept.used > 0 ? withLastLayer(network, weights, kept.used) : null;
  });
}
