// One change that would make the drawing on the paper another digit. It is looked for in slices
// from when the pen is lifted, and forgotten when the pen comes down and on the stage.

import { Observable } from "../core/observable.js";
import { oneOf, remember, remembered } from "../core/storage.js";
import { bestChange, findChanges } from "../recognizer/changes.js";
import { inSlices } from "./slices.js";

const SWITCH = "ghost"; // in localStorage: "on" or "off"

const NOTHING = { found: /** @type {(Change | null)[] | null} */ (null), isDone: false };

/** @extends {Observable<typeof NOTHING & {isOn: boolean}>} */
export class Changes extends Observable {
  #page;
  #about = /** @type {Prediction | null} */ (null); // of the drawing that is searched
  #network = /** @type {Network | null} */ (null); // by which

  /** @param {Page} page */
  constructor(page) {
    super({ ...NOTHING, isOn: remembered(SWITCH, oneOf("on", "off")) !== "off" });
    this.#page = page;
    for (const each of [page.paper, page.session, page.stage]) {
      each.subscribe(() => this.#follow());
    }
  }

  // The prediction about one digit that somebody drew and the network in the browser read, or null.
  get about() {
    const { pointer, stroke, replayed, drawing } = this.#page.paper.get();
    const { prediction, networks, drawing: shown } = this.#page.session.get();
    if (pointer || stroke || replayed || shown.isDemo || !networks.taught) return null;
    if (!prediction || prediction.drawing !== drawing || prediction.digit === null) return null;
    return prediction.picture || prediction.number ? null : prediction;
  }

  // The digit that the reader asks about, or null.
  get asked() {
    const { compared, prediction } = this.#page.session.get();
    return compared === prediction?.digit ? null : compared;
  }

  // The best change found so far: one that makes the digit that is asked about or, where none is,
  // any. Null where there is none.
  get best() {
    const { found } = this.get();
    if (!found || !this.#about) return null;
    return this.asked === null ? bestChange(found, this.#about) : found[this.asked];
  }

  setOn(isOn) {
    this.update({ isOn });
    remember(SWITCH, isOn ? "on" : "off");
    this.#follow();
  }

  // Make the change on the paper. Points that stay keep the width of the pen.
  apply() {
    const change = this.best;
    if (!change) return;
    const { strokes } = this.#page.paper.get().sheet;
    const known = new Map(strokes.flat().map((point) => [String(point.slice(0, 2)), point]));
    const changed = change.strokes.map((stroke) => stroke.map((at) => known.get(String(at)) ?? at));
    this.#page.paper.put({ strokes: changed, picture: null });
  }

  #follow() {
    const isShown = this.get().isOn && !this.#page.stage.get();
    const about = isShown ? this.about : null;
    const { taught } = this.#page.session.get().networks;
    // A drawing may be read once more, and is the same.
    const isKnown = about?.drawing === this.#about?.drawing && taught === this.#network;
    [this.#about, this.#network] = [about, taught];
    if (isKnown) return;
    this.update(NOTHING);
    if (about) this.#search(about.strokes, about.drawing, taught);
  }

  async #search(strokes, drawing, network) {
    const isWanted = () => this.#about?.drawing === drawing && this.#network === network;
    const note = (found) => this.update({ found });
    const search = noting(findChanges(network, strokes), note);
    if (await inSlices(search, isWanted)) this.update({ isDone: true });
  }
}

// Runs a search and notes each time that there is more.
function* noting(search, note) {
  let before = null;
  for (const found of search) {
    if (found !== before) note((before = found));
    yield;
  }
  return true;
}
