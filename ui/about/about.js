// The facts of the network in words and numbers. All of it is text, never HTML.

// Most people never open this: it is built for those who do, each time, as networks change.
const details = element.querySelector("details");
details.addEventListener("toggle", () => details.open && build());

async function build() {
  const response = await fetch(props.door).catch(() => null); // a server that is away says nothing
  if (!response?.ok) return;
  const network = await response.json();
  const list = element.querySelector("dl");
  list.replaceChildren();
  for (const part of element.querySelectorAll("thead, tbody")) part.remove();
  for (const [key, value] of facts(network)) {
    add(list, "dt").dataset.text = key;
    add(list, "dd", value);
  }
  const { confusion } = network.provenance;
  element.querySelector(".scroll").hidden = !confusion;
  if (confusion) addCounts(element.querySelector("table"), confusion);
  translate();
}

function facts({ name, hidden, provenance }) {
  const { scores, recipe, seed, data, date } = provenance;
  const layers = [784, ...hidden, 10];
  const parameters = layers.slice(1).reduce((sum, width, i) => sum + width * (layers[i] + 1), 0);
  const percent = (share) => `${(100 * share).toFixed(2)} %`;
  const known = [
    ["network", name],
    ["layers", layers.join(" → ")],
    ["parameters", parameters.toLocaleString(language())],
    ["data", data],
    ["recipe", text(recipe.epochs ? "recipe_value" : "recipe_steps", { ...recipe, seed })],
    ["trained", date],
    ["test_accuracy", percent(scores.test_accuracy)],
  ];
  if ("drawings_accuracy" in scores) {
    known.push(["drawings_accuracy", percent(scores.drawings_accuracy)]);
  }
  return known;
}

function addCounts(table, confusion) {
  const mistakes = confusion.flatMap((counts, digit) => counts.filter((_, read) => read !== digit));
  const most = Math.max(...mistakes, 1);
  const head = add(add(table, "thead"), "tr");
  add(head, "th").dataset.text = "digit";
  confusion.forEach((_, digit) => (add(head, "th", digit).scope = "col"));
  const body = add(table, "tbody");
  confusion.forEach((counts, digit) => {
    const row = add(body, "tr");
    add(row, "th", digit).scope = "row";
    counts.forEach((count, read) => {
      const cell = add(row, "td", count || "·");
      cell.style.setProperty("--share", read === digit ? 0 : count / most);
      cell.classList.toggle("right", read === digit);
    });
  });
}

function add(parent, name, content) {
  const node = parent.appendChild(document.createElement(name));
  if (content !== undefined) node.textContent = content;
  return node;
}
