// The words of the page (texts.json), for every component, in the reader's language.

import { oneOf, remember, remembered } from "./storage.js";

const LANGUAGE = "language"; // in localStorage, where somebody chose one: "en" or "zh"

let chosen = null;

export function language() {
  chosen ??= remembered(LANGUAGE, oneOf("en", "zh")) ?? (/^zh\b/.test(navigator.language) ? "zh" : "en");
  return chosen;
}

export function chooseLanguage(name) {
  chosen = name;
  remember(LANGUAGE, name);
  document.dispatchEvent(new Event(LANGUAGE));
}

export function text(key, values = {}) {
  const words = window.gradio_config.i18n_translations[language()][key];
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Has a node say a text, now and in whichever language is chosen.
export function setKey(node, key) {
  node.dataset.text = key;
  node.textContent = text(key);
}

export const onLanguage = (listener) => document.addEventListener(LANGUAGE, listener);

export function translate(element) {
  const properties = { text: "textContent", label: "ariaLabel", title: "title" };
  for (const [name, property] of Object.entries(properties)) {
    for (const node of element.querySelectorAll(`[data-${name}]`)) {
      node[property] = text(node.dataset[name]);
    }
  }
  for (const link of element.querySelectorAll("a[data-part]")) {
    link.href = `lesson${language() === "zh" ? ".zh" : ""}.md#part-${link.dataset.part}`;
    link.target = "_blank";
  }
}

// Say what a component's template says, and the page's own title, now, which is before the
// component starts, and whenever another language is chosen.
export function speak(element) {
  const say = () => {
    document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
    document.title = text("title");
    translate(element);
  };
  say();
  onLanguage(say);
}
