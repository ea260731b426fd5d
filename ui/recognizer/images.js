// The images of MNIST that experiments/page_images.py chose for the page, and which of them a
// network takes to be most like a drawing.

import { PIXELS } from "./framing.js";
import { forward } from "./network.js";

// The images, 784 grey values each one after the other, and their labels.
/** @param {Uint8Array} bytes @returns {LabelledImages} */
export function unpackImages(bytes) {
  const count = bytes.length / (PIXELS / 2 + 1);
  const pairs = bytes.subarray(0, (count * PIXELS) / 2);
  const images = new Uint8Array(count * PIXELS);
  for (let i = 0; i < pairs.length; i++) {
    images[2 * i] = 17 * (pairs[i] >> 4);
    images[2 * i + 1] = 17 * (pairs[i] & 15);
  }
  return { images, labels: bytes.subarray(pairs.length) };
}

// What `read` makes of each image. Yields after each.
/** @template T @param {Uint8Array} images @param {(pixels: Uint8Array) => T} read */
export function* readAll(images, read) {
  /** @type {T[]} */
  const found = [];
  for (let start = 0; start < images.length; start += PIXELS) {
    found.push(read(images.subarray(start, start + PIXELS)));
    yield;
  }
  return found;
}

// The values of the last hidden layer for each image. Yields after each.
/** @param {Network} network @param {Uint8Array} images */
export function placeAll(network, images) {
  return readAll(images, (pixels) => placeOf(network, pixels));
}

// The indices of the `count` images that are nearest to a drawing, by the Euclidean distance of
// these values: of the five nearest more have the drawing's digit than by their angle.
/** @param {Network} network @param {Uint8Array} pixels @param {Float32Array[]} places */
export function nearestImages(network, pixels, places, count) {
  const own = placeOf(network, pixels);
  const squares = places.map((place) => {
    let sum = 0;
    for (let i = 0; i < own.length; i++) sum += (own[i] - place[i]) ** 2;
    return sum;
  });
  return [...places.keys()].sort((a, b) => squares[a] - squares[b]).slice(0, count);
}

function placeOf(network, pixels) {
  const { inputs, layers } = forward(network, pixels);
  return Float32Array.from(layers.at(-2) ?? inputs);
}
