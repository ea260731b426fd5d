// The networks of a training, as mnist_core/training/snapshots.py wrote them down.

import { readNetwork } from "./network.js";

// {networks, rest}: those that are whole in `bytes`, a Uint8Array, the untrained one first, and the
// bytes of the one that is not yet. Each is what `readNetwork` gives, with its `step` of `steps`,
// its `epoch` of `epochs`, its `training_loss` and `validation_loss`, null where they are not
// finite, its `validation_accuracy`, and whether it is the `final` one, for use, with its `file`.
export function readSnapshots(bytes) {
  const networks = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = 0;
  while (place + 4 <= bytes.length) {
    const end = place + 4 + view.getUint32(place, true);
    if (end > bytes.length) break;
    const file = bytes.slice(place + 4, end);
    const network = readNetwork(file.buffer);
    networks.push(network.final ? { ...network, file } : network);
    place = end;
  }
  return { networks, rest: bytes.slice(place) };
}

// From which of `networks` on all read what the last one reads, a digit: its place in the list.
export function knownFrom(answers) {
  const last = answers.at(-1);
  const place = answers.findLastIndex((digit) => digit !== last);
  return place + 1;
}
