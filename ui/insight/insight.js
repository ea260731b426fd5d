// Pictures of 28 x 28 pixels on canvases of that size, enlarged by the style sheet.

const PIXELS = 28 * 28;
// Orange and blue are told apart whatever colours a person sees.
const FOR = [230, 159, 0];
const AGAINST = [0, 130, 220];

const find = (selector) => element.querySelector(selector);
const toggle = find("[role=switch]");
const columns = Array.from({ length: 10 }, (_, digit) => {
  const column = document.createElement("span");
  const fill = document.createElement("i");
  column.append(fill, String(digit));
  find(".columns").append(column);
  return fill;
});
let onScreen = false;
let signed, rounded; // how numbers are written

// `colour` gives [red, green, blue, alpha] for a pixel's place.
function fillCanvas(canvas, colour) {
  const image = new ImageData(28, 28);
  for (let i = 0; i < PIXELS; i++) image.data.set(colour(i), 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const grey = (pixels) => (i) => [pixels[i], pixels[i], pixels[i], 255];
const blank = Array(PIXELS).fill(0);

function showReasons({ digit, runner_up, why }) {
  const strongest = Math.max(...why.contributions.map(Math.abs));
  fillCanvas(find(".why"), (i) => {
    const share = why.contributions[i] / strongest;
    return [...(share > 0 ? FOR : AGAINST), 255 * Math.sqrt(Math.abs(share))]; // the weak show too
  });
  find(".question").textContent = text("why", { digit, runner_up });
  find(".for").textContent = text("speaks_for", { digit });
  find(".against").textContent = text("speaks_for", { digit: runner_up });
  const ink = why.contributions.reduce((sum, part) => sum + part, 0);
  // Made once and when needed: making one takes milliseconds.
  signed ??= new Intl.NumberFormat(language(), {
    maximumFractionDigits: 1,
    signDisplay: "always",
  });
  rounded ??= new Intl.NumberFormat(language(), {
    maximumSignificantDigits: 2,
    notation: "compact",
    compactDisplay: "long",
  });
  find(".sum").textContent = text("sum", {
    digit,
    runner_up,
    ink: signed.format(ink),
    constant: signed.format(why.constant),
    times: rounded.format(Math.exp(ink + why.constant)),
  });
}

function showShrunk({ pixels, probabilities }) {
  fillCanvas(find(".shrunk"), grey(pixels));
  const percents = probabilities.map((probability) => 100 * probability);
  const percent = Math.max(...percents);
  const digit = percents.indexOf(percent);
  find(".read").textContent = text("simple_read", { digit, percent: percent.toFixed(0) });
  find(".columns").ariaLabel = percents.map((p, i) => `${i}: ${p.toFixed(0)} %`).join(", ");
  columns.forEach((fill, i) => {
    fill.style.height = `${percents[i]}%`;
    fill.classList.toggle("leading", i === digit);
  });
}

function show(prediction) {
  fillCanvas(find(".saw"), grey(prediction?.pixels ?? blank));
  const explained = Boolean(prediction?.why);
  find(".legend").hidden = !explained;
  if (explained) showReasons(prediction);
  if (prediction?.shrunk) showShrunk(prediction.shrunk);
  if (prediction?.digit == null) showNothing();
  else if (prediction.details !== onScreen) askForDetails();
}

function showNothing() {
  fillCanvas(find(".why"), () => [0, 0, 0, 0]);
  fillCanvas(find(".shrunk"), grey(blank));
  find(".question").textContent = text("why_nothing");
  find(".read").textContent = text("simple_nothing");
  find(".sum").textContent = "";
  columns.forEach((fill) => (fill.style.height = 0));
}

// Explanations cost time on the way: only what can be seen is asked for.
function askForDetails() {
  element.dispatchEvent(new CustomEvent("details", { bubbles: true, detail: onScreen }));
}

new IntersectionObserver((entries) => {
  onScreen = entries.at(-1).isIntersecting;
  askForDetails();
}).observe(element);

toggle.addEventListener("click", () => {
  const checked = toggle.ariaChecked !== "true";
  toggle.ariaChecked = String(checked);
  find(".simple").hidden = !checked;
});

document.addEventListener("prediction", (event) => show(event.detail));
show(null);
