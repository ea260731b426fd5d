// Light or dark: the system's, or what the reader chose.

import { Observable } from "../core/observable.js";
import { oneOf, remember, remembered } from "../core/storage.js";

const THEME = "theme"; // in localStorage: "dark" or "light"

// Gives the theme, "dark" or "light", as something to watch.
export function startLooks() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const ofSystem = () => (system.matches ? "dark" : "light");
  const wanted = () => remembered(THEME, oneOf("dark", "light")) ?? ofSystem();
  const theme = new Observable(wanted());
  theme.subscribe((value) => (document.documentElement.dataset.theme = value));
  const update = () => theme.set(wanted());
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", update);
  }
  update();
  return theme;
}

/** @param {Observable<string>} theme */
export function changeTheme(theme) {
  theme.set(theme.get() === "dark" ? "light" : "dark");
  remember(THEME, theme.get());
}
