// Asking the server, and telling the reader what came of it.

import { askToReload, tell } from "./notice.js";

const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 15000;
const TIMEOUT = 10000; // milliseconds until a request counts as failed

// The server's response; it tells as well whether the page should be loaded again.
export async function request({ element, props }, address, options) {
  const response = await fetch(address, options);
  const version = response.headers.get("page-version");
  if (response.status === 401) askToReload(element, "logged_out");
  else if (version) askToReload(element, version === props.version ? "" : "renewed");
  return response;
}

// Gives what asks the server to read a drawing, and null for no longer any. One request at a
// time, and the last drawing always; `show` gets the drawing, its answer or why it is refused.
export function startAsking(server, show) {
  let wanted = null;
  let isUnderWay = false;
  return async (drawing) => {
    wanted = drawing;
    if (isUnderWay) return;
    isUnderWay = true;
    let delay = FIRST_RETRY;
    while (wanted) {
      const asked = wanted;
      const { trouble, refused, answer } = await post(server, asked);
      if (wanted?.origin !== asked.origin) continue; // what was asked is no longer there
      if (trouble !== undefined) {
        tell(server.element, trouble, {}, true);
        await pause(delay);
        delay = Math.min(2 * delay, LAST_RETRY);
      } else {
        delay = FIRST_RETRY;
        if (wanted === asked) wanted = null;
        show(asked, answer, refused);
      }
    }
    isUnderWay = false;
  };
}

// The server's reply: {answer}, {refused: sentence} or {trouble: key of a text, or ""}.
async function post(server, { strokes, picture }) {
  try {
    const paper = picture ? { picture: picture.data } : { strokes };
    const response = await request(server, server.props.endpoint, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(paper),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status === 401) return { trouble: "" };
    if (response.status === 503) return { trouble: "busy" };
    const answer = await response.json();
    // Of a number there is more to say once the network is here.
    if (response.ok && answer.probabilities) return { answer: { ...answer, number: null } };
    if (response.status < 500 && answer.error) return { refused: answer.error };
  } catch {
    // Cut off, too late, or something else than our server.
  }
  return { trouble: server.element.querySelector(".renewal").hidden ? "no_answer" : "" };
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
