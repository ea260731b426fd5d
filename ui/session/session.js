// From what is on the paper to a prediction, at most once a frame: by the network in the browser
// or, where that has not arrived and for pictures, by the server.

import { hush, tell } from "../core/notices.js";
import { Observable } from "../core/observable.js";
import { boxOnPaper } from "../paper/pictures.js";
import { boxOf } from "../recognizer/framing.js";
import { drawn, predictNumber } from "../recognizer/numbers.js";
import { predictStrokes } from "../recognizer/recognizer.js";
import { startAsking } from "./asking.js";
import { refusal } from "./server.js";

const MAX_KNOWN = 1000; // readings of a drawing that goes on
const MARGIN = 25; // units of the paper around a digit that belong to it

/** @extends {Observable<SessionState>} */
export class Session extends Observable {
  #page;
  #ask;
  #isPlanned = false;
  #count = 0; // of predictions
  #decided = {}; // by the reader, about this drawing: {at, groups}
  #answer = null; // the server's last one
  #known = new Map(); // what predictNumber has read with this network

  /** @param {Page} page */
  constructor(page) {
    const { paper, teaching } = page;
    const drawing = drawingOf(paper.get());
    super({ drawing, prediction: null, networks: teaching.get(), compared: null });
    this.#page = page;
    this.#ask = startAsking(page, (asked, answer, refused) => {
      this.#answer = answer;
      this.#publish(asked, answer && this.#ofServer(asked, answer), refused);
    });
    paper.subscribe((state, before) => state.drawing !== before.drawing && this.#plan());
    teaching.subscribe((found) => this.#useNetworks(found));
  }

  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      this.#take();
    });
  }

  #take() {
    this.#decided = {};
    this.update({ drawing: drawingOf(this.#page.paper.get()) });
    this.#read();
  }

  #useNetworks(networks) {
    this.#known = new Map();
    this.update({ networks });
    this.#read();
  }

  #read() {
    const { drawing, networks } = this.get();
    const isEmpty = !drawing.picture && !drawing.strokes.length;
    const isHere = !drawing.picture && networks.taught;
    const isAsked = this.#page.settings.recognize && !isEmpty && !isHere && !drawing.isDemo;
    this.#ask(isAsked ? drawing : null);
    if (isEmpty) return this.#publish(drawing, null);
    if (!isHere) return;
    try {
      this.#publish(drawing, this.#readHere(drawing.strokes));
    } catch (error) {
      if (!error.code) throw error;
      this.#publish(drawing, null, { code: error.code, error: error.message });
    }
  }

  // Of a number it is the answer about the digit `at`, or about the one written last. What is
  // hardly a number is read as the one thing that it may be.
  #readHere(strokes) {
    const network = this.get().networks.taught;
    const { at, groups = null } = this.#decided;
    if (this.#known.size > MAX_KNOWN) this.#known.clear();
    const number = predictNumber(network, strokes, groups, this.#known);
    const none = number.digits.filter(({ verdict }) => verdict === "no digit").length;
    if (number.digits.length < 2) return { ...number.digits[0], verdict: number.verdict };
    if (!groups && 2 * none >= number.digits.length) return predictStrokes(network, strokes);
    const lasts = number.groups.map((group) => Math.max(...group.map(([stroke]) => stroke)));
    const place = Math.min(at ?? lasts.indexOf(Math.max(...lasts)), lasts.length - 1);
    const written = drawn(strokes, number.groups[place]);
    const whole = { ...number, at: place, isChosen: at !== undefined };
    return { ...number.digits[place], written, number: whole };
  }

  // Of strokes there is more to say once the network is here.
  #ofServer({ picture }, answer) {
    if (!picture) return { ...answer, number: null };
    const { number_verdict: verdict } = answer;
    if (answer.digits.length < 2) return { ...answer, verdict, number: null };
    const { number, confidence, doubtful: leastCertain } = answer;
    const confidenceOf = ({ probabilities }) => Math.max(...probabilities);
    const digits = answer.digits.map((digit) => ({ ...digit, confidence: confidenceOf(digit) }));
    const boxes = digits.map(({ box }) => boxOnPaper(picture.canvas, box));
    const at = this.#decided.at ?? 0;
    const isChosen = this.#decided.at !== undefined;
    const whole = { number, digits, boxes, confidence, verdict, leastCertain, at, isChosen };
    return { ...answer, ...digits[at], number: whole };
  }

  #publish({ id, strokes, picture }, answer, refused = null) {
    if (refused) tell(this.#page.notices, refusal(refused, "refused"), true);
    else hush(this.#page.notices, true);
    const { networks, compared } = this.get();
    const lessons = networks.taught?.lessons ?? 0;
    const about = { id: ++this.#count, drawing: id, strokes, picture: Boolean(picture), lessons };
    const confidence = answer && Math.max(...answer.probabilities);
    const prediction = answer && { written: strokes, ...answer, number: answer.number ?? null };
    // A digit that is compared with another one is no longer, once there is nothing on the paper.
    this.update({
      prediction: prediction && { ...prediction, ...about, confidence },
      compared: answer ? compared : null,
    });
  }

  // The reader asks about `digit`, again for no longer; of the leading one what is asked anyway.
  compare(digit) {
    const { prediction, compared } = this.get();
    if (!prediction || prediction.digit === null) return; // there is no answer to ask about
    const isOver = compared === digit || digit === prediction.digit;
    this.update({ compared: isOver ? null : digit });
  }

  // The reader chooses a digit of a number by its place, or says how the strokes are grouped.
  decide(what) {
    this.#decided = { ...this.#decided, ...what };
    const { drawing } = this.get();
    if (drawing.picture) this.#publish(drawing, this.#ofServer(drawing, this.#answer));
    else this.#read();
  }

  // The place of the digit of a number that lies at a point of the paper, or null.
  /** @param {Point} point */
  digitAt([x, y]) {
    const { prediction, drawing } = this.get();
    if (!prediction?.number || prediction.drawing !== drawing.id) return null;
    const place = prediction.number.digits.findIndex((_, digit) => {
      const [left, top, right, bottom] = boxOfDigit(prediction, digit);
      const isAcross = x >= left - MARGIN && x <= right + MARGIN;
      return isAcross && y >= top - MARGIN && y <= bottom + MARGIN;
    });
    return place < 0 ? null : place;
  }
}

// Where a digit of a number lies on the paper.
/** @returns {Box} */
export function boxOfDigit({ strokes, number }, place) {
  return number.boxes?.[place] ?? boxOf(drawn(strokes, number.groups[place]).flat());
}

// Without pressure.
function drawingOf({ drawing, sheet, origin, isDemo }) {
  const strokes = sheet.strokes.map((points) => points.map(([x, y]) => [x, y]));
  return { id: drawing, strokes, picture: sheet.picture, origin, isDemo };
}
