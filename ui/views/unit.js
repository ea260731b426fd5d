// One unit, with the person's ink on what it looks for: how its sum comes about, and what it votes
// for.

import { findAll, setText, signed, tenths } from "../core/dom.js";
import { text } from "../core/texts.js";
import { effectsOf, ledgerOf, roundToSum } from "../recognizer/units.js";
import { addChart } from "./chart.js";
import { outlineInk, paintWeights } from "./diagram_painting.js";

// Gives what shows the unit that a scene holds; nothing where there is none.
/** @param {HTMLElement} element */
export function addUnit(element) {
  const parts = findAll(element, {
    title: ".title", picture: "canvas", more: ".more", less: ".less", bias: ".bias",
    rest: ".remainder", state: ".state", sum: ".sum", below: ".below", votes: ".votes",
    chart: ".chart", looks: ".looks",
  });
  const showChart = addChart(parts.chart);
  /** @param {Scene} scene @param {string} title a key of the texts */
  return (scene, title) => {
    const isThere = Boolean(scene.values && scene.held);
    element.classList.toggle("nothing", !isThere);
    element.hidden = scene.orders.length === 0;
    if (!isThere) return;
    const { layer, unit } = scene.held;
    setText(parts.title, text(title, { layer: layer + 1 }));
    const picture = scene.pictureOf(layer, unit);
    paintPicture(parts.picture, picture, scene.values.inputs);
    const ledger = ledgerOf(scene.network, scene.values, layer, unit, picture);
    showLedger(parts, ledger, layer);
    setText(parts.looks, text(layer === 0 ? "looks_for" : "looks_here"));
    showVotes(parts, showChart, scene, ledger.sum > 0);
  };
}

function paintPicture(canvas, picture, inputs) {
  const size = canvas.clientWidth;
  canvas.width = canvas.height = Math.round(size * devicePixelRatio);
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  const box = { x: 0, y: 0, size };
  paintWeights(context, box, picture, inputs);
  outlineInk(context, box, inputs, getComputedStyle(canvas).color);
}

function showLedger(parts, { more, less, biases, sum }, layer) {
  const rounded = roundToSum([more, less, biases]);
  [parts.more, parts.less, parts.rest].forEach((part, i) => {
    setText(part, signed(rounded[i]));
  });
  const total = rounded.reduce((soFar, part) => soFar + part, 0);
  setText(parts.bias, text(layer === 0 ? "bias" : "biases"));
  setText(parts.state, text(sum > 0 ? "on" : "off"));
  setText(parts.sum, tenths(total));
  setText(parts.below, text(sum > 0 ? "would_be_off" : "is_off"));
}

function showVotes({ votes, chart }, showChart, { network, values, held, read }, isOn) {
  chart.classList.toggle("silent", !isOn);
  if (!isOn) return setText(votes, text("silent", { digit: read }));
  const effects = [...effectsOf(network, values, held.layer, held.unit)];
  const [most, least] = [Math.max(...effects), Math.min(...effects)];
  const [pro, contra] = [effects.indexOf(most), effects.indexOf(least)];
  const key = most <= 0 ? "votes_for_none" : least >= 0 ? "votes_against_none" : "votes";
  const words = text(key, { pro, contra });
  setText(votes, words);
  const numbers = effects.map((effect, each) => `${each}: ${signed(effect)}`);
  const marked = [...(most > 0 ? [pro] : []), ...(least < 0 ? [contra] : [])];
  showChart(effects, { figures: [], marked, title: `${words} ${numbers.join("; ")}` });
}
