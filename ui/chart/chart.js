// The ten bars: "prediction" events in, widths and words out.
// Gradio runs this once, with `element`, `props` and `watch`.

const NOTHING = { probabilities: Array(10).fill(0.1), verdict: "empty" };
const QUIET = 700; // milliseconds without a change before the result is read aloud

const result = element.querySelector(".result");
const digit = element.querySelector(".digit");
const comment = element.querySelector(".comment");
const spoken = element.querySelector(".spoken");
const bars = [...element.querySelectorAll(".bar")];
let speaking;

function show(prediction) {
  const { probabilities, verdict, ...leaders } = prediction || NOTHING; // Gradio gives "" for None
  const percents = probabilities.map((probability) => (100 * probability).toFixed(1));
  const [shown, said] = {
    empty: ["?", text("nothing")],
    sure: [leaders.digit, text("sure", { percent: percents[leaders.digit] })],
    unsure: [leaders.digit, text("not_sure", leaders)],
    "no digit": ["?", text("no_digit")],
  }[verdict];
  const leading = verdict === "sure" || verdict === "unsure" ? leaders.digit : null;
  bars.forEach((bar, i) => {
    bar.setAttribute("aria-valuenow", percents[i]);
    bar.setAttribute("aria-valuetext", `${percents[i]} %`);
    bar.classList.toggle("leading", i === leading);
    bar.querySelector(".fill").style.transform = `translateX(${percents[i] - 100}%)`;
    bar.querySelector(".percent").textContent = `${percents[i]} %`;
  });
  result.dataset.verdict = verdict;
  digit.textContent = shown;
  comment.textContent = said;
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    const words = verdict === "sure" ? `${shown}, ${said}` : said;
    const news = spoken.textContent !== words; // else it would be read out again
    if (news && (prediction || spoken.textContent)) spoken.textContent = words;
  }, QUIET);
}

document.addEventListener("prediction", (event) => show(event.detail));
watch("value", () => show(props.value));
show(props.value);
