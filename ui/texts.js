// The words of the page, for every component, in the language that Gradio chose (texts.json).

let chosen = "en"; // as the components' labels have it

// Gradio knows only the Chinese of zh-CN and zh-TW; who says zh, zh-HK or zh-Hans reads it too.
export function language() {
  return chosen === "en" && /^zh\b/.test(navigator.language) ? "zh" : chosen;
}

export function text(key, values = {}) {
  const words = window.gradio_config.i18n_translations[language()][key];
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function translate(element) {
  const properties = { text: "textContent", label: "ariaLabel", title: "title" };
  for (const [name, property] of Object.entries(properties)) {
    for (const node of element.querySelectorAll(`[data-${name}]`)) {
      node[property] = text(node.dataset[name]);
    }
  }
}

// Say what a component's template says, and the page's own title, now, which is before the
// component starts, and whenever another language is chosen.
export function speak({ element, props, watch }) {
  const say = () => {
    chosen = props.label;
    document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
    document.title = text("title");
    translate(element);
  };
  say();
  watch("label", say);
}
