// Requests to the server that the page came from, and what it says beside its answers.

import { hasText } from "../core/texts.js";

const TIMEOUT = 10000; // milliseconds until a request counts as failed

export class Server {
  #notices;
  #root;

  /** @param {Settings} settings @param {Observable} notices */
  constructor(settings, notices) {
    this.settings = settings;
    this.#notices = notices;
    this.#root = new URL(settings.root || "./", document.baseURI);
  }

  /** The whole of an address that the settings name. */
  address(place) {
    return new URL(place, this.#root).href;
  }

  // Ask for an address of the settings. Tells as well whether the page should be loaded again.
  /** @param {string} place @param {any} options of fetch, and a timeout in milliseconds */
  async request(place, { timeout = TIMEOUT, ...options } = {}) {
    const signal = AbortSignal.timeout(timeout);
    const response = await fetch(this.address(place), { signal, ...options });
    const version = response.headers.get("page-version");
    if (response.status === 401) this.#askToReload("logged_out");
    else if (version) this.#askToReload(version === this.settings.version ? null : "renewed");
    return response;
  }

  #askToReload(key) {
    if (this.#notices.get().reload?.key === key) return;
    this.#notices.update({ reload: key && { key } });
  }
}

// What to say of a refusal: the text of its code, or the server's own sentence.
/**
 * @param {{code?: string, error?: string}} answer
 * @param {string} otherwise the key of a text with a {reason} @returns {Message}
 */
export function refusal({ code, error = "" }, otherwise) {
  const key = `refused_${code}`;
  return { key: hasText(key) ? key : otherwise, values: { reason: error } };
}
