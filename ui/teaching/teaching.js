// What the page's "prediction" events tell: what may be given, which network answered, and
// how the one before it would have.

function cell(row, words, name = "td") {
  const node = row.appendChild(document.createElement(name));
  node.textContent = words;
  return node;
}

for (let digit = 0; digit < 10; digit++) cell(find(".side tr"), digit, "th").scope = "col";

function compare({ network, probabilities, before }) {
  find(".side").hidden = !before;
  if (!before) return;
  const rows = [
    [text("now", { network }), probabilities],
    [text("before", { network: before.network }), before.probabilities],
  ].map(([name, shares]) => {
    const row = document.createElement("tr");
    cell(row, name, "th").scope = "row";
    for (const share of shares) {
      cell(row, (100 * share).toFixed(0)).style.setProperty("--share", share);
    }
    return row;
  });
  find(".side tbody").replaceChildren(...rows);
}

document.addEventListener("prediction", ({ detail }) => {
  reading = detail?.strokes?.length ? detail : null;
  find(".consent").hidden = true;
  find(".network").textContent = detail?.network
    ? text("answered_by", { network: detail.network })
    : "";
  compare(detail ?? {});
  offer();
});
