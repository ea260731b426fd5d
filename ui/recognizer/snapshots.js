// The networks of a training, as mnist_core/training/snapshots.py wrote them down.

import { readNetwork } from "./network.js";

// The networks that are whole in `bytes`, the untrained one first, and the bytes of the one that is
// not yet. Losses are null where they are not finite.
/** @param {Uint8Array} bytes @returns {{networks: Snapshot[], rest: Uint8Array}} */
export function readSnapshots(bytes) {
  const networks = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = 0;
  while (place + 4 <= bytes.length) {
    const end = place + 4 + view.getUint32(place, true);
    if (end > bytes.length) break;
    const file = bytes.slice(place + 4, end).buffer;
    networks.push(/** @type {Snapshot} */ (readNetwork(file)));
    place = end;
  }
  return { networks, rest: bytes.slice(place) };
}
