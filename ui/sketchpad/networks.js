// The network that reads in the browser and the one before it: from the server, which is asked
// for newer ones after the pen, or from the page itself, which then needs no server.

import { fromPage } from "../files.js";
import { readNetwork } from "../recognizer/network.js";
import { remember, remembered } from "../storage.js";
import { request } from "./asking.js";
import { tell } from "./notice.js";
import { look, on } from "./state.js";

const OWN = "network"; // in localStorage, where it has room: a file in base64
const PAUSE = 3000; // milliseconds between what somebody does and a look for a newer network
const MOMENT = 200; // the same where the pen is down then: drawing is not disturbed
const TIMEOUT = 120000; // until a file counts as lost: slow links take a quarter of a minute

// `change` gets {current, previous}, networks or null, whenever they are others. One that somebody
// trained and chose, which comes as a file with the event "use", or null to leave it, is the
// current one in this browser, and the page's the one before.
export function startNetworks(server, change) {
  let [found, own] = [{ current: null, previous: null }, ownNetwork()];
  const announce = () => change(own ? { current: own, previous: found.current } : found);
  document.addEventListener("use", ({ detail: file }) => {
    own = file && asOwn(file);
    const isKept = remember(OWN, file ? toLetters(file) : "");
    if (file && !isKept) tell(server.element, "network_unkept");
    announce();
  });
  if (own) announce();
  startFound(server, (networks) => {
    found = networks;
    announce();
  });
}

function startFound(server, change) {
  if (!server.props.network) {
    const current = readNetwork(fromPage(window.embedded_network).buffer);
    return change({ current, previous: null });
  }
  const networks = { current: null, previous: null };
  let isDue = true;
  let isLooking = false;
  const update = async () => {
    if (isLooking || look().pointer || look().stroke) return setTimeout(update, MOMENT);
    isDue = false; // what is done from now on asks for another look
    isLooking = true;
    await load(server, networks, change).catch(() => {}); // those before go on, or the server
    isLooking = false;
  };
  on("rest", () => {
    if (!isDue) setTimeout(update, PAUSE);
    isDue = true;
  });
  setTimeout(update, MOMENT); // the paper first
}

async function load(server, networks, change) {
  const address = server.props.network;
  const had = Object.values(networks);
  const find = (name) => had.find((network) => network?.name === name) ?? null;
  const get = async (name) =>
    find(name) ??
    readNetwork(await (await fetchLow(server, `${address}/${name}.bin`)).arrayBuffer());
  const set = (current, previous) => {
    if (networks.current === current && networks.previous === previous) return;
    Object.assign(networks, { current, previous });
    change(networks);
  };
  const { name, previous } = await (await fetchLow(server, address)).json();
  set(await get(name), find(previous));
  if (previous) set(networks.current, await get(previous));
}

// After whatever the page is waiting for.
async function fetchLow(server, address) {
  const options = { priority: "low", signal: AbortSignal.timeout(TIMEOUT) };
  const response = await request(server, address, options);
  if (!response.ok) throw new Error(response.status);
  return response;
}

const asOwn = (file) => ({ ...readNetwork(file.slice().buffer), isOwn: true });
const toLetters = (file) => btoa(Array.from(file, (byte) => String.fromCharCode(byte)).join(""));

// Null where there is none, or one of another version.
const ownNetwork = () => remembered(OWN, (letters) => asOwn(fromPage(letters)));
