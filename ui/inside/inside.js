// Two sections for who wants to look inside: the network that reads what is drawn, at work, and a
// training of a network, point by point. Both are light until they are opened.

import { whileOnScreen } from "../elements.js";
import { unzipped } from "../files.js";
import { PIXELS } from "../recognizer/framing.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { ordersOf } from "../recognizer/units.js";
import { startTraining } from "./training.js";
import { addView } from "./view.js";

const EXAMPLES = 150; // images by which units are put in order

export function start({ element, props }) {
  const [inside, training] = element.querySelectorAll(":scope > details");
  const template = element.querySelector("template");
  const arrange = startOrders(props.rehearsal);
  const places = [inside, training.querySelector(".watch")];
  const views = places.map((place) => addView(place, template));
  const parts = [startInside(views[0], arrange), startTraining(training, views[1], arrange, props)];
  document.addEventListener("prediction", ({ detail }) => parts.forEach((part) => part(detail)));
  for (const link of element.querySelectorAll("a")) link.hidden = !props.rehearsal; // in a file
  const wanted = new URLSearchParams(location.search).get("open");
  const section = [inside, training].find(({ className }) => className === wanted);
  if (!section) return;
  section.open = true;
  section.scrollIntoView();
}

// Gives what takes the last prediction.
function startInside(view, arrange) {
  let last = null;
  const update = whileOnScreen(view.element, async () => {
    const { reader, digit = null } = last ?? {};
    if (!reader || digit === null) return view.clear();
    const orders = await arrange(reader, reader);
    if (last?.reader !== reader || last.digit === null) return;
    view.show(reader, last.pixels, orders);
  });
  return (prediction) => {
    last = prediction;
    update();
  };
}

// Gives what puts the units of a network in an order: a promise of what `ordersOf` gives. What the
// examples are is what `reader` reads in them, the network itself or another.
function startOrders(address) {
  let images, digits;
  const known = new WeakMap(); // by the first layer, which lessons leave as it is
  const load = async () => {
    const all = await unzipped(address, "rehearsal").catch(() => new Uint8Array());
    return all.subarray(0, EXAMPLES * PIXELS);
  };
  return async (network, reader) => {
    const [first] = network.layers;
    if (known.has(first)) return known.get(first);
    const examples = await (images ??= load());
    if (network !== reader) {
      digits ??= Array.from({ length: examples.length / PIXELS }, (_, k) => {
        return predictPixels(reader, examples.subarray(k * PIXELS, (k + 1) * PIXELS)).digit;
      });
    }
    known.set(first, ordersOf(network, examples, network === reader ? null : digits));
    return known.get(first);
  };
}
