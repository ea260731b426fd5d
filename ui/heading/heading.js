// The page's title in the reader's language.

import { speak } from "../texts.js";

export function start(component) {
  speak(component);
}
