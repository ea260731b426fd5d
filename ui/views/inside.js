// Look inside: the network that answers, at work on what is drawn. Nothing of it is loaded or
// worked out until it is opened.

import { find, findAll, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { formatNumber, language, setKey, text } from "../core/texts.js";
import { PIXELS } from "../recognizer/framing.js";
import { forward } from "../recognizer/network.js";
import { threadsTo } from "../recognizer/threads.js";
import { countActive, ordersOf, pictureOf } from "../recognizer/units.js";
import { Diagram } from "./diagram.js";
import { addSoftmax } from "./softmax.js";
import { addUnit } from "./unit.js";

// Images by which units are put in order: of the 500 before, half were chosen as the hardest.
const EXAMPLES = { start: 500, end: 650 };
const WAVE = 900; // milliseconds from the pixels to the bars
const SLOWLY = 6000; // the same with a sentence for each stage
const NOTHING = {
  values: null, read: null, digit: null, threads: [], slopes: [], held: null, pictureOf: null,
};

/** @param {Page} page */
export function startInside({ paper, session, stage, theme, images }) {
  const panel = find("#look-inside");
  const parts = findAll(panel, { slowly: ".slowly", said: ".said", hint: ".draw-first" });
  const chosen = { held: null, pointed: null }; // units, by the reader
  let scene = null;
  const show = () => {
    if (!isThere(chosen.held, scene.network)) chosen.held = null;
    scene.held = scene.values && (chosen.pointed ?? chosen.held ?? strongest(scene));
    diagram.show(scene);
    showUnit(scene, chosen.pointed ? "unit_pointed" : chosen.held ? "unit_held" : "unit_strongest");
  };
  const choose = (what) => {
    Object.assign(chosen, what);
    if (scene?.values) show();
  };
  const diagram = new Diagram(find(".diagram", panel), {
    point: (pointed) => choose({ pointed }),
    hold: (held) => choose({ held, pointed: null }),
  });
  const showUnit = addUnit(find(".unit", panel));
  const showSoftmax = addSoftmax(find(".softmax", panel));
  const arrange = startOrders(images);
  const wave = startWave(diagram, parts, () => scene);
  const update = async () => {
    if (stage.get() !== "inside") {
      wave.stop();
      scene = null;
      return;
    }
    const { prediction, networks, compared } = session.get();
    if (!networks.taught) return;
    const orders = await arrange(networks.taught);
    if (session.get().prediction !== prediction || stage.get() !== "inside") return;
    setKey(parts.hint, orders ? "draw_first" : "neighbours_missing");
    if (!orders) return;
    scene = sceneOf(networks.taught, prediction, compared, orders);
    parts.hint.hidden = scene.values !== null;
    show();
    showSoftmax(scene.values && prediction, scene.values?.scores);
    if (!wave.isSlow) sayAtRest(parts.said, paper, scene);
  };
  watch([session, language, stage, theme], update);
  paper.subscribe((state, before) => {
    if (state.rests === before.rests) return;
    wave.start(false);
    sayAtRest(parts.said, paper, scene);
  });
  parts.slowly.addEventListener("click", () => (wave.isSlow ? wave.stop() : wave.start(true)));
}

// Another network may have fewer.
const isThere = (held, { hidden }) => held?.unit < (hidden[held?.layer] ?? 0);

/** @returns {Scene} */
function sceneOf(network, prediction, compared, orders) {
  const isEmpty = !prediction || prediction.digit === null;
  if (isEmpty) return { ...NOTHING, network, orders };
  const values = forward(network, prediction.pixels);
  const read = prediction.digit;
  const digit = compared ?? read;
  const pictures = new Map();
  const picture = (layer, unit) => {
    const key = `${layer} ${unit}`;
    if (!pictures.has(key)) pictures.set(key, pictureOf(network, values, layer, unit));
    return pictures.get(key);
  };
  const found = threadsTo(network, values, digit);
  return { network, orders, values, read, digit, ...found, held: null, pictureOf: picture };
}

// Where nobody has chosen a unit: that of the first layer, of those with threads, which does most
// for the digit.
function strongest({ threads, slopes, orders, values }) {
  if (orders.length === 0 || threads[0].length === 0) return null;
  const amountOf = (unit) => values.layers[0][unit] * slopes[0][unit];
  const units = threads[0].map(({ to }) => to);
  const unit = units.reduce((best, each) => (amountOf(each) > amountOf(best) ? each : best));
  return { layer: 0, unit };
}

// Gives what puts the units of a network in order, and null where the images for it do not come.
// Lessons leave all but the last layer as it is.
/** @param {Images} images */
function startOrders(images) {
  const known = new WeakMap(); // by the first layer
  return async (network) => {
    const [first] = network.layers;
    if (known.has(first)) return known.get(first);
    const found = await images.load().catch(() => null);
    if (!found) return null;
    const { start, end } = EXAMPLES;
    const examples = found.images.subarray(start * PIXELS, end * PIXELS);
    const digits = found.labels.subarray(start, end);
    if (!known.has(first)) known.set(first, ordersOf(network, examples, digits));
    return known.get(first);
  };
}

// The wave that runs from pixels to bars: quick when the pen is lifted, slow with sentences.
function startWave(diagram, { slowly, said }, getScene) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const wave = { isSlow: false, frame: null };
  const stop = () => {
    cancelAnimationFrame(wave.frame);
    wave.isSlow = false;
    slowly.ariaPressed = "false";
    said.classList.remove("slow");
    if (getScene()) diagram.showWave(1, false);
  };
  const start = (isSlow) => {
    stop();
    const scene = getScene();
    if (!scene?.values || (!isSlow && still.matches)) return;
    wave.isSlow = isSlow;
    slowly.ariaPressed = String(isSlow);
    said.classList.toggle("slow", isSlow);
    const begin = performance.now();
    const step = () => {
      const share = (performance.now() - begin) / (isSlow ? SLOWLY : WAVE);
      if (share >= 1) return stop();
      const stages = getScene().orders.length + 2;
      const jumps = (Math.floor(share * stages) + 0.99) / stages; // from stage to stage
      const at = diagram.showWave(still.matches ? jumps : share, isSlow);
      if (isSlow) setText(said, stageWords(getScene(), at));
      wave.frame = requestAnimationFrame(step);
    };
    step();
  };
  return Object.assign(wave, { start, stop });
}

function stageWords({ orders, values, read }, stage) {
  const inked = values.inputs.filter((ink) => ink > 0).length;
  if (stage === 0) return text("slow_pixels", { inked });
  if (stage > orders.length) return text("slow_scores", { digit: read });
  const active = countActive(values, stage - 1);
  return text(stage === 1 ? "slow_first" : "slow_layer", { layer: stage, active });
}

// What is read aloud when the pen is lifted.
function sayAtRest(said, paper, scene) {
  const { pointer, stroke } = paper.get();
  if (!pointer && !stroke) setText(said, scene?.values ? summaryOf(scene) : "");
}

function summaryOf({ orders, values, digit }) {
  const layers = orders.map((_, i) => {
    const count = formatNumber(values.layers[i].length);
    return text("layer_sums", { layer: i + 1, active: countActive(values, i), count });
  });
  return [text("looking_at", { digit }), ...layers].join(" ");
}
