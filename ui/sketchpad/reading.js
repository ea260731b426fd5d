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
    else if (isHere) show(drawing, ...readHere(networks.current, drawing.strokes));
  };
  const take = () => {
    const { sheet, origin } = look();
    const strokes = sheet.strokes.map((points) => points.map(([x, y]) => [x, y])); // no pressure
    drawing = { strokes, picture: sheet.picture, origin };
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
  startNetworks(server, (found) => {
    networks = found;
    read();
  });
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
// centring, where it is another. Both give null until the network is here.
function explained({ current, previous }, prediction) {
  const { pixels, digit, strokes, probabilities } = prediction;
  const why = (other) => current && explain(current, pixels, digit, other);
  const shrunk = () => {
    const simple = current && !prediction.picture && predictPixels(current, shrinkStrokes(strokes));
    return simple && simple.digit !== digit ? simple.digit : null;
  };
  const before = previous && digit !== null ? predictPixels(previous, pixels) : null;
  return { ...prediction, confidence: Math.max(...probabilities), before, why, shrunk };
}
