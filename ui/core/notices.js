// What the page says in passing, one thing at a time in each place: messages, so that they are said
// in the language that is chosen.

import { Observable } from "./observable.js";

/** @returns {Page["notices"]} */
export function createNotices() {
  return new Observable({ paper: null, isAboutServer: false, reload: null, feedback: null });
}

/** @param {Page["notices"]} notices @param {string | Message} what a key of the texts, or more */
export function tell(notices, what, isAboutServer = false) {
  const paper = typeof what === "string" ? { key: what } : what;
  notices.update({ paper, isAboutServer });
}

// Says no longer what was said about the server, or else about what a person did.
export function hush(notices, isAboutServer) {
  const { paper, isAboutServer: was } = notices.get();
  if (paper && was === isAboutServer) notices.update({ paper: null });
}
