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
  const show = ({ strokes }, answer, refused) => {
    prediction = answer && { ...answer, strokes };
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
    else if (isHere) show(drawing, ...readHere(networks, drawing.strokes));
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
  const useNetworks = (found) => {
    networks = found;
    read();
  };
  startNetworks(server, startTeaching(server, useNetworks));
}

// The answer, or null and why the strokes are refused; `lessons` tells how many it learned from.
// What explains it and how it would be without them is worked out where somebody looks at it.
function readHere({ taught, current, previous }, strokes) {
  let prediction;
  try {
    prediction = predictStrokes(taught, strokes);
  } catch (error) {
    return [null, error.message];
  }
  const { pixels, digit, runner_up } = prediction;
  const before = previous && predictPixels(previous, pixels);
  const why = () => explain(taught, pixels, digit, runner_up);
  const shrunk = () => predictPixels(taught, shrinkStrokes(strokes));
  const untaught = () => predictPixels(current, pixels);
  return [{ ...prediction, before, why, shrunk, untaught, lessons: taught.lessons ?? 0 }];
}
