// What the paper says in words, a thing at a time, and whether the page should be loaded again.

import { setText } from "../elements.js";
import { text } from "../texts.js";

// What is said about the server stays until it answers.
export function tell(element, key, values, aboutServer = false) {
  const notice = element.querySelector(".notice");
  notice.classList.toggle("trouble", aboutServer);
  setText(notice, key && text(key, values));
}

// Says no longer what was said about the server, or else about what a person did.
export function hush(element, aboutServer) {
  const { classList } = element.querySelector(".notice");
  if (classList.contains("trouble") === aboutServer) tell(element, "");
}

// Says why the page should be loaded again, or, without a key of the texts, nothing of it.
export function askToReload(element, key) {
  const renewal = element.querySelector(".renewal");
  renewal.firstElementChild.textContent = key && text(key);
  renewal.hidden = !key;
}
