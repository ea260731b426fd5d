// What comes as a file of its own from the server or, in a page that needs none, in base64.

import { find } from "./dom.js";

// The bytes of a gzipped file at `address`, or of the page's block `name` without an address.
/** @param {string | undefined} address @param {string} name */
export async function unzipped(address, name) {
  const zipped = address
    ? await fetch(address, /** @type {any} */ ({ priority: "low" }))
    : new Response(embedded(name));
  const content = zipped.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(content).arrayBuffer());
}

// Save a drawing file, as scripts/train.py reads it.
/** @param {string} name @param {object[]} drawings with a label and strokes */
export function saveDrawings(name, drawings) {
  const lines = drawings.map((drawing) => JSON.stringify(drawing) + "\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// The answer's JSON, null where nobody answers or there is nothing.
/** @param {string} address @param {RequestInit} [options] */
export async function ask(address, options) {
  const response = await fetch(address, options).catch(() => null);
  return response && response.status !== 404 ? response.json().catch(() => null) : null;
}

// What stands in the page's block `name`, bytes in base64.
const embedded = (name) => fromBase64(find(`#${name}`).textContent);

export function fromBase64(letters) {
  return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
}

export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
