// The ten bars: "prediction" events in, widths and words out.
// Gradio runs this once, with `element`, `props` and `watch`.

const NOTHING = { probabilities: Array(10).fill(0.1), digit: null };
const QUIET = 700; // milliseconds without a change before the result is read aloud

const result = element.querySelector(".result");
const digit = element.querySelector(".digit");
const sure = element.querySelector(".sure");
const spoken = element.querySelector(".spoken");
const bars = [...element.querySelectorAll(".bar")];
let speaking;

function show(prediction) {
  const { probabilities, digit: leader } = prediction || NOTHING; // Gradio gives "" for None
  const percents = probabilities.map((probability) => (100 * probability).toFixed(1));
  bars.forEach((bar, i) => {
    bar.setAttribute("aria-valuenow", percents[i]);
    bar.setAttribute("aria-valuetext", `${percents[i]} %`);
    bar.classList.toggle("leading", i === leader);
    bar.querySelector(".fill").style.transform = `translateX(${percents[i] - 100}%)`;
    bar.querySelector(".percent").textContent = `${percents[i]} %`;
  });
  result.classList.toggle("empty", leader === null);
  digit.textContent = leader ?? "?";
  sure.textContent = leader === null ? "" : `${percents[leader]} %`;
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    spoken.textContent = leader === null ? "" : `${leader}, ${percents[leader]} %`;
  }, QUIET);
}

document.addEventListener("prediction", (event) => show(event.detail));
watch("value", () => show(props.value));
show(props.value);
