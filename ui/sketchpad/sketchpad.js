// The paper: pen, keys and pictures in, "drawing" and "prediction" events out. Its parts meet
// in state.js.

import { startAddress } from "./address.js";
import { hush } from "./notice.js";
import { startPainting } from "./painting.js";
import { startPen } from "./pen.js";
import { startPictures } from "./pictures.js";
import { startReading } from "./reading.js";
import { demonstrate, replay } from "./replay.js";
import { isUntouched, on } from "./state.js";
import { startKeyboard, startTools } from "./tools.js";

export function start({ element, props }) {
  const canvas = element.querySelector("canvas");
  on("step", () => hush(element, false));
  startTools(element);
  startPainting(canvas);
  startReading({ element, props });
  startPen(canvas);
  startKeyboard(element, canvas);
  startPictures(element, props.endpoint);
  document.addEventListener("draw", (event) => replay(event.detail));
  const opened = startAddress(element);
  document.addEventListener("demonstrate", async ({ detail }) => {
    await opened; // or it would be shown before a picture that was kept
    if (isUntouched()) demonstrate(detail);
  });
}
