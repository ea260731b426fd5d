// The wall of a class: what pupils send, as it comes, and four tasks. It starts like the page and
// is wired here: room -> views.

import { find, findEach, setText } from "./core/dom.js";
import { ask, saveDrawings } from "./core/files.js";
import { createNotices } from "./core/notices.js";
import { watch } from "./core/observable.js";
import { changeLanguage, language, setLanguages, text, translatePage } from "./core/texts.js";
import { fools, readingOf } from "./recognizer/classroom.js";
import { Images } from "./session/images.js";
import { Server } from "./session/server.js";
import { changeTheme, startLooks } from "./views/looks.js";
import { createCards } from "./wall/cards.js";
import { createEverybody } from "./wall/everybody.js";
import { Lesson } from "./wall/lesson.js";
import { look } from "./wall/looking.js";
import { createPair } from "./wall/pair.js";
import { Piles } from "./wall/piles.js";
import { showPodium } from "./wall/podium.js";
import { Room } from "./wall/room.js";

const MOST_ASKED = 10; // drawings at a time

export async function start(languages) {
  /** @type {Settings} */
  const settings = JSON.parse(find("#settings").textContent);
  setLanguages(languages);
  language.subscribe(translatePage);
  translatePage();
  const page = /** @type {Page} */ ({ settings, theme: startLooks(), notices: createNotices() });
  page.server = new Server(page);
  const room = new Room(page);
  const views = await createViews(page, room);
  const { address, code } = settings.invitation;
  setText(find(".join strong"), address.replace(/^http:\/\/|\/$/g, ""));
  find(".code").src = code;
  const update = () => room.get().task && show(room, views);
  watch([room, language, views.piles, views.lesson], update);
  new ResizeObserver(update).observe(find("main"));
  startActions(page, room, views);
}

async function createViews(page, room) {
  const card = await ask(page.server.address(page.settings.network));
  const images = new Images(page);
  const [piles, lesson] = [new Piles(room, images), new Lesson(room, images)];
  // The first tap shows a drawing.
  const tap = (drawing) => {
    const { network, task } = room.get();
    if (!drawing.shown) room.order({ show: [drawing.id] });
    else if (task.kind === "piles") piles.move(drawing);
    else look(drawing, network);
  };
  const showCards = createCards(find(".wall .cards"), tap);
  const showEverybody = createEverybody(card?.provenance?.confusion);
  return { showCards, showEverybody, showPair: createPair(tap), piles, lesson };
}

function show(room, views) {
  const { task, isLost } = room.get();
  const isAsking = task.kind === "fool" && room.own.some(({ asked }) => asked);
  const kind = isAsking ? "podium" : task.kind;
  find("main").dataset.kind = kind;
  const digit = task.digit ?? "all";
  find("select").value = String(digit);
  const isAll = task.kind === "draw" && task.digit === null;
  const words = isAll ? "wall_title_all" : `wall_title_${task.kind}`;
  setText(find("h1"), text(words, { digit }));
  const isHeld = kind === "piles" && views.piles.get().chosen;
  const question = isHeld ? "wall_ask_held" : `wall_ask_${task.kind}`;
  setText(find(".question"), text(isLost ? "wall_lost" : question, { digit }));
  const drawn = { digit: task.digit ?? text("wall_all") };
  setText(find('nav [data-kind="draw"]'), text("wall_draw", drawn));
  setText(find(".ask"), text("wall_ask", { digit }));
  find(".ask").disabled = !room.shown.some(fools);
  for (const button of findEach("[data-kind]", find("nav"))) {
    button.ariaPressed = String(button.dataset.kind === task.kind);
  }
  find(".show-all").hidden = room.own.every(({ shown }) => shown);
  if (kind === "podium") return showPodium(room.shown);
  if (kind === "piles") return views.piles.show(views.showPair);
  if (kind === "teach") return views.lesson.show(views.showPair);
  views.showEverybody(room); // first: the cards get the room that it leaves
  views.showCards(room.own, ({ answer }) => readingOf(answer));
}

// One digit is to be fooled, and piles are of 1 or 7.
function fitting(kind, digit) {
  if (kind === "piles") return digit === 1 ? 1 : 7;
  return kind === "fool" ? (digit ?? 7) : digit;
}

const asRecord = ({ label, strokes }) => ({ label, strokes });

function startActions(page, room, { piles, lesson }) {
  const idsOf = (drawings) => drawings.map(({ id }) => id);
  const dialog = find("dialog");
  const actions = {
    language: changeLanguage,
    theme: () => changeTheme(page.theme),
    show_all: () => room.order({ show: idsOf(room.own) }),
    clear: () => {
      const isAll = room.get().task.kind === "teach";
      const sure = confirm(text(isAll ? "wall_clear_all_sure" : "wall_clear_sure"));
      if (sure) room.order({ remove: idsOf(room.own) });
    },
    save: () => saveDrawings("class.jsonl", room.shown.map(asRecord)),
    ask: () => room.order({ ask: idsOf(room.shown.filter(fools).slice(-MOST_ASKED)) }),
    stop_asking: () => room.order({ ask: [] }),
    teach: () => lesson.learn(),
    lend: () => lesson.lend(),
    take_back: () => room.order({ lend: null }),
    hide: () => room.order({ hide: [Number(dialog.dataset.id)] }),
    remove: () => room.order({ remove: [Number(dialog.dataset.id)] }),
  };
  const change = (changes) => {
    const { kind, digit } = { ...room.get().task, ...changes };
    room.order({ task: { kind, digit: fitting(kind, digit) } });
  };
  document.addEventListener("click", (event) => {
    const button = /** @type {any} */ (event.target).closest?.("button");
    const { action, kind, source } = button?.dataset ?? {};
    if (action) actions[action]();
    if (source) piles.learn(source);
    if (kind) change({ kind });
  });
  // Where a tap moves a drawing, another button of the mouse looks at it: it may have to go.
  document.addEventListener("contextmenu", (event) => {
    const drawing = /** @type {any} */ (event.target).closest?.(".card")?.drawing;
    if (!drawing?.shown) return;
    event.preventDefault();
    look(drawing, room.get().network);
  });
  find("select").addEventListener("change", ({ target: { value } }) => {
    change({ digit: value === "all" ? null : Number(value) });
  });
}
