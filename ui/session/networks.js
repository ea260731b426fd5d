// The network that reads in the browser and the one before it: from the server, which is asked
// for newer ones after the pen, or from the page itself, which then needs no server.

import { fromBase64, toBase64, unzipped } from "../core/files.js";
import { tell } from "../core/notices.js";
import { Observable } from "../core/observable.js";
import { remember, remembered } from "../core/storage.js";
import { withLastLayer } from "../recognizer/learning.js";
import { readNetwork } from "../recognizer/network.js";

const OWN = "network"; // in localStorage, where it has room: a file in base64
const PAUSE = 3000; // milliseconds between what somebody does and a look for a newer network
const MOMENT = 200; // the same where the pen is down then: drawing is not disturbed
const TIMEOUT = 120000; // until a file counts as lost: slow links take a quarter of a minute

/** @extends {Observable<{current: Network | null, previous: Network | null}>} */
export class NetworkSource extends Observable {
  #page;
  #found = { current: null, previous: null };
  #own = ownNetwork(); // that somebody trained and chose in this browser
  #lent = null; // a last layer, by the class's teacher: it is not kept
  #names = null; // of the server's networks: {name, previous}
  #wantsPrevious = false;
  #isDue = true;
  #isLooking = false;

  /** @param {Page} page */
  constructor(page) {
    super({ current: null, previous: null });
    this.#page = page;
  }

  start() {
    if (this.#own) this.#tell();
    if (!this.#page.settings.network) {
      return this.#unzip();
    }
    const { network_name: name, previous_name: previous } = this.#page.settings;
    if (name) this.#names = { name, previous };
    this.#page.paper.subscribe((state, before) => state.rests !== before.rests && this.#plan());
    this.#look();
  }

  /** @param {Uint8Array | null} file that reads from now on in this browser, or none */
  useOwn(file) {
    this.#own = file && asOwn(file);
    const isKept = remember(OWN, file ? toBase64(file) : "");
    if (file && !isKept) tell(this.#page.notices, "network_unkept");
    this.#tell();
  }

  /** @param {{network: string, weights: number[]} | null} lent */
  lend(lent) {
    this.#lent = lent;
    this.#tell();
  }

  // The network before is large, and few compare it: it is loaded for those who do.
  wantPrevious() {
    if (this.#wantsPrevious || !this.#page.settings.network) return;
    this.#wantsPrevious = true;
    this.#look();
  }

  async #unzip() {
    this.#found.current = readNetwork((await unzipped(undefined, "network")).buffer);
    this.#tell();
  }

  #tell() {
    const { current, previous } = this.#found;
    if (current && this.#lent && fits(this.#lent, current)) {
      const lent = withLastLayer(current, Float32Array.from(this.#lent.weights), 0);
      return this.set({ current: { ...lent, name: "class" }, previous: current });
    }
    this.set(this.#own ? { current: this.#own, previous: current } : { current, previous });
  }

  #plan() {
    if (!this.#isDue) setTimeout(() => this.#look(), PAUSE);
    this.#isDue = true;
  }

  async #look() {
    const { pointer, stroke } = this.#page.paper.get();
    if (this.#isLooking || pointer || stroke) return setTimeout(() => this.#look(), MOMENT);
    this.#isDue = false; // what is done from now on asks for another look
    this.#isLooking = true;
    await this.#load().catch(() => {}); // those before go on, or the server
    this.#isLooking = false;
  }

  async #load() {
    const isNew = !this.#found.current && this.#names;
    if (isNew && (await this.#take(this.#names).then(() => true, () => false))) return;
    // Later, and where that network has been replaced meanwhile, the server says which it is.
    await this.#take(await (await this.#fetch(this.#page.settings.network)).json());
  }

  async #take({ name, previous }) {
    const had = Object.values(this.#found);
    const find = (wanted) => had.find((network) => network?.name === wanted) ?? null;
    const get = async (wanted) => find(wanted) ?? (await this.#file(wanted));
    this.#replace(await get(name), find(previous));
    if (previous && this.#wantsPrevious) this.#replace(this.#found.current, await get(previous));
  }

  #replace(current, previous) {
    if (this.#found.current === current && this.#found.previous === previous) return;
    this.#found = { current, previous };
    this.#tell();
  }

  async #file(name) {
    const response = await this.#fetch(`${this.#page.settings.network}/${name}.bin`);
    return readNetwork(await response.arrayBuffer());
  }

  // After whatever the page is waiting for.
  async #fetch(place) {
    const response = await this.#page.server.request(place, { priority: "low", timeout: TIMEOUT });
    if (!response.ok) throw new Error(String(response.status));
    return response;
  }
}

// Whether a lent last layer was taught on this network and is whole.
const fits = ({ network, weights }, { name, layers }) =>
  network === name &&
  weights.length === layers.at(-1).weights.length + layers.at(-1).biases.length &&
  weights.every(Number.isFinite);

const asOwn = (file) => ({ ...readNetwork(file.slice().buffer), isOwn: true });

// Null where there is none, or one of another version.
const ownNetwork = () => remembered(OWN, (letters) => asOwn(fromBase64(letters)));
