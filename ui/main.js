// Starts the page: what it is told of its place stands in the block "settings" of the document.

import { start as startAbout } from "./about/about.js";
import { start as startChart } from "./chart/chart.js";
import { start as startExamples } from "./examples/examples.js";
import { start as startFeedback } from "./feedback/feedback.js";
import { start as startHeading } from "./heading/heading.js";
import { start as startInside } from "./inside/inside.js";
import { start as startInsight } from "./insight/insight.js";
import { start as startInvitation } from "./invitation/invitation.js";
import { start as startSketchpad } from "./sketchpad/sketchpad.js";
import { setLanguages, speak } from "./texts.js";

export function start(languages) {
  const settings = JSON.parse(document.querySelector("#settings").textContent);
  const names = ["recognize", "network", "corrections", "training", "rehearsal", "snapshots"];
  const [recognize, network, corrections, training, rehearsal, snapshots] = names.map(
    (name) => settings[name] && (settings.root ?? "") + settings[name],
  );
  setLanguages(languages);
  const begin = (name, startPart, props = {}) => {
    const element = document.querySelector(`#${name} > .html-container`);
    speak(element);
    startPart({ element, props });
  };
  begin("heading", startHeading);
  begin("sketchpad", startSketchpad, { endpoint: recognize, network, rehearsal, version: settings.version });
  begin("chart", startChart);
  begin("feedback", startFeedback, { endpoint: corrections });
  begin("examples", startExamples, { drawings: settings.examples });
  begin("insight", startInsight);
  begin("inside", startInside, { rehearsal, snapshots, training });
  document.querySelector("#invitation").hidden = !settings.invitation;
  if (settings.invitation) begin("invitation", startInvitation, settings.invitation);
  begin("about", startAbout, { endpoint: network, corrections, card: settings.card });
}
