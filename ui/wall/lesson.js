// Teach it: every second drawing teaches the last layer, in steps that everybody sees; the others
// are held out. The taught network can be lent to all phones.

import { find, setText } from "../core/dom.js";
import { Observable } from "../core/observable.js";
import { text } from "../core/texts.js";
import { halves, readingOf } from "../recognizer/classroom.js";
import { frameStrokes } from "../recognizer/framing.js";
import { rehearse, teach } from "../recognizer/learning.js";
import { predictStrokes } from "../recognizer/recognizer.js";
import { inSlices } from "../session/slices.js";
import { countWrong } from "./pair.js";

const STAGES = 6; // of more and more drawings

const NOTHING = {
  taught: /** @type {Network | null} */ (null),
  reads: /** @type {Map<number, number | null>} */ (new Map()), // the taught network's, by id
  seen: 0,
  isLearning: false,
};

/** @extends {Observable<typeof NOTHING>} */
export class Lesson extends Observable {
  #room;
  #images;

  /** @param {Room} room @param {Images} images */
  constructor(room, images) {
    super(NOTHING);
    this.#room = room;
    this.#images = images;
  }

  async learn() {
    const { network } = this.#room.get();
    const all = this.#room.shown;
    const [teaching] = halves(all);
    const images = await this.#images.rehearsed();
    this.set({ ...NOTHING, isLearning: true });
    const rehearsed = await inSlices(rehearse(network, images));
    const lessonOf = ({ strokes, label }) => ({ pixels: frameStrokes(strokes), label });
    const lessons = teaching.map(lessonOf);
    for (let stage = 1; stage <= STAGES; stage++) {
      const seen = Math.ceil((stage * lessons.length) / STAGES);
      const taught = await inSlices(teach(network, lessons.slice(0, seen), rehearsed));
      const reads = new Map();
      for (const { id, strokes } of all) reads.set(id, readingOf(predictStrokes(taught, strokes)));
      this.update({ taught, seen, reads });
    }
    this.update({ isLearning: false });
  }

  lend() {
    const { weights, biases } = this.get().taught.layers.at(-1);
    const { name: network } = this.#room.get().network;
    this.#room.order({ lend: { network, weights: [...weights, ...biases] } });
  }

  /** @param {ReturnType<typeof import("./pair.js").createPair>} showPair */
  show(showPair) {
    const { taught, reads, seen, isLearning } = this.get();
    const before = ({ answer }) => readingOf(answer);
    const now = (drawing) => (reads.has(drawing.id) ? reads.get(drawing.id) : before(drawing));
    const pair = halves(this.#room.shown);
    const veiled = this.#room.own.filter(({ shown }) => !shown);
    showPair(["wall_teaching", "wall_held_out"].map((name, i) => ({
      name: text(name),
      drawings: i ? pair[i] : [...pair[i], ...veiled],
      readingOf: now,
      before: taught ? countWrong(pair[i], before) : undefined,
    })));
    const key = isLearning || taught ? "wall_seen" : "wall_not_taught";
    setText(find(".progress"), text(key, { seen, count: pair[0].length }));
    const { isLent } = this.#room.get();
    const isDone = !isLearning && reads.size > 0 && reads.size === this.#room.shown.length;
    find(".start").hidden = isDone;
    find(".start").disabled = isLearning || !pair[1].length;
    find(".lend").hidden = isLent || !isDone;
    find(".take-back").hidden = !isLent;
  }
}
