// A training, step by step: a network for each of its snapshots, from untrained to ready, reads
// what is drawn. The training comes with the page or is under way on this machine.

import { addRow, find, findAll, whileOnScreen } from "../core/dom.js";
import { unzipped } from "../core/files.js";
import { watch } from "../core/observable.js";
import { formatNumber, language, setKey, text } from "../core/texts.js";
import { PIXELS } from "../recognizer/framing.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { knownFrom, readSnapshots } from "../recognizer/snapshots.js";
import { NetworkView } from "./network_view.js";

const PACE = 500; // milliseconds for a snapshot while it plays
const QUIET = 150; // milliseconds without a new drawing before all snapshots read it
const PARTS = {
  watch: ".watch", place: ".place", play: ".play", note: ".note", player: ".player", now: ".now",
  here: ".here", since: ".since", known: ".known", scale: ".scale", table: ".numbers table",
  loss: "polyline.loss", training: ".training-loss", accuracy: ".accuracy",
};

// Show a training. Gives {use, load, play}: show another training's networks, load the page's own,
// and start or stop playing them.
/** @param {Page} page @param {Arrange} arrange */
export function startTraining({ session }, arrange) {
  const section = find("#inside .training");
  const parts = findAll(section, PARTS);
  const view = new NetworkView(parts.watch, find("#inside template"));
  /** @type {Snapshot[]} */
  let networks = [];
  let reading;
  const player = createPlayer(parts, () => showPlace());
  const showPlace = whileOnScreen(parts.watch, async () => {
    const [{ prediction, networks: others }, at] = [session.get(), Number(parts.place.value)];
    if (!networks[at]) return;
    sayPlace(parts, networks, at);
    if (!others.taught || !prediction || prediction.digit === null) return view.clear();
    const orders = await arrange(example(networks), others.taught);
    const isStill = at === Number(parts.place.value) && session.get().prediction === prediction;
    if (isStill && networks[at]) view.show(networks[at], prediction.pixels, orders);
  });
  const readDrawing = () => {
    showPlace();
    clearTimeout(reading);
    const show = () => section.open && showAnswers(parts, networks, session.get().prediction);
    reading = setTimeout(show, QUIET);
  };
  const show = () => {
    if (networks.length === 0) return;
    showTraining(parts, networks);
    readDrawing();
  };
  const use = (found) => {
    const isAtEnd = Number(parts.place.value) >= networks.length - 1;
    networks = found;
    parts.place.max = networks.length - 1;
    if (isAtEnd) parts.place.value = parts.place.max;
    show();
  };
  const load = async (address) => {
    if (networks.length > 0) return readDrawing();
    setKey(parts.note, "loading");
    const file = await unzipped(address, "snapshots").catch(() => null);
    if (networks.length > 0) return; // of a training that has begun meanwhile
    if (file) use(readSnapshots(file).networks);
    else setKey(parts.note, "not_loaded");
  };
  section.addEventListener("toggle", () => !section.open && player.stop());
  watch([session], readDrawing);
  watch([language], show);
  return { use, load, play: player.toggle };
}

function showTraining(parts, networks) {
  const layers = [PIXELS, ...networks[0].hidden, 10].join("-");
  delete parts.note.dataset.text;
  parts.note.textContent = text("training_note", { layers });
  parts.player.hidden = false;
  showCurves(parts, networks);
  showNumbers(parts.table, networks);
}

// Goes from snapshot to snapshot; `update` shows the one that `place` names.
function createPlayer({ place, play }, update) {
  let playing = null;
  const stop = () => {
    clearInterval(playing);
    playing = null;
    setKey(play, "play");
  };
  const step = () => {
    place.stepUp();
    if (place.value === place.max) stop();
    update();
  };
  const toggle = () => {
    if (playing) return stop();
    if (place.value === place.max) place.value = 0;
    playing = setInterval(step, PACE);
    setKey(play, "pause");
    update();
  };
  place.addEventListener("input", update);
  return { stop, toggle };
}

// The network whose units give the order, so that they stay where they are as the slider moves;
// while a training is running another one now and then.
function example(networks) {
  const last = networks.at(-1);
  return last.final ? last : networks[2 ** Math.floor(Math.log2(networks.length)) - 1];
}

const fixed = (value, digits) => (value === null ? "NaN" : value.toFixed(digits));
const percent = (share) => `${(100 * share).toFixed(1)} %`;

function sayPlace(parts, networks, at) {
  const { step, epoch, validation_loss, validation_accuracy, final } = networks[at];
  const values = {
    step: formatNumber(step),
    epoch: epoch.toFixed(epoch < 1 ? 3 : 1),
    loss: fixed(validation_loss, 3),
    percent: percent(validation_accuracy),
  };
  const key = final ? "point_final" : step === 0 ? "point_untrained" : "point";
  parts.now.textContent = parts.place.ariaValueText = text(key, values);
  mark(parts.here, networks, at);
}

function mark(line, networks, at) {
  const x = (100 * at) / Math.max(1, networks.length - 1);
  for (const end of ["x1", "x2"]) line.setAttribute(end, x);
}

// All on the same width; of the losses the largest is at the top, of accuracies 100 %.
function showCurves(parts, networks) {
  const validation = networks.map((network) => network.validation_loss);
  const training = networks.map((network) => network.training_loss);
  const highest = Math.max(...[...validation, ...training].filter((loss) => loss !== null));
  const width = 100 / Math.max(1, networks.length - 1);
  const draw = (line, shares) => {
    const points = shares.map((share, i) => share !== null && `${width * i},${39 - 38 * share}`);
    line.setAttribute("points", points.filter(Boolean).join(" "));
  };
  parts.scale.textContent = text("curve_loss", { highest: fixed(highest, 1) });
  draw(parts.loss, validation.map((loss) => loss && loss / highest));
  draw(parts.training, training.map((loss) => loss && loss / highest));
  draw(parts.accuracy, networks.map((network) => network.validation_accuracy));
}

// The last column is for what each network reads: see showAnswers.
function showNumbers(table, networks) {
  table.tBodies[0].replaceChildren();
  for (const each of networks) {
    const step = formatNumber(each.step);
    const trained = each.step === 0 ? "" : fixed(each.training_loss, 4);
    const validated = [fixed(each.validation_loss, 4), percent(each.validation_accuracy)];
    /** @type {[string][]} */
    const cells = [each.epoch.toFixed(3), trained, ...validated, ""].map((cell) => [cell]);
    addRow(table, each.final ? text("step_final", { step }) : step, cells);
  }
}

// What each network reads in the drawing, and since when all read what the last one reads.
function showAnswers(parts, networks, prediction) {
  const isThere = prediction?.pixels && prediction.digit !== null;
  const answers = networks.map((each) => (isThere ? answerOf(each, prediction.pixels) : ""));
  [...parts.table.tBodies[0].rows].forEach((row, i) => (row.lastChild.textContent = answers[i]));
  parts.since.toggleAttribute("hidden", !isThere);
  if (!isThere || answers.length === 0) return (parts.known.textContent = "");
  const from = knownFrom(answers);
  const { step } = networks[from];
  mark(parts.since, networks, from);
  const known = step ? "known_from" : "known_always";
  const values = { digit: answers.at(-1), step: formatNumber(step) };
  parts.known.textContent = text(answers.at(-1) === "NaN" ? "broken" : known, values);
}

// The digit, or "NaN" where training has broken the network.
function answerOf(network, pixels) {
  const { digit, confidence } = predictPixels(network, pixels);
  return Number.isNaN(confidence) ? "NaN" : digit;
}
