// What this browser gave: shown when the section is opened, exported, deleted.

const SVG = "http://www.w3.org/2000/svg";

find(".given").addEventListener("toggle", () => find(".given").open && showGiven());

async function showGiven() {
  const known = localStorage.getItem(TOKEN);
  const answer = known ? await request("GET") : { corrections: [] };
  if (answer.error) return say(answer.error);
  find(".none").hidden = answer.corrections.length > 0;
  find(".all").hidden = answer.corrections.length === 0;
  find("ul").replaceChildren(...answer.corrections.map(item));
}

function item({ id, label, strokes }) {
  const line = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "×";
  button.ariaLabel = button.title = text("delete", { digit: label });
  button.addEventListener("click", () => remove(`${props.door}/${id}`));
  const caption = document.createElement("span");
  caption.textContent = label;
  line.append(thumbnail(strokes), caption, button);
  return line;
}

// As large as the drawing, whatever its unit.
function thumbnail(strokes) {
  const svg = document.createElementNS(SVG, "svg");
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const side = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1);
  svg.setAttribute("viewBox", [left, top, side, side].join(" "));
  svg.style.strokeWidth = side / 8;
  for (const points of strokes) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
  }
  return svg;
}

async function remove(address) {
  const answer = await request("DELETE", address);
  if (answer.error) return say(answer.error);
  forget();
  offer();
  showGiven();
}

// Whoever deletes all is asked for consent again.
find(".delete-all").addEventListener("click", () => {
  localStorage.removeItem(CONSENT);
  remove(props.door);
});

// A drawing file, as scripts/train.py reads it.
find(".export").addEventListener("click", async () => {
  const answer = await request("GET");
  if (answer.error) return say(answer.error);
  const lines = answer.corrections.map((row) => JSON.stringify(row) + "\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "corrections.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
});
