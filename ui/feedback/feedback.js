// Telling the network which digit it was, with consent and a minute to take it back, and how the
// network that answers compares with the one before it.

import { addButton, addDigits, addRow, isTyping, send } from "../elements.js";
import { text } from "../texts.js";
import { hasConsented, remove, request, setConsent, startGiven } from "./given.js";
import { askConsent, keep, look, on, say, setAnswer, setBusy } from "./state.js";
import { setDrawing, stopTakingBack } from "./state.js";

const UNDO_TIME = 60000; // milliseconds

export function start({ element, props }) {
  const find = (selector) => element.querySelector(selector);
  startChoices(find, props.endpoint);
  startGiven(find(".given"), props.endpoint);
  addDigits(find(".side"));
  on("change", () => show(find));
  document.addEventListener("drawing", ({ detail }) => setDrawing(detail.strokes));
  document.addEventListener("prediction", ({ detail }) => {
    setAnswer(detail);
    compare(find, detail ?? {});
  });
  send(element, "listening");
}

function startChoices(find, endpoint) {
  const choose = (digit) => {
    if (digit === null || !look().isOffered || look().isBusy) return;
    if (hasConsented()) return give(endpoint, digit);
    askConsent(digit);
    find(".agree").focus();
  };
  for (let digit = 0; digit < 10; digit++) {
    addButton(find(".digits"), digit, () => choose(digit));
  }
  find(".right").addEventListener("click", () => choose(look().right));
  find(".agree").addEventListener("click", () => {
    setConsent(true);
    choose(look().asked); // null where it is clicked twice
  });
  find(".decline").addEventListener("click", () => askConsent(null));
  find(".take-back").addEventListener("click", () => takeBack(endpoint));
  document.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey || event.altKey;
    if (event.defaultPrevented || isTyping(event) || command) return;
    if (/^[0-9]$/.test(event.key)) choose(Number(event.key));
  });
}

function show(find) {
  const { isOffered, right, isBusy, answer, asked, given, message } = look();
  find(".choices").hidden = !isOffered;
  find(".right").hidden = answer?.digit === null;
  find(".right").ariaDisabled = right === null;
  for (const button of find(".digits").children) button.ariaDisabled = isBusy;
  find(".consent").hidden = asked === null;
  find(".take-back").hidden = !given?.canBeTakenBack;
  const status = find(".news [role=status]");
  if (status.textContent !== message) status.textContent = message; // else it is read out again
}

async function give(endpoint, label) {
  setBusy(true);
  const strokes = look().drawing;
  const kept = await request("POST", endpoint, { strokes, label });
  setBusy(false);
  if (!kept) return;
  keep(strokes, kept.id);
  say(text("kept", { digit: label }));
  setTimeout(() => stopTakingBack(kept.id), UNDO_TIME);
}

async function takeBack(endpoint) {
  if (look().isBusy) return;
  setBusy(true);
  await remove(endpoint, look().given.id, text("taken_back"));
  setBusy(false);
}

function compare(find, { network, probabilities, before }) {
  find(".network").textContent = network ? text("answered_by", { network }) : "";
  const table = find(".side");
  table.hidden = !before;
  table.tBodies[0].replaceChildren();
  if (!before) return;
  const cells = (shares) => shares.map((share) => [(100 * share).toFixed(0), share]);
  addRow(table, text("now", { network }), cells(probabilities));
  addRow(table, text("before", { network: before.network }), cells(before.probabilities));
}
