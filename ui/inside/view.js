// A network at work on an image: its layers, one of its units, and how ten scores become ten
// probabilities. Tables say in numbers what the pictures show.

import { addDigits, addRow, paintSigned } from "../elements.js";
import { DIGITS, logProbabilities } from "../recognizer/network.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { effectsOf, pictureOf } from "../recognizer/units.js";
import { text, translate } from "../texts.js";
import { addLayers } from "./layers.js";
import { addSoftmax } from "./softmax.js";

// A copy of `template` at the end of `parent`. Gives its `element`, `clear`, and `show`, which
// takes a network, 784 grey values with ink among them and the orders that `ordersOf` gave.
export function addView(parent, template) {
  const element = template.content.firstElementChild.cloneNode(true);
  parent.append(element);
  translate(element);
  addDigits(element.querySelector(".effects"));
  const softmax = addSoftmax(element.querySelector(".softmax"));
  let showLayers, shown;
  let chosen = null; // by the reader: {layer, place}
  const showAll = () => {
    const { network, orders, digit } = shown;
    const { hidden } = network;
    if (chosen && chosen.place >= (hidden[chosen.layer] ?? 0)) chosen = null;
    const unit = chosen ?? strongest(network, orders, digit);
    showLayers(network, orders, unit);
    if (unit) showUnit(element, network, orders, unit);
    softmax.show(network.layers.at(-1).values, digit);
  };
  const choose = (layer, place) => {
    if (chosen?.layer === layer && chosen.place === place) return;
    chosen = { layer, place };
    logProbabilities(shown.network, shown.pixels); // others may have run it since
    showAll();
  };
  const show = (network, pixels, orders) => {
    if (String(shown?.network.hidden) !== String(network.hidden)) {
      showLayers = addLayers(element.querySelector(".layers"), network.hidden, choose);
      element.querySelector(".unit").hidden = network.hidden.length === 0;
    }
    shown = { network, pixels, orders, digit: predictPixels(network, pixels).digit };
    element.classList.remove("nothing");
    showAll();
  };
  const clear = () => {
    element.classList.add("nothing");
    softmax.forget();
  };
  clear();
  return { element, show, clear };
}

// Where nobody has chosen a unit: that of the last hidden layer which adds most to `digit`.
function strongest(network, orders, digit) {
  const layer = network.hidden.length - 1;
  if (layer < 0) return null;
  const { weights, steps } = network.layers.at(-1);
  const { values } = network.layers[layer];
  const added = values.map((value, unit) => value * weights[DIGITS * unit + digit] * steps[digit]);
  const most = added.indexOf(Math.max(...added));
  return { layer, place: orders[layer].order.indexOf(most) };
}

function showUnit(element, network, orders, { layer, place }) {
  const unit = orders[layer].order[place];
  const value = network.layers[layer].values[unit];
  const find = (selector) => element.querySelector(selector);
  const values = { layer: layer + 1, place: place + 1, value: value.toFixed(4) };
  find(".which").textContent = text("unit", values);
  find(".looks").textContent = text(layer === 0 ? "looks_for" : "looks_here");
  paintSigned(find(".unit canvas"), pictureOf(network, layer, unit));
  const effects = Array.from(effectsOf(network, layer, unit));
  const most = Math.max(...effects.map(Math.abs)) || 1;
  const table = find(".effects");
  table.tBodies[0].replaceChildren();
  const cells = effects.map((effect) => [effect.toFixed(2), Math.abs(effect) / most]);
  const row = addRow(table, text("adds"), cells);
  effects.forEach((effect, digit) => row.cells[digit + 1].classList.toggle("takes", effect < 0));
}
