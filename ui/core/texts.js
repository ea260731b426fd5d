// The words of the page (texts/), in the reader's language: the browser's, or the one chosen here.

import { find } from "./dom.js";
import { Observable } from "./observable.js";
import { oneOf, remember, remembered } from "./storage.js";

const LANGUAGE = "language"; // in localStorage, where somebody chose one: "en"
const PROPERTIES = { text: "textContent", label: "ariaLabel", title: "title" };

export const language = new Observable("en");
const languages = new Observable({}); // the texts of each, by its name

/** @param {Record<string, Record<string, string>>} found */
export function setLanguages(found) {
  languages.set(found);
  const chosen = remembered(LANGUAGE, oneOf(...Object.keys(found)));
  const wanted = [chosen, ...navigator.languages, "en"];
  const known = wanted.map((name) => name?.split("-")[0]).find((name) => name && name in found);
  language.set(known);
}

// The next one of all that there are.
export function changeLanguage() {
  language.set(nextLanguage());
  remember(LANGUAGE, language.get());
}

function nextLanguage() {
  const names = Object.keys(languages.get());
  return names[(names.indexOf(language.get()) + 1) % names.length];
}

// The text `key`, with what stands in {braces} replaced.
/** @param {string} key @param {Record<string, any>} values */
export function text(key, values = {}) {
  return languages.get()[language.get()][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const hasText = (key) => key in languages.get()[language.get()];

/** @param {Message | null} message */
export const sentence = (message) => (message ? text(message.key, message.values) : "");

export const formatNumber = (value, options = {}) => value.toLocaleString(language.get(), options);

// Has a node say a text, now and in whichever language is chosen.
export function setKey(node, key) {
  node.dataset.text = key;
  node.textContent = text(key);
}

// Say what the markup below `element` names.
export function translate(element) {
  for (const [name, property] of Object.entries(PROPERTIES)) {
    for (const node of element.querySelectorAll(`[data-${name}]`)) {
      node[property] = text(node.dataset[name]);
    }
  }
}

// The whole page, and the button that offers the next language in its own words.
export function translatePage() {
  document.documentElement.lang = text("language_code");
  document.title = text("title");
  translate(document);
  find('[data-action="language"]').textContent = languages.get()[nextLanguage()].language_name;
}
