// Drawing with the keyboard: arrow keys move a cursor, Space puts the pen down and lifts it.

const KEY_STEP = 25;
const FINE_KEY_STEP = 5;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let cursor = { x: SIDE / 2, y: SIDE / 2, shown: false }; // of the keyboard
const held = new Set(); // arrow keys: two make a slant

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) held.clear(); // their keyup may not come
  else if (event.key === " " || event.key in ARROWS) drawWithKey(event);
});

canvas.addEventListener("keyup", (event) => held.delete(event.key));

function drawWithKey(event) {
  event.preventDefault();
  if (pointer || (event.key === " " && event.repeat)) return;
  cursor.shown = true;
  if (event.key === " ") togglePen();
  else moveCursor(event);
  repaint();
}

function togglePen() {
  const { x, y } = cursor;
  if (erase.ariaPressed === "true") {
    eraseAt(x, y);
    publish();
  } else if (stroke) {
    endStroke();
    tell(text("pen_up"));
  } else {
    startStroke([x, y]);
    tell(text("pen_down"));
  }
}

function moveCursor(event) {
  held.add(event.key);
  const step = event.shiftKey ? FINE_KEY_STEP : KEY_STEP;
  for (const key of held) {
    cursor.x = Math.min(Math.max(cursor.x + step * ARROWS[key][0], 0), SIDE);
    cursor.y = Math.min(Math.max(cursor.y + step * ARROWS[key][1], 0), SIDE);
  }
  if (stroke) addPoint([cursor.x, cursor.y]);
}

canvas.addEventListener("blur", () => {
  held.clear();
  if (stroke && !pointer) togglePen();
  cursor.shown = false;
  repaint();
});
