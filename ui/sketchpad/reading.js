// What is on the paper, read at most once a frame: by the network in the browser or, where that
// has not arrived and for pictures, by the server. "drawing" and "prediction" events out.

import { send } from "../elements.js";
import { shrinkStrokes } from "../recognizer/framing.js";
import { explain } from "../recognizer/network.js";
import { predictPixels, predictStrokes } from "../recognizer/recognizer.js";
import { startAsking } from "./asking.js";
import { startNetworks } from "./networks.js";
import { hush, tell } from "./notice.js";
import { look, on } from "./state.js";
import { startTeaching } from "./teaching.js";

export function startReading(server) {
  const { element } = server;
  let drawing, frame;
  let prediction = null;
  let networks = {};
  const show = ({ strokes, picture }, answer, refused) => {
    prediction = answer && explained(networks, { ...answer, strokes, picture: Boolean(picture) });
    if (refused) tell(element, "refused", { reason: refused }, true);
    else hush(element, true);
    send(element, "prediction", prediction);
  };
  const ask = startAsking(server, show);
  const read = () => {
    const isEmpty = !drawing.picture && !drawing.strokes.length;
    const isHere = !drawing.picture && networks.current;
    ask(isEmpty || isHere ? null : drawing);
    if (isEmpty) show(drawing, null);
    else if (isHere) show(drawing, ...readHere(networks.taught, drawing.strokes));
  };
  const take = () => {
    const { sheet, origin, isDemo } = look();
    const strokes = sheet.strokes.map((points) => points.map(([x, y]) => [x, y])); // no pressure
    drawing = { strokes, picture: sheet.picture, origin, isDemo };
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
    read();
  };
  startNetworks(server, startTeaching(server, useNetworks));
}

// The answer, or null and why the strokes are refused.
function readHere(network, strokes) {
  try {
    return [predictStrokes(network, strokes)];
  } catch (error) {
    return [null, error.message];
  }
}

// With what explains it, which is worked out where somebody looks at it. `why` compares the leading
// digit with another, or null with all others; `shrunk` is the digit that would be read without
// centring, where it is another; `untaught` is the answer without lessons. They give null until the
// network is here.
function explained({ taught, current, previous }, prediction) {
  const { pixels, digit, strokes, probabilities } = prediction;
  const why = (other) => taught && explain(taught, pixels, digit, other);
  const shrunk = () => {
    const simple = taught && !prediction.picture && predictPixels(taught, shrinkStrokes(strokes));
    return simple && simple.digit !== digit ? simple.digit : null;
  };
  const before = previous && digit !== null ? predictPixels(previous, pixels) : null;
  const untaught = () => current && predictPixels(current, pixels);
  const lessons = taught?.lessons ?? 0; // how many it learned from
  const confidence = Math.max(...probabilities);
  return { ...prediction, confidence, before, why, shrunk, untaught, lessons };
}
