// Starts the page and wires it: paper -> session -> views. What it is told of its place stands in
// the document's block "settings". A button is a line of index.html with a data-action, a text and
// a line of `actions`.

import { find, findEach } from "./core/dom.js";
import { createNotices, hush } from "./core/notices.js";
import { Observable, watch } from "./core/observable.js";
import { changeLanguage, language, setLanguages, text, translatePage } from "./core/texts.js";
import { copyLink, startAddress } from "./paper/address.js";
import { startKeyboard } from "./paper/keyboard.js";
import { startPainting } from "./paper/painting.js";
import { Paper } from "./paper/paper.js";
import { startPen } from "./paper/pen.js";
import { startPictures } from "./paper/pictures.js";
import { Changes } from "./session/changes.js";
import { Feedback } from "./session/feedback.js";
import { Giving } from "./session/giving.js";
import { Images } from "./session/images.js";
import { Lessons } from "./session/lessons.js";
import { NetworkSource } from "./session/networks.js";
import { Server } from "./session/server.js";
import { Session } from "./session/session.js";
import { Teaching } from "./session/teaching.js";
import { Training } from "./session/training.js";
import { work } from "./session/worker.js";
import { startAbout } from "./views/about.js";
import { startBrackets } from "./views/brackets.js";
import { startClass } from "./views/class.js";
import { startCrop } from "./views/crop.js";
import { startExamples } from "./views/examples.js";
import { chooseDigit, startFeedback, toggleDigits } from "./views/feedback.js";
import { deleteAll, exportGiven, startGiven } from "./views/given.js";
import { startGhost } from "./views/ghost.js";
import { startInside } from "./views/inside.js";
import { startInsight } from "./views/insight.js";
import { startLearn } from "./views/learn.js";
import { changeTheme, startLooks } from "./views/looks.js";
import { startNotices } from "./views/notices.js";
import { startResult } from "./views/result.js";
import { openWanted, startStage, toggleStage } from "./views/stage.js";
import { startTools } from "./views/tools.js";

const VIEWS = [
  startNotices, startResult, startBrackets, startCrop, startGhost, startInsight, startFeedback,
  startGiven,
  startAbout, startStage, startInside, startLearn, startClass,
];

export function start(languages) {
  if (!globalThis.document) return work();
  /** @type {Settings} */
  const settings = JSON.parse(find("#settings").textContent);
  setLanguages(languages);
  translatePage();
  language.subscribe(translatePage); // first: the views say more than the markup
  const page = createPage(settings);
  startViews(page);
  const opened = startPaper(page);
  startActions(page);
  page.source.start();
  startExamples(page, opened);
  openWanted(page.stage);
}

/** @returns {Page} */
function createPage(settings) {
  const page = /** @type {Page} */ ({ settings, theme: startLooks(), notices: createNotices() });
  page.stage = new Observable(null);
  page.paper = new Paper();
  page.server = new Server(page);
  page.source = new NetworkSource(page);
  page.images = new Images(page);
  page.lessons = new Lessons();
  page.teaching = new Teaching(page);
  page.session = new Session(page);
  page.changes = new Changes(page);
  page.giving = new Giving(page);
  page.feedback = new Feedback(page);
  page.training = new Training(page);
  return page;
}

// Gives a promise: what was kept or linked is on the paper.
function startPaper(page) {
  const { theme, notices, paper, session } = page;
  const canvas = find(".paper canvas");
  startPainting(canvas, paper, theme);
  const choose = (at) => session.decide({ at });
  startPen(canvas, paper, notices, { digitAt: (point) => session.digitAt(point), choose });
  startKeyboard(canvas, paper, notices);
  startPictures(page);
  paper.subscribe((state, before) => state.steps !== before.steps && hush(notices, false));
  return startAddress(page);
}

function startViews(page) {
  const { settings, server } = page;
  startTools(page.paper);
  for (const startView of VIEWS) startView(page);
  placeLinks(settings, server);
}

// What not every page has: lessons and API beside it, pictures, an invitation, a way to log out.
function placeLinks({ recognize, invitation, documents, signed_in }, server) {
  find(".picture").hidden = !recognize;
  watch([language], () => {
    for (const link of findEach("a[data-lesson]")) {
      const href = server.address(`${text("lesson_file")}#part-${link.dataset.lesson}`);
      Object.assign(link, { href, hidden: !(documents ?? recognize), target: "_blank" });
    }
  });
  const logOut = find(".log-out");
  logOut.hidden = !signed_in;
  logOut.action = server.address("logout");
  find("#invitation").hidden = !invitation;
  if (!invitation) return;
  const { address, code } = invitation;
  Object.assign(find("#invitation a"), { href: address, textContent: address });
  find("#invitation img").src = code;
}

function startActions(page) {
  const actions = actionsOf(page);
  document.addEventListener("click", (event) => {
    const button = /** @type {any} */ (event.target).closest?.("[data-action]");
    if (button && button.ariaDisabled !== "true") actions[button.dataset.action](button);
  });
}

// What each button does, by its data-action. It gets the button.
function actionsOf(page) {
  const { theme, paper, lessons, teaching, session, changes, giving, feedback } = page;
  const no = find(".no");
  const digitOf = (button) => Number(button.closest("[data-digit]").dataset.digit);
  return {
    language: changeLanguage,
    theme: () => changeTheme(theme),
    undo: () => paper.undo(),
    redo: () => paper.redo(),
    erase: () => paper.setErasing(!paper.get().erasing),
    clear: () => paper.clear(),
    picture: () => find(".choose").click(),
    link: () => copyLink(page),
    reload: () => location.reload(),
    compare: (button) => session.compare(digitOf(button)),
    change: () => changes.apply(),
    ghost: () => changes.setOn(!changes.get().isOn),
    yes: () => feedback.choose(feedback.right),
    no: () => {
      teaching.prepare();
      toggleDigits(feedback);
    },
    choose: (button) => chooseDigit(feedback, no, digitOf(button)),
    agree: () => feedback.agree(),
    decline: () => feedback.decline(),
    forget: () => {
      feedback.forget();
      no.focus();
    },
    forget_all: () => lessons.forgetAll(),
    stage: (button) => toggleStage(page.stage, button.value),
    stop: () => page.training.stopReal(),
    use: () => page.training.use(),
    return: () => page.source.useOwn(null),
    export: () => exportGiven(giving),
    delete_all: (button) => deleteAll(giving, button),
  };
}
