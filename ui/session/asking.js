// Asking the server to read a drawing: one request at a time, and the last drawing always.

import { tell } from "../core/notices.js";

const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 15000;

// Gives what asks the server to read a drawing, and null for no longer any.
/** @param {Page} page @param {(drawing: Drawing, answer: any, refused: any) => void} take */
export function startAsking({ settings, server, notices }, take) {
  let wanted = null;
  let isUnderWay = false;
  return async (drawing) => {
    wanted = drawing;
    if (isUnderWay) return;
    isUnderWay = true;
    let delay = FIRST_RETRY;
    while (wanted) {
      const asked = wanted;
      const { trouble, refused, answer } = await post(server, settings.recognize, asked);
      if (wanted?.origin !== asked.origin) continue; // what was asked is no longer there
      if (trouble !== undefined) {
        if (trouble && !notices.get().reload) tell(notices, trouble, true);
        await pause(delay);
        delay = Math.min(2 * delay, LAST_RETRY);
      } else {
        delay = FIRST_RETRY;
        if (wanted === asked) wanted = null;
        take(asked, answer, refused);
      }
    }
    isUnderWay = false;
  };
}

// The server's reply: {answer, refused} or {trouble: key of a text, or null}.
async function post(server, address, { strokes, picture }) {
  try {
    const response = await server.request(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(picture ? { picture: picture.data } : { strokes }),
    });
    if (response.status === 401) return { trouble: null };
    if (response.status === 503) return { trouble: "busy" };
    const answer = await response.json();
    if (response.ok && answer.probabilities) return { answer };
    if (response.status < 500 && answer.error) return { answer: null, refused: answer };
  } catch {
    // Cut off, too late, or something else than our server.
  }
  return { trouble: "no_answer" };
}

// A little more or less than asked for: a class must not come back all at once. A page that is
// looked at again, or is online again, need not wait.
async function pause(milliseconds) {
  const over = new AbortController();
  await new Promise((resume) => {
    const options = { signal: over.signal };
    setTimeout(resume, milliseconds * (0.75 + 0.5 * Math.random()));
    addEventListener("online", resume, options);
    document.addEventListener("visibilitychange", resume, options);
  });
  over.abort();
}
