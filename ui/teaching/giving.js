// Giving a correction: which digit it was, consent, and a minute to take it back.

const UNDO_TIME = 60000; // milliseconds
const TOKEN = "token"; // in localStorage, as is
const CONSENT = "corrections";

const find = (selector) => element.querySelector(selector);
const news = find(".news [role=status]");
let reading = null; // the last prediction of strokes
let given = null; // {id, strokes} of what was given last and can be taken back
let label = null; // what waits for consent
let forgetting; // the end of that minute

// A random number and no account: who has it can see and delete what was given with it.
function token() {
  const known = localStorage.getItem(TOKEN);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  localStorage.setItem(TOKEN, made);
  return made;
}

// What the server says, or {error: a sentence}.
async function request(method, address = props.door, content = undefined) {
  try {
    const headers = { "x-token": token(), "content-type": "application/json" };
    const body = content && JSON.stringify(content);
    const response = await fetch(address, { method, headers, body });
    const answer = await response.json();
    if (response.ok) return answer;
    return { error: text("not_kept", { reason: answer.error ?? "" }) };
  } catch {
    return { error: text("no_store") };
  }
}

function say(words) {
  news.textContent = words;
}

// The buttons are for a drawing that was read and not given yet.
function offer() {
  const isGiven = Boolean(given) && given.strokes === JSON.stringify(reading?.strokes);
  find(".choices").hidden = !reading || isGiven;
  find(".take-back").hidden = !isGiven;
  find(".right").hidden = reading?.digit == null;
  if (given && !isGiven) forget();
}

function forget() {
  clearTimeout(forgetting);
  given = null;
  say("");
  find(".take-back").hidden = true;
}

function choose(digit) {
  if (find(".choices").hidden) return;
  label = digit;
  if (localStorage.getItem(CONSENT) === "yes") give();
  else {
    find(".consent").hidden = false;
    find(".agree").focus();
  }
}

async function give() {
  const { strokes } = reading;
  const answer = await request("POST", props.door, { strokes, label });
  if (answer.error) return say(answer.error);
  given = { id: answer.id, strokes: JSON.stringify(strokes) };
  say(text("kept", { digit: label }));
  clearTimeout(forgetting);
  forgetting = setTimeout(() => (find(".take-back").hidden = true), UNDO_TIME);
  offer();
  if (find(".given").open) showGiven();
}

find(".agree").addEventListener("click", () => {
  localStorage.setItem(CONSENT, "yes");
  find(".consent").hidden = true;
  give();
});

find(".decline").addEventListener("click", () => (find(".consent").hidden = true));

find(".take-back").addEventListener("click", async () => {
  const answer = await request("DELETE", `${props.door}/${given.id}`);
  if (answer.error) return say(answer.error);
  forget();
  offer();
  say(text("taken_back"));
  if (find(".given").open) showGiven();
});

find(".right").addEventListener("click", () => choose(reading.digit));

for (let digit = 0; digit < 10; digit++) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = digit;
  button.addEventListener("click", () => choose(digit));
  find(".digits").append(button);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.defaultPrevented || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[0-9]$/.test(event.key)) choose(Number(event.key));
});
