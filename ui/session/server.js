// Requests to the server that the page came from, and what it says beside its answers.

import { hasText } from "../core/texts.js";

const TIMEOUT = 10000; // milliseconds until a request counts as failed

export class Server {
  #page;
  #root;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#root = new URL(page.settings.root || "./", document.baseURI);
  }

  // The whole of an address that the settings name, if they do.
  /** @param {string} [place] */
  address(place) {
    return place && new URL(place, this.#root).href;
  }

  // Ask for an address of the settings. Tells as well whether the page should be loaded again.
  /** @param {string} place @param {any} options of fetch, and a timeout in milliseconds */
  async request(place, { timeout = TIMEOUT, ...options } = {}) {
    const signal = AbortSignal.timeout(timeout);
    const response = await fetch(this.address(place), { signal, ...options });
    const version = response.headers.get("page-version");
    if (response.status === 401) this.#askToReload("logged_out");
    else if (version) this.#askToReload(version === this.#page.settings.version ? null : "renewed");
    return response;
  }

  #askToReload(key) {
    if (this.#page.notices.get().reload?.key === key) return;
    this.#page.notices.update({ reload: key && { key } });
  }
}

// What to say of a refusal: the text of its code or, in the text `otherwise`, the sentence in it.
/** @returns {Message} */
export function refusal({ code, error = "" }, otherwise) {
  const key = `refused_${code}`;
  return { key: hasText(key) ? key : otherwise, values: { reason: error } };
}
