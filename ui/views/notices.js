// What is said in passing, over the page, in the reader's language.

import { find, setText } from "../core/dom.js";
import { watch } from "../core/observable.js";
import { language, sentence } from "../core/texts.js";

const TOAST_TIME = 8000; // milliseconds

/** @param {Page} page */
export function startNotices({ notices }) {
  const parts = [".notice", ".renewal", "#feedback .toast"];
  const [notice, renewal, toast] = parts.map((part) => find(part));
  let timer;
  watch([notices, language], () => {
    const { paper, reload, feedback } = notices.get();
    setText(notice, sentence(paper));
    setText(renewal.firstElementChild, sentence(reload));
    renewal.hidden = !reload;
    if (!setText(toast, sentence(feedback))) return;
    clearTimeout(timer);
    if (feedback) timer = setTimeout(() => notices.update({ feedback: null }), TOAST_TIME);
  });
}
