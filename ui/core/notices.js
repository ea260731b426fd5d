// What the page says in passing, one thing at a time in each place: messages, so that they are said
// in the language that is chosen.

import { Observable } from "./observable.js";

/**
 * @typedef {object} Notices
 * @property {Message | null} paper about the drawing, or about the server that reads it
 * @property {boolean} isAboutServer which stays until the server answers
 * @property {Message | null} reload why the page should be loaded again
 * @property {Message | null} feedback about what was taught or given
 */

/** @returns {Observable<Notices>} */
export function createNotices() {
  return new Observable({ paper: null, isAboutServer: false, reload: null, feedback: null });
}

/**
 * @param {Observable<Notices>} notices
 * @param {string | Message} what a key of the texts, or more
 */
export function tell(notices, what, isAboutServer = false) {
  const paper = typeof what === "string" ? { key: what } : what;
  notices.update({ paper, isAboutServer });
}

// Says no longer what was said about the server, or else about what a person did.
export function hush(notices, isAboutServer) {
  const { paper, isAboutServer: was } = notices.get();
  if (paper && was === isAboutServer) notices.update({ paper: null });
}
