// What may be said about the drawing on the paper: which digit it is. The network learns it at
// once, in this browser; where a server keeps corrections, and somebody agrees, it is given too.

import { Observable, watch } from "../core/observable.js";

const TO_LOOK = 2000; // milliseconds in which nothing but the bars moves, before consent is asked

const NOTHING = {
  drawing: -1, // the id of the drawing that this is about
  isOffered: false, // to say whether it is right: that drawing was answered, or what it grew from
  isOpen: false, // the ten digits are
  asked: /** @type {number | null} */ (null), // the digit that waits for consent
};

/** @extends {Observable<typeof NOTHING>} */
export class Feedback extends Observable {
  #page;
  #before = new WeakMap(); // by the lessons since the page was loaded: what was read before them
  #turn = null; // what was chosen last, and waits for the question of consent
  #hasDeclined = false; // is not asked again until the page is loaded anew

  /** @param {Page} page */
  constructor(page) {
    super(NOTHING);
    this.#page = page;
    watch([page.session], () => this.#follow());
  }

  #follow() {
    const { drawing, prediction } = this.#page.session.get();
    const isInk = drawing.strokes.length > 0 && !drawing.isDemo;
    const isOffered = isInk && (this.answer ? true : this.get().isOffered && prediction !== null);
    if (this.get().drawing !== drawing.id) {
      this.close();
      if (this.get().drawing !== -1) this.#page.notices.update({ feedback: null });
      this.update({ drawing: drawing.id, isOffered });
    } else if (isOffered !== this.get().isOffered) this.update({ isOffered });
  }

  // The answer about exactly what is on the paper, or null. "Yes" is about it; "No" is there while
  // the pen goes on after an answer, as digits name what is on the paper when they are chosen.
  get answer() {
    const { drawing, prediction } = this.#page.session.get();
    return prediction?.drawing === drawing.id && drawing.strokes.length ? prediction : null;
  }

  // What is spoken of: the strokes on the paper, or of the digit of a number that is explained.
  get subject() {
    return this.answer?.written ?? this.#page.session.get().drawing.strokes;
  }

  // What "Yes" says, or null.
  get right() {
    const { digit = null, verdict } = this.answer ?? {};
    return verdict === "no digit" ? null : digit;
  }

  // Before the ten digits: which part of a number is wrong, unless the reader chose one already.
  get asksForPart() {
    const { number } = this.answer ?? {};
    return this.get().isOpen && Boolean(number) && !number.isChosen;
  }

  get lesson() {
    return this.#page.lessons.about(this.subject);
  }

  // What was read before the lesson about this, now where there is none; null if nobody knows.
  get before() {
    return this.lesson ? (this.#before.get(this.lesson) ?? null) : (this.answer?.digit ?? null);
  }

  open() {
    this.close();
    this.update({ isOpen: true });
  }

  close() {
    this.#turn = null;
    if (this.get().isOpen || this.get().asked !== null) this.update({ isOpen: false, asked: null });
  }

  // What is spoken of is `digit`.
  choose(digit) {
    if (digit === null || !this.get().isOffered) return;
    const { subject, before } = this;
    this.close();
    this.#page.lessons.add(subject, digit);
    this.#before.set(this.lesson, before);
    const isKept = this.#page.lessons.countUnkept === 0;
    if (!isKept) this.#page.notices.update({ feedback: { key: "lesson_unkept" } });
    if (!this.#page.giving.isPossible || this.#hasDeclined) return;
    if (this.#page.giving.hasConsented) return this.#page.giving.give(subject, digit);
    if (!isKept) return; // neither would a consent be kept, nor what deletes a drawing
    this.#askLater(digit);
  }

  // First the reader sees what was learned.
  async #askLater(digit) {
    const turn = (this.#turn = {});
    await this.#page.teaching.learned;
    await new Promise((resume) => setTimeout(resume, TO_LOOK));
    if (this.#turn === turn) this.update({ asked: digit });
  }

  agree() {
    const { asked } = this.get();
    if (asked === null) return; // it is clicked twice
    this.#page.giving.setConsent(true);
    this.close();
    this.#page.giving.give(this.subject, asked);
  }

  decline() {
    this.#hasDeclined = true;
    this.close();
  }

  forget() {
    const { subject } = this;
    this.#page.lessons.forget(subject);
    this.#page.giving.takeBack(subject);
  }
}
