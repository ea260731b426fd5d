// Giving drawings to the server, for the next training, and taking them back. Of that this browser
// remembers in localStorage a token, and whether drawings may be kept.

import { oneOf, remember, remembered } from "../storage.js";
import { text } from "../texts.js";
import { announceStore, say } from "./state.js";

const TOKEN = "token";
const CONSENT = "corrections";
// What is said of a refusal, by its status: the server's own sentence is English alone.
const REFUSED = {
  401: "logged_out",
  413: "unfit",
  422: "unfit",
  429: "too_many",
  503: "store_busy",
  507: "store_fails",
};

const given = new Map(); // {id, label} by the strokes, since the page was loaded
let last = Promise.resolve(); // one after another, so that a drawing has one label

export const hasConsented = () => remembered(CONSENT, oneOf("yes", "no")) === "yes";
export const setConsent = (isGiven) => remember(CONSENT, isGiven ? "yes" : "no");
export const hasGiven = () => remembered(TOKEN, readToken) !== null; // or can have

// Another label takes the place of the one before.
export function give(endpoint, strokes, label) {
  const key = JSON.stringify(strokes);
  last = last.then(async () => {
    const before = given.get(key);
    if (before?.label === label) return;
    if (before && !(await remove(endpoint, before.id))) return;
    const kept = await request("POST", endpoint, { strokes, label });
    if (!kept) return;
    given.set(key, { id: kept.id, label });
    say(text("kept", { digit: label }));
    announceStore();
  });
}

export function takeBack(endpoint, strokes) {
  last = last.then(async () => {
    const correction = given.get(JSON.stringify(strokes));
    if (correction && (await remove(endpoint, correction.id))) say(text("taken_back"));
  });
}

// Whether the server has removed the correction `id`, or all.
export async function remove(endpoint, id) {
  const removed = await request("DELETE", id === undefined ? endpoint : `${endpoint}/${id}`);
  if (!removed) return false;
  for (const [key, each] of given) if (id === undefined || each.id === id) given.delete(key);
  announceStore();
  return true;
}

// What the server says, or null where it can't: the reader is told why.
export async function request(method, address, content) {
  const own = token();
  if (!own) {
    say(text("no_token"));
    return null;
  }
  try {
    const headers = { "x-token": own, "content-type": "application/json" };
    const response = await fetch(address, { method, headers, body: JSON.stringify(content) });
    const answer = await response.json();
    if (response.ok) return answer;
    say(text(REFUSED[response.status] ?? "not_kept", { reason: answer.error ?? "" }));
  } catch {
    say(text("no_store"));
  }
  return null;
}

const readToken = (text) => (/^[0-9a-f]{32}$/.test(text) ? text : null);

// A random number and no account: who has it can see and delete what was given with it. Null where
// it can't be kept: what is given then could not be deleted later.
function token() {
  const known = remembered(TOKEN, readToken);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return remember(TOKEN, made) ? made : null;
}
