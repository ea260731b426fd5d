// A training, point by point: a network for each, from untrained to ready, that reads what is
// drawn. The one that comes with the page, or one that is under way on this machine (live.js).

import { addRow, whileOnScreen } from "../elements.js";
import { unzipped } from "../files.js";
import { PIXELS } from "../recognizer/framing.js";
import { predictPixels } from "../recognizer/recognizer.js";
import { knownFrom, readSnapshots } from "../recognizer/snapshots.js";
import { language, onLanguage, setKey, text } from "../texts.js";
import { startLive } from "./live.js";

const PACE = 500; // milliseconds for a point while it plays
const QUIET = 150; // milliseconds without a new drawing before all points read it

// Gives what takes the last prediction.
export function startTraining(section, view, arrange, props) {
  const find = (selector) => section.querySelector(selector);
  const place = find(".place");
  let networks = [];
  let last = null;
  let reading;
  const update = whileOnScreen(find(".watch"), async () => {
    const network = networks[place.value];
    if (!network) return;
    showPlace(find, networks, Number(place.value));
    if (!last?.reader || last.digit === null) return view.clear();
    const orders = await arrange(example(networks), last.reader);
    if (network !== networks[place.value] || last?.digit == null) return;
    view.show(network, last.pixels, orders);
  });
  const take = (prediction) => {
    last = prediction;
    update();
    clearTimeout(reading);
    reading = setTimeout(() => section.open && showAnswers(find, networks, last), QUIET);
  };
  const use = (found) => {
    const isAtEnd = Number(place.value) >= networks.length - 1;
    networks = found;
    place.max = networks.length - 1;
    if (isAtEnd) place.value = place.max;
    showTraining(find, networks);
    take(last);
  };
  const stop = startPlaying(find(".play"), place, update);
  const lookForLive = props.training && startLive(section, props.training, use);
  section.addEventListener("toggle", async () => {
    if (!section.open) return stop();
    if ((await lookForLive?.()) || networks.length > 0) return take(last);
    setKey(find(".note"), "loading");
    const file = await unzipped(props.snapshots, "snapshots").catch(() => null);
    if (networks.length > 0) return; // of a training that has begun meanwhile
    if (file) use(readSnapshots(file).networks);
    else setKey(find(".note"), "not_loaded");
  });
  onLanguage(() => networks.length > 0 && use(networks));
  return take;
}

// Gives what stops it.
function startPlaying(button, place, update) {
  let playing = null;
  const stop = () => {
    clearInterval(playing);
    playing = null;
    setKey(button, "play");
  };
  const step = () => {
    place.stepUp();
    if (place.value === place.max) stop();
    update();
  };
  button.addEventListener("click", () => {
    if (playing) return stop();
    if (place.value === place.max) place.value = 0;
    playing = setInterval(step, PACE);
    setKey(button, "pause");
    update();
  });
  place.addEventListener("input", update);
  return stop;
}

function showTraining(find, networks) {
  const layers = [PIXELS, ...networks[0].hidden, 10].join("-");
  delete find(".note").dataset.text;
  find(".note").textContent = text("training_note", { layers });
  find(".player").hidden = false;
  showCurves(find, networks);
  showNumbers(find, networks);
}

// The network by which units are put in order, so that they stay where they are as the slider
// moves; while a training goes on another one now and then.
function example(networks) {
  const last = networks.at(-1);
  return last.final ? last : networks[2 ** Math.floor(Math.log2(networks.length)) - 1];
}

const rounded = (value, digits) => (value === null ? "NaN" : value.toFixed(digits));
const percent = (share) => `${(100 * share).toFixed(1)} %`;

function showPlace(find, networks, at) {
  const { step, epoch, validation_loss, validation_accuracy, final } = networks[at];
  const values = {
    step: step.toLocaleString(language()),
    epoch: epoch.toFixed(epoch < 1 ? 3 : 1),
    loss: rounded(validation_loss, 3),
    percent: percent(validation_accuracy),
  };
  const words = text(final ? "point_final" : step === 0 ? "point_untrained" : "point", values);
  find(".now").textContent = find(".place").ariaValueText = words;
  mark(find(".here"), networks, at);
}

function mark(line, networks, at) {
  const x = (100 * at) / Math.max(1, networks.length - 1);
  for (const end of ["x1", "x2"]) line.setAttribute(end, x);
}

// All on the same width; of the losses the largest is at the top, of accuracies 100 %.
function showCurves(find, networks) {
  const validation = networks.map((network) => network.validation_loss);
  const training = networks.map((network) => network.training_loss);
  const highest = Math.max(...[...validation, ...training].filter((loss) => loss !== null));
  const draw = (name, shares) => {
    const width = 100 / Math.max(1, networks.length - 1);
    const points = shares.map((share, i) => share !== null && `${width * i},${39 - 38 * share}`);
    find(name).setAttribute("points", points.filter(Boolean).join(" "));
  };
  find(".scale").textContent = text("curve_loss", { highest: rounded(highest, 1) });
  draw(".loss", validation.map((loss) => loss && loss / highest));
  draw(".training-loss", training.map((loss) => loss && loss / highest));
  draw(".accuracy", networks.map((network) => network.validation_accuracy));
}

function showNumbers(find, networks) {
  const table = find(".numbers table");
  table.tBodies[0].replaceChildren();
  for (const network of networks) {
    const { step, epoch, training_loss, validation_loss, validation_accuracy } = network;
    addRow(table, step.toLocaleString(language()), [
      [epoch.toFixed(3)],
      [step === 0 ? "" : rounded(training_loss, 4)],
      [rounded(validation_loss, 4)],
      [percent(validation_accuracy)],
      [""], // see showAnswers
    ]);
  }
}

// What each network reads in the drawing, and since when all read what the last one reads.
function showAnswers(find, networks, prediction) {
  const isThere = prediction?.pixels && prediction.digit !== null;
  const answers = networks.map((each) => (isThere ? answer(each, prediction.pixels) : ""));
  [...find(".numbers tbody").rows].forEach((row, i) => (row.lastChild.textContent = answers[i]));
  find(".since").toggleAttribute("hidden", !isThere);
  if (!isThere || answers.length === 0) return (find(".known").textContent = "");
  const from = knownFrom(answers);
  const { step } = networks[from];
  mark(find(".since"), networks, from);
  const known = step ? "known_from" : "known_always";
  const values = { digit: answers.at(-1), step: step.toLocaleString(language()) };
  find(".known").textContent = text(answers.at(-1) === "NaN" ? "broken" : known, values);
}

// The digit, or "NaN" of a network that its training broke.
function answer(network, pixels) {
  const { digit, confidence } = predictPixels(network, pixels);
  return Number.isNaN(confidence) ? "NaN" : digit;
}
