// Giving drawings to the server, for the next training, and taking them back. Of that this browser
// remembers in localStorage a token, and whether drawings may be kept.

import { Observable } from "../core/observable.js";
import { oneOf, remember, remembered } from "../core/storage.js";
import { refusal } from "./server.js";

const TOKEN = "token";
const CONSENT = "corrections";
const FIRST_LOOK = 1000; // milliseconds until it is asked whether a drawing was kept, doubled
const LOOKS = 6; // up to so often

/** Its value is the number of times that what the server keeps has changed. */
export class Giving extends Observable {
  #page;
  #given = new Map(); // {id, label} by the strokes, since the page was loaded
  #last = Promise.resolve(); // one after another, so that a drawing has one label

  /** @param {Page} page */
  constructor(page) {
    super(0);
    this.#page = page;
  }

  get isPossible() {
    return Boolean(this.#page.settings.corrections);
  }

  get hasConsented() {
    return remembered(CONSENT, oneOf("yes", "no")) === "yes";
  }

  // Or can have.
  get hasGiven() {
    return this.isPossible && remembered(TOKEN, readToken) !== null;
  }

  setConsent(isGiven) {
    remember(CONSENT, isGiven ? "yes" : "no");
  }

  // Another label takes the place of the one before.
  /** @param {Stroke[]} strokes @param {number} label */
  give(strokes, label) {
    const key = JSON.stringify(strokes);
    this.#last = this.#last.then(async () => {
      const before = this.#given.get(key);
      if (before?.label === label) return;
      if (before && !(await this.remove(before.id))) return;
      const id = await this.#keep({ id: randomHex(), strokes, label });
      if (!id) return;
      this.#given.set(key, { id, label });
      this.#say({ key: "kept", values: { digit: label } });
      this.set(this.get() + 1);
    });
  }

  /** @param {Stroke[]} strokes */
  takeBack(strokes) {
    this.#last = this.#last.then(async () => {
      const correction = this.#given.get(JSON.stringify(strokes));
      if (correction && (await this.remove(correction.id))) this.#say({ key: "taken_back" });
    });
  }

  // Whether the server has removed the correction `id`, or all.
  async remove(id = null) {
    const answer = await this.#request("DELETE", id === null ? "" : `/${id}`);
    if (!this.#isOk(answer)) return false;
    for (const [key, each] of this.#given) {
      if (id === null || each.id === id) this.#given.delete(key);
    }
    this.set(this.get() + 1);
    return true;
  }

  // What this browser gave, or null where the server can't say: the reader is told why.
  async list() {
    const answer = await this.#request("GET");
    return this.#isOk(answer) ? answer.corrections : null;
  }

  // The id under which a correction is kept, or null. Where the server does not know whether it is,
  // it is asked again until it does.
  async #keep(correction) {
    let answer = await this.#request("POST", "", correction);
    let delay = FIRST_LOOK;
    for (let look = 0; answer.code === "outcome_unknown" && look < LOOKS; look++) {
      await new Promise((resume) => setTimeout(resume, delay));
      delay *= 2;
      const found = await this.#request("GET", `/${correction.id}`);
      if (found.ok) answer = found;
      else if (found.status === 404) answer = { code: "not_stored" };
    }
    return this.#isOk(answer) ? (answer.id ?? correction.id) : null;
  }

  // The server's JSON, and whether it is `ok`; without an answer `said` is the key of a text.
  async #request(method, below = "", content = undefined) {
    const own = token();
    if (!own) return { said: "no_token" };
    try {
      const place = this.#page.settings.corrections + below;
      const headers = { "x-token": own, "content-type": "application/json" };
      const options = { method, headers, body: JSON.stringify(content) };
      const response = await this.#page.server.request(place, options);
      const { status, ok } = response;
      return { ...(await response.json()), status, ok };
    } catch {
      return { said: "no_store" };
    }
  }

  #isOk(answer) {
    if (answer.ok || answer.id) return true;
    if (answer.status === 401) this.#say({ key: "logged_out" });
    else if (answer.said) this.#say({ key: answer.said });
    else this.#say(refusal(answer, "not_kept"));
    return false;
  }

  #say(feedback) {
    this.#page.notices.update({ feedback });
  }
}

const readToken = (text) => (/^[0-9a-f]{32}$/.test(text) ? text : null);

// A random number and no account: who has it can see and delete what was given with it. Null where
// it can't be kept: what is given then could not be deleted later.
function token() {
  const known = remembered(TOKEN, readToken);
  if (known) return known;
  const made = randomHex();
  return remember(TOKEN, made) ? made : null;
}

// Pages without https have no crypto.randomUUID.
function randomHex() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
