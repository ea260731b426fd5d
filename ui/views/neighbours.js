// The images of MNIST that the drawing reminds the network of, with what they were meant as.

import { add, findAll, paint } from "../core/dom.js";
import { text } from "../core/texts.js";
import { PIXELS } from "../recognizer/framing.js";
import { nearestImages, placeAll } from "../recognizer/images.js";
import { inSlices } from "../session/slices.js";

const SHOWN = 5;

/** @param {Element} panel @param {Images} images */
export function createNeighbours(panel, images) {
  const parts = findAll(panel, { row: ".nearest", verdict: ".verdict", source: ".source" });
  const figures = Array.from({ length: SHOWN }, () => addFigure(parts.row));
  const places = new WeakMap(); // promises, by the first layer, which lessons leave as it is
  const placesFor = (network, loaded) => {
    const [first] = network.layers;
    if (!places.has(first)) places.set(first, inSlices(placeAll(network, loaded.images)));
    return places.get(first);
  };
  let shown;
  const show = async (reasons) => {
    shown = reasons;
    panel.classList.toggle("nothing", !reasons);
    if (!reasons) return;
    try {
      parts.source.textContent ||= text("neighbours_load");
      const loaded = await images.load();
      const all = await placesFor(reasons.network, loaded);
      if (shown !== reasons) return;
      const { network, prediction } = reasons;
      const nearest = nearestImages(network, prediction.pixels, all, SHOWN);
      figures.forEach((figure, i) => showImage(figure, loaded, nearest[i]));
      const labels = nearest.map((i) => loaded.labels[i]);
      parts.verdict.textContent = sayMeant(prediction.verdict, labels);
      parts.source.textContent = text("neighbours_source");
    } catch {
      parts.source.textContent = text("neighbours_missing");
    }
  };
  return { show };
}

function addFigure(row) {
  const figure = add(row, "figure");
  const canvas = add(figure, "canvas");
  Object.assign(canvas, { width: 28, height: 28, ariaHidden: "true" });
  return { canvas, caption: add(figure, "figcaption") };
}

function showImage({ canvas, caption }, { images, labels }, place) {
  const grey = images.subarray(place * PIXELS, (place + 1) * PIXELS);
  paint(canvas, (i) => [grey[i], grey[i], grey[i], 255]);
  caption.textContent = text("meant", { digit: labels[place] });
}

function sayMeant(verdict, labels) {
  if (verdict === "no digit") return text("far_from_all");
  const isOne = labels.every((label) => label === labels[0]);
  return text(isOne ? "all_meant" : "some_meant", { digit: labels[0], digits: labels.join(", ") });
}
