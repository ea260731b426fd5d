// What a drawing is read as at every moment of a training.

import { logProbabilities } from "../recognizer/network.js";
import { knownFrom } from "../recognizer/snapshots.js";
import { inSlices } from "../session/slices.js";

const NOTHING = { digit: null, now: null, answers: [], read: [], since: null };

// Gives what reads a prediction's drawing with the networks of all moments: at once with the one
// that is shown, with the others in slices, after which `tell` is called. Until then the line of
// the drawing before stands.
/** @param {() => void} tell @returns {(state: any, prediction: Prediction | null) => Yours} */
export function startReading(tell) {
  let [pixels, isReading] = [null, false];
  let [known, line, first] = [new WeakMap(), NOTHING, null];
  const read = (moment) => {
    if (!known.has(moment)) {
      known.set(moment, logProbabilities(moment.network, pixels).map(Math.exp));
    }
    return known.get(moment);
  };
  const readRest = async (moments) => {
    isReading = true;
    const about = pixels;
    await inSlices(each(moments, read), () => pixels === about);
    isReading = false;
    tell();
  };
  return ({ moments, at }, prediction) => {
    const drawn = prediction?.digit === null ? null : (prediction?.pixels ?? null);
    if (moments[0] !== first) [first, line] = [moments[0], NOTHING]; // another training
    if (drawn !== pixels) [pixels, known] = [drawn, new WeakMap()];
    if (!pixels || !moments[at]) return NOTHING;
    const now = read(moments[at]);
    if (moments.every((moment) => known.has(moment))) line = lineOf(moments.map(read), prediction);
    else if (!isReading) readRest(moments);
    return { ...line, now };
  };
}

function* each(moments, read) {
  for (const moment of moments) {
    read(moment);
    yield;
  }
}

// `since` is the place from which on all read what the page reads; null where the last does not.
function lineOf(answers, { digit }) {
  const read = answers.map((shares) => shares.indexOf(Math.max(...shares)));
  return { answers, read, digit, since: read.at(-1) === digit ? knownFrom(read) : null };
}
