// Asking the server what is on the paper, and telling the page and the reader what came of it.

import { send } from "../elements.js";
import { askToReload, hush, tell } from "./notice.js";
import { coordinates, isEmpty, look, on } from "./state.js";

const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 15000;
const TIMEOUT = 10000; // milliseconds until a request counts as failed

export function startAsking({ element, props }) {
  const inquiry = {
    element,
    props,
    answered: look().revision, // the revision last answered
    last: null, // the prediction that was shown for it
    details: false, // whether somebody on the page looks at explanations
    isUnderWay: false,
  };
  on("change", () => {
    showDrawing(element);
    ask(inquiry);
  });
  document.addEventListener("details", (event) => {
    inquiry.details = event.detail;
    ask(inquiry);
  });
  document.addEventListener("listening", () => {
    showDrawing(element);
    send(element, "prediction", inquiry.last);
  });
}

function showDrawing(element) {
  send(element, "drawing", { strokes: coordinates(), picture: Boolean(look().sheet.picture) });
}

// One request at a time, and the last state always: the loop goes round until
// what was answered is what is on the paper.
async function ask(inquiry) {
  if (isEmpty() && !isAnswered(inquiry)) show(inquiry, look().revision, {});
  if (inquiry.isUnderWay) return;
  inquiry.isUnderWay = true;
  let delay = FIRST_RETRY;
  while (!isAnswered(inquiry)) {
    const asked = look().revision;
    const { details } = inquiry;
    const { picture } = look().sheet;
    const paper = picture ? { picture: picture.data } : { strokes: coordinates() };
    const { trouble, refused, answer } = await post(inquiry, { ...paper, details });
    if (asked < look().oldest) continue;
    if (trouble !== undefined) {
      tell(inquiry.element, trouble, {}, true);
      await pause(delay);
      delay = Math.min(2 * delay, LAST_RETRY);
    } else {
      delay = FIRST_RETRY;
      const prediction = answer && { ...answer, details, strokes: paper.strokes };
      show(inquiry, asked, { prediction, refused });
    }
  }
  inquiry.isUnderWay = false;
}

function isAnswered({ answered, last, details }) {
  return answered === look().revision && (!details || !last || last.details);
}

function show(inquiry, revision, { prediction = null, refused }) {
  Object.assign(inquiry, { answered: revision, last: prediction });
  if (refused) tell(inquiry.element, "refused", { reason: refused }, true);
  else hush(inquiry.element, true);
  send(inquiry.element, "prediction", prediction);
}

// The server's reply: {answer}, {refused: sentence} or {trouble: key of a text, or ""}.
async function post({ element, props }, content) {
  try {
    const response = await fetch(props.endpoint, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status === 401) {
      askToReload(element, "logged_out");
      return { trouble: "" };
    }
    const version = response.headers.get("page-version");
    if (version) askToReload(element, version === props.version ? "" : "renewed");
    if (response.status === 503) return { trouble: "busy" };
    const answer = await response.json();
    if (response.ok && answer.probabilities) return { answer };
    if (response.status < 500 && answer.error) return { refused: answer.error };
  } catch {
    // Cut off, too late, or something else than our server.
  }
  return { trouble: element.querySelector(".renewal").hidden ? "no_answer" : "" };
}

// A little more or less than asked for: a class must not come back all at once.
// A page that is looked at again, or is online again, need not wait.
function pause(milliseconds) {
  return new Promise((resume) => {
    setTimeout(resume, milliseconds * (0.75 + 0.5 * Math.random()));
    addEventListener("online", resume, { once: true });
    document.addEventListener("visibilitychange", resume, { once: true });
  });
}
