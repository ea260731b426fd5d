// What comes as a file of its own from the server or, in a page that needs none, as text in it.

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

const embedded = (name) => fromPairs(find(`#${name}`).textContent);

// The bytes that ui/pairs.py wrote as text.
/** @param {string} text */
export function fromPairs(text) {
  const valueAt = (place) => {
    const code = text.charCodeAt(place);
    return code - (code > 60 ? 34 : 33);
  };
  const bytes = new Uint8Array((text.length * 13) / 16);
  for (let i = 0, place = 0, bits = 0, count = 0; i < text.length; i += 2) {
    bits |= (valueAt(i) + 91 * (valueAt(i + 1) || 0)) << count;
    for (count += 13; count >= 8; count -= 8) {
      bytes[place++] = bits;
      bits >>>= 8;
    }
  }
  return bytes;
}

export function fromBase64(letters) {
  return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
}

export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
