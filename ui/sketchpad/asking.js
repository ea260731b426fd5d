// Asking the server, and telling the page and the reader what came of it.

const FIRST_RETRY = 500; // milliseconds, doubled up to
const LAST_RETRY = 2000;
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

const wait = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

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
    const answer = await Promise.race([server.read_paper(request), wait(TIMEOUT)]);
    if (asked < oldest) continue;
    if (answer) {
      answered = asked;
      delay = FIRST_RETRY;
      if (answer.error) tell(text("refused", { reason: answer.error }), true);
      else if (trouble) tell("");
      show(answer.error ? null : { ...answer, details: request.details });
    } else {
      tell(text("no_answer"), true);
      await wait(delay);
      delay = Math.min(2 * delay, LAST_RETRY);
    }
  }
  asking = false;
}
