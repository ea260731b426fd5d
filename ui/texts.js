// The words of the page, for every component: this file is put before each one's own script.
// The label holds the name of the language that Gradio chose (see texts.py). Gradio knows
// only the Chinese of zh-CN and zh-TW; browsers that say zh, zh-HK or zh-Hans read it too.

function language() {
  return props.label === "en" && /^zh\b/.test(navigator.language) ? "zh" : props.label;
}

function text(key, values = {}) {
  const words = window.gradio_config.i18n_translations[language()][key];
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function translate() {
  document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
  document.title = text("title");
  for (const [name, property] of [["text", "textContent"], ["label", "ariaLabel"], ["title", "title"]]) {
    for (const node of element.querySelectorAll(`[data-${name}]`)) {
      node[property] = text(node.dataset[name]);
    }
  }
}

translate();
watch("label", translate);
