// "Train the real thing": the form of a training on the machine that serves the page, which offers
// it to nobody else. What comes of it is shown in the place of a training in the browser.

import { find, findAll, setText } from "../core/dom.js";
import { sentence, text } from "../core/texts.js";

/** @param {HTMLElement} panel @param {Page} page @returns {(seen: Seen) => void} */
export function startReal(panel, { training, settings }) {
  const real = find(".real", panel);
  real.hidden = !settings.training;
  if (!settings.training) return () => {};
  const parts = findAll(real, {
    form: "form", recipe: "[name=recipe]", loss: "[name=loss]", go: ".go", stop: ".stop",
    progress: "progress", state: ".so-far", refused: ".refused", where: ".where",
  });
  const { recipes, losses } = settings.training;
  parts.recipe.append(...recipes.map((name) => new Option(name)));
  parts.loss.append(...Object.entries(losses).map(([name, formula]) => new Option(formula, name)));
  real.addEventListener("toggle", () => real.open && training.watchReal());
  parts.form.addEventListener("submit", (event) => {
    event.preventDefault();
    training.startReal(/** @type {any} */ (Object.fromEntries(new FormData(parts.form))));
  });
  return ({ state }) => {
    showRefusal(parts, state.status === "failed" ? null : state.error);
    showProgress(parts, state.real);
  };
}

// Beside what is refused, until it is mended.
function showRefusal({ form, refused }, error) {
  for (const input of form.elements) input.ariaInvalid = String(input.name === error?.field);
  setText(refused, sentence(error));
  const field = error?.field && form.elements[error.field];
  (field?.closest("label") ?? form).append(refused);
}

function showProgress({ go, stop, progress, state: said, where }, real) {
  if (!real) return;
  const { state, directory, epochs_done, epochs, reason } = real;
  const isOngoing = state === "running" || state === "stopping";
  go.hidden = isOngoing;
  stop.hidden = progress.hidden = !isOngoing;
  stop.ariaDisabled = String(state === "stopping");
  progress.value = epochs_done / (epochs || 1);
  const key = state === "running" && !epochs ? "training_starts" : `training_${state}`;
  setText(said, state === "none" ? "" : text(key, { epochs_done, epochs, reason }));
  setText(where, directory && state !== "failed" ? text("run_directory", { directory }) : "");
}
