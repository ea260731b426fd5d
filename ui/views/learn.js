// "Watch it learn": a network is trained while one looks on, and what is drawn is read at every
// moment of its training. It is painted at most once a frame, and pauses while nobody sees it.

import { find, findAll, findEach, percentage, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { formatNumber, language, sentence, text } from "../core/texts.js";
import { likeliest } from "../recognizer/network.js";
import { startChart } from "./learn_chart.js";
import { startControls, startExperiments } from "./learn_controls.js";
import { startDigits, startStep, startWeights } from "./learn_pictures.js";
import { startReading } from "./learn_reading.js";
import { startReal } from "./learn_real.js";

const VIEWS = [
  startControls, startExperiments, startWeights, startDigits, startStep, startChart, startBars,
  startWords, startReal,
];
const SPEAKS = 8000; // milliseconds between two sentences that are read aloud

/** @param {Page} page */
export function startLearn(page) {
  const { training, session, stage } = page;
  const panel = find("#learn");
  const views = VIEWS.map((startView) => startView(panel, page));
  const isSeen = () => stage.get() === "learn" && !document.hidden;
  let isPlanned = false;
  const plan = () => {
    if (isPlanned || !isSeen()) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      if (isSeen()) show();
    });
  };
  const readDrawing = startReading(plan);
  const show = () => {
    const [state, { prediction }] = [training.get(), session.get()];
    const moment = state.moments[state.at] ?? null;
    const seen = { state, moment, yours: readDrawing(state, prediction), prediction };
    for (const showView of views) showView(seen);
  };
  watch([training, session, stage, language], plan);
  pauseUnseen(page, isSeen);
}

// It begins as soon as it is seen, and goes on when it is seen again.
function pauseUnseen({ training, stage }, isSeen) {
  let wasRunning = false;
  const update = () => {
    const { status, source } = training.get();
    if (isSeen() && wasRunning) {
      wasRunning = false;
      training.play();
    } else if (!isSeen() && status === "running" && source === "browser") {
      wasRunning = true;
      training.pause();
    }
  };
  const wake = () => {
    if (isSeen()) training.open();
    update();
  };
  document.addEventListener("visibilitychange", wake);
  stage.subscribe(wake);
  training.subscribe(update);
}

// How sure the network of this moment is of each digit, under the paper.
function startBars(panel) {
  const parts = findAll(panel, { digit: ".reads b", words: ".reads span" });
  const bars = findEach(".guess", panel);
  return ({ moment, prediction, yours: { now } }) => {
    const first = now ? likeliest(now) : -1; // as for a broken network, which has NaN
    bars.forEach((bar, digit) => {
      const share = now?.[digit] || 0;
      bar.ariaValueNow = (100 * share).toFixed(1);
      bar.style.setProperty("--share", share);
      bar.classList.toggle("leading", digit === first);
      setText(bar.lastElementChild, first < 0 ? "" : percentage(share));
    });
    const isBlank = prediction === null || prediction.digit === null;
    setText(parts.words, moment ? text(isBlank ? "draw_to_learn" : "reads_now") : "");
    setText(parts.digit, now ? String(first < 0 ? "?" : first) : "");
  };
}

// What is said of the moment, aloud now and then; and which network the page uses.
function startWords(panel, { session }) {
  const parts = findAll(panel, {
    seen: ".seen b", pass: ".seen span", news: ".news", use: ".use", back: ".return",
  });
  const speak = startSpeaking(find(".telling", panel));
  let hasBegun = false;
  return ({ state, moment, yours }) => {
    hasBegun ||= moment !== null;
    const isStarting = !moment && (!hasBegun || state.source === "server");
    panel.classList.toggle("starting", isStarting);
    panel.classList.toggle("served", state.source === "server");
    setText(parts.news, sentence(newsOf(state, moment, isStarting)));
    parts.use.ariaDisabled = String(!moment || moment.broken);
    parts.back.hidden = !session.get().networks.current?.isOwn;
    if (!moment) return;
    const passes = state.source === "server" ? state.real?.epochs : state.settings.passes;
    const pass = formatNumber(moment.pass, { maximumFractionDigits: 1 });
    setText(parts.seen, `${text("seen", { seen: formatNumber(moment.seen) })} ·`);
    setText(parts.pass, text("pass_of", { pass, passes }));
    speak(state, moment, yours);
  };
}

/** @returns {Message | null} */
function newsOf({ status, source, error }, moment, isStarting) {
  if (status === "failed") return error;
  if (isStarting) return { key: source === "server" ? "training_starts" : "digits_loading" };
  return moment?.broken ? { key: "broken" } : null;
}

function startSpeaking(spoken) {
  let [due, said] = [0, ""];
  return ({ status }, { seen, fresh }, { now }) => {
    if (status === said && performance.now() < due) return;
    [due, said] = [performance.now() + SPEAKS, status];
    const values = { seen: formatNumber(seen), fresh: Math.round(100 * fresh) };
    const yours = now ? text("said_yours", { digit: likeliest(now) }) : "";
    setText(spoken, `${text("said_now", values)} ${yours}`);
  };
}
