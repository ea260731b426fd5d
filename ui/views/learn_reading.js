// What a drawing is read as at every moment of a training.

import { likeliest, logProbabilities } from "../recognizer/network.js";
import { inSlices } from "../session/slices.js";

/** @type {Yours} */
const NOTHING = { digit: null, now: null, answers: [], read: [], since: null };

// Gives what reads a prediction's drawing with the networks of all moments: at once with the one
// that is shown, with the others in slices, after which `tell` is called. Until then the line of
// the drawing before stands.
/** @param {() => void} tell @returns {(state: TrainingState, prediction: Prediction) => Yours} */
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

function lineOf(answers, { digit }) {
  const read = answers.map(likeliest);
  const from = read.findLastIndex((other) => other !== digit) + 1;
  return { ...NOTHING, answers, read, digit, since: from < read.length ? from : null };
}
