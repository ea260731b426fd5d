// A network at work on an image: its layers, one of its units, and how ten scores become ten
// probabilities. Tables say in numbers what the pictures show.

import { addDigits, addRow, findAll, paintSigned } from "../core/dom.js";
import { text, translate } from "../core/texts.js";
import { DIGITS, forward } from "../recognizer/network.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { effectsOf, pictureOf } from "../recognizer/units.js";
import { addLayers } from "./layers.js";
import { addSoftmax } from "./softmax.js";

export class NetworkView {
  #parts;
  #softmax;
  #showLayers;
  #shown = null; // {network, values, orders, digit}
  #chosen = null; // by the reader: {layer, place}

  // A copy of `template` at the end of `parent`.
  constructor(parent, template) {
    this.element = template.content.firstElementChild.cloneNode(true);
    parent.append(this.element);
    translate(this.element);
    this.#parts = findAll(this.element, {
      layers: ".layers", unit: ".unit", picture: ".unit canvas", which: ".which",
      looks: ".looks", effects: ".effects", softmax: ".softmax",
    });
    addDigits(this.#parts.effects);
    this.#softmax = addSoftmax(this.#parts.softmax);
    this.clear();
  }

  clear() {
    this.element.classList.add("nothing");
    this.#softmax.forget();
  }

  /** @param {Network} network @param {Uint8Array} pixels not blank @param {Orders[]} orders */
  show(network, pixels, orders) {
    if (String(this.#shown?.network.hidden) !== String(network.hidden)) {
      const choose = (layer, place) => this.#choose(layer, place);
      this.#showLayers = addLayers(this.#parts.layers, network.hidden, choose);
      this.#parts.unit.hidden = network.hidden.length === 0;
    }
    const { digit } = predictPixels(network, pixels);
    this.#shown = { network, values: forward(network, pixels), orders, digit };
    this.element.classList.remove("nothing");
    this.#showAll();
  }

  #choose(layer, place) {
    if (this.#chosen?.layer === layer && this.#chosen.place === place) return;
    this.#chosen = { layer, place };
    this.#showAll();
  }

  #showAll() {
    const { network, values, orders, digit } = this.#shown;
    const isThere = this.#chosen?.place < (network.hidden[this.#chosen?.layer] ?? 0);
    if (!isThere) this.#chosen = null;
    const unit = this.#chosen ?? strongest(network, values, orders, digit);
    this.#showLayers(values, orders, unit);
    if (unit) showUnit(this.#parts, this.#shown, unit);
    this.#softmax.show(values.scores, digit);
  }
}

// Where nobody has chosen a unit: that of the last hidden layer which adds most to `digit`.
function strongest(network, values, orders, digit) {
  const layer = network.hidden.length - 1;
  if (layer < 0) return null;
  const { weights, steps } = network.layers.at(-1);
  const added = values.layers[layer].map(
    (value, unit) => value * weights[DIGITS * unit + digit] * steps[digit],
  );
  const most = added.indexOf(Math.max(...added));
  return { layer, place: orders[layer].order.indexOf(most) };
}

function showUnit(parts, { network, values, orders }, { layer, place }) {
  const unit = orders[layer].order[place];
  const value = values.layers[layer][unit].toFixed(4);
  parts.which.textContent = text("unit", { layer: layer + 1, place: place + 1, value });
  parts.looks.textContent = text(layer === 0 ? "looks_for" : "looks_here");
  paintSigned(parts.picture, pictureOf(network, values, layer, unit));
  const effects = Array.from(effectsOf(network, values, layer, unit));
  const most = Math.max(...effects.map(Math.abs)) || 1;
  parts.effects.tBodies[0].replaceChildren();
  const cells = effects.map((effect) => [effect.toFixed(2), Math.abs(effect) / most]);
  const row = addRow(parts.effects, text("adds"), /** @type {any} */ (cells));
  effects.forEach((effect, digit) => row.cells[digit + 1].classList.toggle("takes", effect < 0));
}
