// The network that reads, after this browser's lessons: taught anew from all of them whenever
// there is another network or another lesson. Nothing of it leaves the browser.

import { unzipped } from "../files.js";
import { followOtherTabs, lessons, onLessons } from "../lessons.js";
import { frameStrokes } from "../recognizer/framing.js";
import { rehearse, teach } from "../recognizer/learning.js";

// Gives what takes the networks that were found; `change` gets them as {taught, current, previous},
// where `taught` is the current one until it has learned, and where there are no lessons.
export function startTeaching(server, change) {
  let networks = { current: null };
  let rehearsed = null; // by the current one, a promise
  let taught = null;
  const prepare = () => {
    const forget = () => (rehearsed = null); // and load it another time
    const images = () => unzipped(server.props.rehearsal, window.embedded_rehearsal);
    rehearsed ??= images().then((found) => rehearse(networks.current, found));
    return rehearsed.catch(forget);
  };
  const update = async () => {
    const { current } = networks;
    const learned = lessons();
    const examples = current && learned.length ? await prepare() : null;
    if (networks.current !== current || lessons() !== learned) return; // there was another update
    taught = examples && teach(current, learned.map(framed), examples);
    change({ ...networks, taught: taught ?? current });
  };
  followOtherTabs();
  onLessons("soon", () => networks.current && prepare());
  onLessons("change", update);
  return (found) => {
    if (found.current !== networks.current) rehearsed = taught = null;
    networks = { ...found };
    change({ ...networks, taught: taught ?? networks.current });
    if (lessons().length) update();
  };
}

const framed = ({ strokes, label }) => ({ pixels: frameStrokes(strokes), label });
