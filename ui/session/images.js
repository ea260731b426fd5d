// 5,000 images of MNIST with their labels, fetched when they are first asked for.

import { unzipped } from "../core/files.js";
import { PIXELS } from "../recognizer/framing.js";
import { unpackImages } from "../recognizer/images.js";

const REHEARSED = 500; // the first ones, chosen for it

export class Images {
  #page;
  #found = null; // a promise

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  // Rejects where they do not come; the next call tries again.
  /** @returns {Promise<LabelledImages>} */
  load() {
    const address = this.#page.server.address(this.#page.settings.images);
    this.#found ??= unzipped(address, "images").then(unpackImages);
    return this.#found.catch((error) => {
      this.#found = null;
      throw error;
    });
  }

  // Those that learning rehearses, 784 grey values each.
  async rehearsed() {
    const { images } = await this.load();
    return images.subarray(0, REHEARSED * PIXELS);
  }
}
