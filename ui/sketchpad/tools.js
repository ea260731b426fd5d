// What changes the drawing beside a pointer: buttons, keys for all of the page, and keys that
// draw on the paper, where arrow keys move a cursor and Space puts the pen down and lifts it.

import { isTyping } from "../elements.js";
import { tell } from "./notice.js";
import { SIDE, addPoint, eraseAt, goBack, goForward, isEmpty, lift, look } from "./state.js";
import { on, setCursor, setErasing, startStroke, wipe } from "./state.js";

const STEP = 25;
const FINE_STEP = 5;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function startTools(element) {
  const [undo, redo, erase, clear, link, hint] = [
    ".undo", ".redo", ".erase", ".clear", ".link", ".hint",
  ].map((part) => element.querySelector(part));
  undo.addEventListener("click", goBack);
  redo.addEventListener("click", goForward);
  clear.addEventListener("click", wipe);
  erase.addEventListener("click", () => setErasing(!look().erasing));
  document.addEventListener("keydown", useKey);

  const show = () => {
    const { sheet, past, future, erasing, replayed, isDemo } = look();
    const isBlank = isEmpty() && !replayed;
    hint.hidden = !isBlank;
    undo.ariaDisabled = past.length === 0; // disabled in earnest they would lose the focus
    redo.ariaDisabled = future.length === 0;
    clear.ariaDisabled = isBlank;
    link.ariaDisabled = erase.ariaDisabled = sheet.strokes.length === 0 || isDemo;
    erase.ariaPressed = erasing;
  };
  on("change", show);
  on("look", show);
}

function useKey(event) {
  if (event.defaultPrevented || isTyping(event)) return;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "z") (event.shiftKey ? goForward : goBack)();
  else if (command && key === "y") goForward();
  else if (!command && ["Escape", "Delete"].includes(event.key)) wipe();
  else return;
  event.preventDefault();
}

export function startKeyboard(element, canvas) {
  const held = new Set(); // arrow keys: two make a slant
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return held.clear(); // no keyup may come
    if (event.key !== " " && !(event.key in ARROWS)) return;
    event.preventDefault();
    if (look().pointer || (event.key === " " && event.repeat)) return;
    setCursor({ shown: true });
    if (event.key === " ") return togglePen(element);
    held.add(event.key);
    moveCursor(held, event.shiftKey ? FINE_STEP : STEP);
  });
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("blur", () => {
    held.clear();
    if (look().stroke && !look().pointer) togglePen(element);
    setCursor({ shown: false });
  });
}

function togglePen(element) {
  const { x, y } = look().cursor;
  if (look().erasing) {
    eraseAt(x, y);
    lift();
  } else if (look().stroke) {
    lift();
    tell(element, "pen_up");
  } else {
    startStroke([x, y]);
    tell(element, "pen_down");
  }
}

function moveCursor(held, step) {
  let { x, y } = look().cursor;
  for (const key of held) {
    x = Math.min(Math.max(x + step * ARROWS[key][0], 0), SIDE);
    y = Math.min(Math.max(y + step * ARROWS[key][1], 0), SIDE);
  }
  setCursor({ x, y });
  if (look().stroke) addPoint([x, y]);
}
