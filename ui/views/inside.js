// Two sections for who wants to look inside: the network that reads what is drawn, at work, and a
// training of a network, step by step. Both are light until they are opened.

import { find, whileOnScreen } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language } from "../core/texts.js";
import { PIXELS } from "../recognizer/framing.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { ordersOf } from "../recognizer/units.js";
import { NetworkView } from "./network_view.js";

const EXAMPLES = 150; // images by which units are put in order

// Show the network that answers at work.
/** @param {Page} page @param {Arrange} arrange */
export function startInside({ session }, arrange) {
  const view = new NetworkView(find("#inside .inside"), find("#inside template"));
  const update = whileOnScreen(view.element, async () => {
    const { prediction, networks } = session.get();
    const network = networks.taught;
    if (!network || prediction === null || prediction.digit === null) return view.clear();
    const orders = await arrange(network, network);
    if (session.get().prediction !== prediction) return;
    view.show(network, prediction.pixels, orders);
  });
  watch([session, language], update);
}

// The section that the address asks for: "?open=inside" or "?open=training".
export function openWanted() {
  const wanted = new URLSearchParams(location.search).get("open");
  if (!["inside", "training"].includes(wanted)) return;
  const section = find(`#inside .${wanted}`);
  section.open = true;
  section.scrollIntoView();
}

// Gives what puts the units of a network in an order.
/** @param {Images} source @returns {Arrange} */
export function startOrders(source) {
  let images, digits;
  const known = new WeakMap(); // by the first layer, which lessons leave as it is
  const load = async () => {
    const all = await source.rehearsed().catch(() => new Uint8Array());
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
