// 5,000 images of MNIST and 1,000 of its test images, with their labels, fetched when they are
// first asked for.

import { unzipped } from "../core/files.js";
import { PIXELS } from "../recognizer/framing.js";
import { unpackImages } from "../recognizer/images.js";

const REHEARSED = 500; // the first ones, chosen for it

export class Images {
  #page;
  #found = {}; // promises

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  // Rejects where they do not come; the next call tries again.
  /** @param {"images" | "test_images"} name @returns {Promise<LabelledImages>} */
  load(name = "images") {
    const address = this.#page.server.address(this.#page.settings[name]);
    this.#found[name] ??= unzipped(address, name).then(unpackImages);
    return this.#found[name].catch((error) => {
      this.#found[name] = null;
      throw error;
    });
  }

  // Those that learning rehearses, 784 grey values each.
  async rehearsed() {
    const { images } = await this.load();
    return images.subarray(0, REHEARSED * PIXELS);
  }
}
