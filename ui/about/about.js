// The facts of the network in words and numbers. All of it is text, never HTML.

const { hidden, provenance } = props.network;
const { scores, recipe, confusion = [] } = provenance;
const number = new Intl.NumberFormat(language());
const percent = (share) => `${(100 * share).toFixed(2)} %`;
const layers = [784, ...hidden, 10];
const parameters = layers.slice(1).reduce((sum, width, i) => sum + width * (layers[i] + 1), 0);

const FACTS = [
  ["layers", layers.join(" → ")],
  ["parameters", number.format(parameters)],
  ["data", provenance.data],
  ["recipe", text("recipe_value", { ...recipe, seed: provenance.seed })],
  ["trained", provenance.date],
  ["test_accuracy", percent(scores.test_accuracy)],
  ...("drawings_accuracy" in scores
    ? [["drawings_accuracy", percent(scores.drawings_accuracy)]]
    : []),
];

function add(parent, name, content) {
  const node = parent.appendChild(document.createElement(name));
  if (content !== undefined) node.textContent = content;
  return node;
}

// Most people never open this: it is built for those who do.
element.querySelector("details").addEventListener("toggle", build, { once: true });

function build() {
  const list = element.querySelector("dl");
  for (const [key, value] of FACTS) {
    add(list, "dt").dataset.text = key;
    add(list, "dd", value);
  }

  const table = element.querySelector("table");
  const mistakes = confusion.flatMap((counts, digit) => counts.filter((_, read) => read !== digit));
  const most = Math.max(...mistakes, 1);
  element.querySelector(".scroll").hidden = confusion.length === 0;
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
  translate();
}
