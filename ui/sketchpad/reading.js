// What is on the paper, read at most once a frame: by the network in the browser or, where that
// has not arrived and for pictures, by the server. "drawing" and "prediction" events out.

import { send } from "../elements.js";
import { shrinkStrokes } from "../recognizer/framing.js";
import { explain } from "../recognizer/network.js";
import { drawn, predictNumber } from "../recognizer/numbers.js";
import { predictPixels, predictStrokes } from "../recognizer/recognizer.js";
import { startAsking } from "./asking.js";
import { startBrackets } from "./brackets.js";
import { startNetworks } from "./networks.js";
import { hush, tell } from "./notice.js";
import { look, on } from "./state.js";
import { startTeaching } from "./teaching.js";

const MAX_KNOWN = 1000; // readings of a drawing that goes on

export function startReading(server) {
  const { element } = server;
  let drawing, frame;
  let prediction = null;
  let networks = {};
  let known = new Map(); // what predictNumber has read with this network
  let decided = {}; // by the reader, about this drawing: {at} the digit to explain, its {groups}
  const show = ({ strokes, picture }, answer, refused) => {
    prediction = answer && explained(networks, { ...answer, strokes, picture: Boolean(picture) });
    if (refused) tell(element, "refused", { reason: refused }, true);
    else hush(element, true);
    bracket(prediction ?? {});
    send(element, "prediction", prediction);
  };
  const ask = startAsking(server, show);
  const read = () => {
    const isEmpty = !drawing.picture && !drawing.strokes.length;
    const isHere = !drawing.picture && networks.current;
    ask(isEmpty || isHere ? null : drawing);
    if (isEmpty) show(drawing, null);
    else if (isHere) show(drawing, ...readHere(networks.taught, drawing.strokes, decided, known));
  };
  const decide = (what) => {
    decided = { ...decided, ...what };
    read();
  };
  const bracket = startBrackets(element, decide);
  const take = () => {
    const { sheet, origin, isDemo } = look();
    const strokes = sheet.strokes.map((points) => points.map(([x, y]) => [x, y])); // no pressure
    drawing = { strokes, picture: sheet.picture, origin, isDemo };
    decided = {};
    send(element, "drawing", drawing);
  };
  on("change", () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      take();
      read();
    });
  });
  document.addEventListener("listening", () => {
    send(element, "drawing", drawing);
    send(element, "prediction", prediction);
  });
  take();
  const useNetworks = (found) => {
    networks = found;
    known = new Map();
    read();
  };
  startNetworks(server, startTeaching(server, useNetworks));
}

// The answer, or null and why the strokes are refused. Of a number it is that about the digit
// `at`, or the one written last: its `written` strokes, and all of the `number`. What is hardly a
// number is read as the one thing that it may be.
function readHere(network, strokes, { at, groups }, known) {
  if (known.size > MAX_KNOWN) known.clear();
  try {
    const number = predictNumber(network, strokes, groups, known);
    const none = number.digits.filter(({ verdict }) => verdict === "no digit").length;
    const isHardly = !groups && 2 * none >= number.digits.length;
    if (number.digits.length < 2 || isHardly) {
      const one = number.digits.length < 2 ? number.digits[0] : predictStrokes(network, strokes);
      return [{ ...one, written: strokes, number: null }];
    }
    const last = (group) => Math.max(...group.map(([stroke]) => stroke));
    const lasts = number.groups.map(last);
    const place = Math.min(at ?? lasts.indexOf(Math.max(...lasts)), lasts.length - 1);
    const written = drawn(strokes, number.groups[place]);
    const whole = { ...number, at: place, isChosen: at !== undefined };
    return [{ ...number.digits[place], written, number: whole }];
  } catch (error) {
    return [null, error.message];
  }
}

// With what explains it, which is worked out where somebody looks at it. `why` compares the leading
// digit with another, or null with all others; `shrunk` is the digit that would be read without
// centring, where it is another; `untaught` is the answer without lessons, `before` that of the
// network before. They give nothing until the networks are here; the `reader` is who answered.
function explained({ taught, current, previous }, prediction) {
  const { pixels, digit, strokes, probabilities } = prediction;
  const why = (other) => taught && explain(taught, pixels, digit, other);
  const shrunk = () => {
    const isAlone = taught && !prediction.picture && !prediction.number;
    const simple = isAlone && predictPixels(taught, shrinkStrokes(strokes));
    return simple && simple.digit !== digit ? simple.digit : null;
  };
  const before = () => previous && digit !== null && predictPixels(previous, pixels);
  const untaught = () => current && predictPixels(current, pixels);
  const lessons = taught?.lessons ?? 0; // how many it learned from
  const confidence = Math.max(...probabilities);
  return { ...prediction, reader: taught, confidence, before, why, shrunk, untaught, lessons };
}
