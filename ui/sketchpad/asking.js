// Asking the server, and telling the page and the reader what came of it.

const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 15000;
const TIMEOUT = 10000; // milliseconds until a request counts as failed

let answered = 0; // the revision last answered
let asking = false;
let details = false; // whether somebody on the page wants explanations
let trouble = false; // whether the notice is about the server

document.addEventListener("details", (event) => {
  details = event.detail;
  if (details) {
    revision += 1;
    ask();
  }
});

function show(answer) {
  element.dispatchEvent(new CustomEvent("prediction", { bubbles: true, detail: answer }));
}

function tell(words, aboutServer = false) {
  trouble = aboutServer;
  if (notice.textContent !== words) notice.textContent = words; // else it is read out again
}

// What the server makes of the sheet: {answer}, {refused: sentence} or {trouble: key of a text, or ""}.
async function send(content) {
  try {
    const response = await fetch(props.door, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    checkVersion(response.headers.get("page-version"));
    if (response.status === 401) {
      askToReload("logged_out");
      return { trouble: "" };
    }
    if (response.status === 503) return { trouble: "busy" };
    const answer = await response.json();
    if (response.ok && answer.probabilities) return { answer };
    if (response.status < 500 && answer.error) return { refused: answer.error };
  } catch {
    // Cut off, too late, or something else than our server.
  }
  return { trouble: renewal.hidden ? "no_answer" : "" };
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

// One request at a time, and the last state always: the loop goes round until
// what was answered is what is on the paper.
async function ask() {
  if (isEmpty()) {
    answered = revision;
    if (trouble) tell("");
    show(null);
  }
  if (asking) return;
  asking = true;
  let delay = FIRST_RETRY;
  while (answered !== revision) {
    const asked = revision;
    const content = sheet.picture ? { picture: sheet.picture.data } : { strokes: coordinates() };
    const request = { ...content, details };
    const reply = await send(request);
    if (asked < oldest) continue;
    if ("trouble" in reply) {
      tell(reply.trouble && text(reply.trouble), true);
      await pause(delay);
      delay = Math.min(2 * delay, LAST_RETRY);
      continue;
    }
    answered = asked;
    delay = FIRST_RETRY;
    if (reply.refused) tell(text("refused", { reason: reply.refused }), true);
    else if (trouble) tell("");
    show(reply.refused ? null : { ...reply.answer, details: request.details, strokes: content.strokes });
  }
  asking = false;
}
