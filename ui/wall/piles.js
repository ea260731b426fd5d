// Whose 1 and whose 7? Two piles, and what a network reads of their held-out halves that learned
// from nothing: from MNIST, with the other halves in the place of its own digits.

import { add, find, findEach, setText } from "../core/dom.js";
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
    const { about, chosen, learning, reads } = this.get();
    const { digit } = this.#room.get().task;
    const held = this.#halves.map(([, half]) => half);
    const isKnown = about === this.#about;
    const found = isKnown ? reads[chosen] : undefined;
    const readingOf = found && (({ id }) => found.get(id));
    const drawings = found ? held : this.#piles;
    showPair(["with", "without"].map((kind, i) => (
      { name: text(`wall_${kind}_${digit}`), drawings: drawings[i], readingOf }
    )));
    const [more, less] = held.map(({ length }) => length);
    setText(find(".learned-from"), text("wall_learned_from", { digit }));
    setText(find(".of-these"), text("wall_wrong", { more, less }));
    for (const button of findEach("[data-source]")) {
      const { source } = button.dataset;
      const isChosen = Boolean(found) && source === chosen;
      button.ariaPressed = String(isChosen);
      button.disabled = learning !== null || !more || !less;
      if (button.matches(".train")) setText(button, text(isChosen ? "wall_trained" : "wall_train"));
      if (!button.matches(".results *")) continue;
      const unknown = learning === source ? "…" : "?";
      showResult(button, digit, held, (isKnown && reads[source]) || unknown);
    }
  }
}

// `found` is what was read, by id, or the sign for what is not known.
function showResult(button, digit, held, found) {
  const mark = text(`wall_mark_${digit}`);
  button.replaceChildren();
  add(button, "strong", text(`wall_source_${button.dataset.source}`, { digit, mark }));
  held.forEach((drawings, i) => {
    const isKnown = typeof found !== "string";
    const wrong = isKnown ? countWrong(drawings, ({ id }) => found.get(id)) : 0;
    const cell = add(button, "span");
    add(cell, "b", isKnown ? wrong : found);
    add(cell, "small", text(i ? "wall_less" : "wall_more"));
    cell.style.setProperty("--share", String(wrong / drawings.length || 0));
  });
}
