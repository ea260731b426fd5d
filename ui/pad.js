// The paper by itself, with its pen, keys and tools: Gradio's component (serving/digit_pad.py).
// Every pad has a Paper of its own, so that a page can hold any number of them.

import { find, setText } from "./core/dom.js";
import { createNotices, hush } from "./core/notices.js";
import { Observable, watch } from "./core/observable.js";
import { sentence, setLanguages, translate } from "./core/texts.js";
import { startKeyboard } from "./paper/keyboard.js";
import { startPainting } from "./paper/painting.js";
import { Paper } from "./paper/paper.js";
import { startPen } from "./paper/pen.js";
import { startTools } from "./views/tools.js";

const NO_NUMBER = { digitAt: () => null, choose: () => {} };

// Start a pad in the markup of index.html's paper and tools. `onInput` is called at most once a
// frame while somebody draws. Gives what puts other strokes on the paper.
/** @param {HTMLElement} element @param {(strokes: Stroke[]) => void} onInput */
export function mountPad(element, languages, onInput) {
  const paper = new Paper();
  const notices = createNotices();
  const canvas = find("canvas", element);
  setLanguages(languages);
  translate(element);
  for (const unused of [".picture", ".link", ".choose"]) find(unused, element).hidden = true;
  startPainting(canvas, paper, watchTheme());
  startPen(canvas, paper, notices, NO_NUMBER);
  startKeyboard(canvas, paper, notices, element);
  startTools(paper, element);
  startButtons(element, paper);
  watch([notices], () => setText(find(".notice", element), sentence(notices.get().paper)));
  paper.subscribe((state, before) => state.steps !== before.steps && hush(notices, false));
  return connect(paper, onInput);
}

function startButtons(element, paper) {
  const actions = {
    undo: () => paper.undo(),
    redo: () => paper.redo(),
    erase: () => paper.setErasing(!paper.get().erasing),
    clear: () => paper.clear(),
  };
  for (const [name, act] of Object.entries(actions)) {
    const button = find(`[data-action="${name}"]`, element);
    button.addEventListener("click", () => button.ariaDisabled !== "true" && act());
  }
}

// What somebody draws goes out; what comes in goes on the paper, and not out again.
function connect(paper, onInput) {
  let shown = 0; // the number of the drawing that is known outside
  let frame = null;
  paper.subscribe(({ drawing }) => {
    if (drawing === shown) return;
    frame ??= requestAnimationFrame(() => {
      frame = null;
      if (paper.get().drawing === shown) return;
      shown = paper.get().drawing;
      onInput(paper.get().sheet.strokes.map((points) => points.map(([x, y]) => [x, y])));
    });
  });
  return (strokes) => {
    paper.put({ strokes, picture: null });
    shown = paper.get().drawing;
  };
}

// Gradio says its theme in a class of the body.
function watchTheme() {
  const theme = new Observable(document.body.className);
  const update = () => theme.set(document.body.className);
  new MutationObserver(update).observe(document.body, { attributeFilter: ["class"] });
  return theme;
}
