// The page's title, and what a reader may choose of its looks: the language, and light or dark.

import { send } from "../elements.js";
import { oneOf, remember, remembered } from "../storage.js";
import { chooseLanguage, text } from "../texts.js";

const THEME = "theme"; // in localStorage: "dark" or "light"; else it is the system's

export function start({ element }) {
  const { classList } = document.body;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const chosen = remembered(THEME, oneOf("dark", "light"));
    const isDark = (chosen ?? (system.matches ? "dark" : "light")) === "dark";
    classList.toggle("dark", isDark);
    classList.toggle("light", !isDark);
  };
  show();
  system.addEventListener("change", show);
  element.querySelector(".theme").addEventListener("click", () => {
    remember(THEME, classList.contains("dark") ? "light" : "dark");
    show();
  });
  element.querySelector(".language").addEventListener("click", () => {
    chooseLanguage(text("other_code"));
    send(element, "listening"); // what was said is said again
  });
}
