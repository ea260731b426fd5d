// Whose 1 and whose 7? Two piles, and what a network reads of their held-out halves that learned
// from nothing: from MNIST, with the other halves in the place of its own digits.

import { add, addButton, find, findEach, setText } from "../core/dom.js";
import { Observable } from "../core/observable.js";
import { text } from "../core/texts.js";
import { halves, hasMark, learnFrom } from "../recognizer/classroom.js";
import { predictStrokes } from "../recognizer/recognizer.js";
import { inSlices } from "../session/slices.js";
import { countWrong } from "./pair.js";

// Which piles teach: 0 is with a bar or flag, 1 without.
const SOURCES = { mnist: [], with: [0], without: [1], both: [0, 1] };
const NOTHING = {
  about: "", // the drawings that were read
  chosen: /** @type {string | null} */ (null), // a source
  learning: /** @type {string | null} */ (null),
  reads: /** @type {Record<string, Map<number, number>>} */ ({}), // by source and id
  moved: /** @type {number[]} */ ([]), // ids of drawings that somebody moved to the other pile
};

/** @extends {Observable<typeof NOTHING>} */
export class Piles extends Observable {
  #room;
  #images;

  /** @param {Room} room @param {Images} images */
  constructor(room, images) {
    super(NOTHING);
    this.#room = room;
    this.#images = images;
    for (const button of findEach(".train")) {
      button.addEventListener("click", () => this.learn(button.dataset.source));
    }
    for (const source of Object.keys(SOURCES)) {
      addButton(find(".results"), undefined, () => this.learn(source)).dataset.source = source;
    }
  }

  move({ id }) {
    const { moved } = this.get();
    const others = moved.filter((each) => each !== id);
    this.update({ moved: others.length < moved.length ? others : [...moved, id] });
  }

  get #piles() {
    const { moved } = this.get();
    const isWith = ({ id, label, strokes }) => hasMark(label, strokes) !== moved.includes(id);
    const all = this.#room.own;
    return [all.filter(isWith), all.filter((drawing) => !isWith(drawing))];
  }

  // Of each pile what teaches and what is held out.
  get #halves() {
    return this.#piles.map((pile) => halves(pile.filter(({ shown }) => shown)));
  }

  get #about() {
    return JSON.stringify(this.#halves.map((pair) => pair.map((half) => half.map(({ id }) => id))));
  }

  async learn(source) {
    const [pairs, about, { digit }] = [this.#halves, this.#about, this.#room.get().task];
    if (this.get().learning || pairs.some(([, held]) => !held.length)) return;
    const mnist = await this.#images.load();
    if (this.get().about !== about) this.update({ about, reads: {} });
    for (const each of ["mnist", source].filter((name) => !this.get().reads[name])) {
      this.update({ learning: each });
      const own = SOURCES[each].flatMap((pile) => pairs[pile][0].map(({ strokes }) => strokes));
      const network = await inSlices(learnFrom(mnist, digit, own));
      const found = new Map();
      for (const { id, strokes } of pairs.flatMap(([, held]) => held)) {
        found.set(id, predictStrokes(network, strokes).digit);
      }
      this.update({ reads: { ...this.get().reads, [each]: found } });
    }
    this.update({ learning: null, chosen: source });
  }

  /** @param {ReturnType<typeof import("./pair.js").createPair>} showPair */
  show(showPair) {
    const { about, chosen, reads } = this.get();
    const { digit } = this.#room.get().task;
    const isKnown = about === this.#about;
    const found = isKnown ? reads[chosen] : undefined;
    const readingOf = found && (({ id }) => found.get(id));
    const drawings = found ? this.#halves.map(([, held]) => held) : this.#piles;
    showPair(["with", "without"].map((kind, i) => (
      { name: text(`wall_${kind}_${digit}`), drawings: drawings[i], readingOf }
    )));
    const [more, less] = this.#halves.map(([, held]) => held.length);
    setText(find(".learned-from"), text("wall_learned_from", { digit }));
    setText(find(".of-these"), text("wall_wrong", { more, less }));
    for (const button of findEach("[data-source]")) {
      button.ariaPressed = String(Boolean(found) && button.dataset.source === chosen);
    }
    for (const button of findEach(".train")) {
      setText(button, text(button.ariaPressed === "true" ? "wall_trained" : "wall_train"));
    }
    for (const button of findEach(".results button")) {
      this.#showResult(button, isKnown ? reads[button.dataset.source] : undefined);
    }
  }

  #showResult(button, found) {
    const { source } = button.dataset;
    const { digit } = this.#room.get().task;
    button.replaceChildren();
    const words = { digit, mark: text(`wall_mark_${digit}`) };
    add(button, "strong", text(`wall_source_${source}`, words));
    this.#halves.forEach(([, held], i) => {
      const wrong = found && countWrong(held, ({ id }) => found.get(id));
      const cell = add(button, "span");
      add(cell, "b", wrong ?? (this.get().learning === source ? "…" : "?"));
      add(cell, "small", text(i ? "wall_less" : "wall_more"));
      cell.style.setProperty("--share", String((wrong ?? 0) / (held.length || 1)));
    });
  }
}
