// The strip of a pupil's page in a class: the task and "Send", or what the class is asked. In a
// page without a server "?task=7" is the task, and the drawing is saved as a file.

import { addThumbnail, find, findAll, setText } from "../core/dom.js";
import { saveDrawings } from "../core/files.js";
import { Observable, watch } from "../core/observable.js";
import { language, sentence, text } from "../core/texts.js";
import { refusal } from "../session/server.js";
import { follow } from "../session/stream.js";

const EACH = { piles: 3 }; // drawings of a task that every pupil sends

const START = {
  task: /** @type {Task | null} */ (null),
  asked: [], // {id, label, strokes}: what the class is asked about
  answered: /** @type {string[]} */ ([]), // of these, as JSON: a new server counts anew
  isLent: false, // the network of the class reads
  count: 0, // sent for this task
  sent: -1, // the id of the last drawing that was sent
  said: /** @type {Message} */ ({ key: "class_seen" }),
};

/** @param {Page} page */
export function startClass(page) {
  const { settings, server, session, source } = page;
  const alone = new URLSearchParams(location.search).get("task");
  if (!settings.class && !/^[0-9]$/.test(alone)) return;
  const lesson = new Observable(START);
  const parts = findAll(find("#class"), {
    drawing: ".drawing", task: ".task", note: ".note", first: ".first", second: ".second",
  });
  parts.first.addEventListener("click", () => act(page, lesson, true));
  parts.second.addEventListener("click", () => act(page, lesson, false));
  watch([lesson, session, language], () => show(parts, lesson.get(), page));
  if (!settings.class) {
    const task = { kind: "teach", digit: Number(alone) };
    return lesson.update({ task: /** @type {Task} */ (task), said: { key: "class_alone" } });
  }
  follow(server.address(`${settings.class}/stream`), (news) => {
    if (!news) return lesson.update({ said: { key: "class_lost" } });
    const { task, asked, lent } = news;
    const { task: before, isLent, said, answered } = lesson.get();
    const isNew = before?.kind !== task.kind || before.digit !== task.digit;
    if (lent !== undefined) source.lend(lent);
    const changes = { task, asked, isLent: lent === undefined ? isLent : lent !== null };
    const isBack = said.key === "class_lost";
    if (before && isNew) page.paper.clear(); // or the old 7 is sent as a 3; undo brings it back
    const fresh = isNew ? { ...START, answered } : isBack ? { said: START.said } : {};
    lesson.update({ ...fresh, ...changes });
  });
}

const digitOf = ({ task, count }) => task.digit ?? count % 10;
const questionOf = ({ asked, answered }) =>
  asked.find((each) => !answered.includes(JSON.stringify(each)));
const isOver = ({ task, count }) => count >= (EACH[task.kind] ?? Infinity);

function show(parts, state, { session, settings, stage }) {
  const { task, count, sent, said, isLent } = state;
  find("#class").hidden = !task && said === START.said;
  if (!task) return setText(parts.note, sentence(said)); // refused from the beginning
  const { id, strokes, picture, isDemo } = session.get().drawing;
  const [question, isSent] = [questionOf(state), id === sent];
  // Or pupils mend what they see.
  const isSecret = task.kind === "draw" && !isSent;
  document.documentElement.classList.toggle("secret", isSecret);
  // The stage shows it too, and on a phone it hides the strip.
  if ((isSecret || question) && stage.get()) stage.set(null);
  parts.drawing.replaceChildren();
  if (question) addThumbnail(parts.drawing, question.strokes, [0, 0, 1000, 1000]);
  const place = isSent ? count - 1 : count; // of the drawing on the paper among this task's
  const digit = question?.label ?? digitOf({ task, count: place });
  const key = question ? "class_is_it" : `class_${task.kind}`;
  setText(parts.task, text(key, { digit, count: Math.min(place + 1, EACH.piles) }));
  const note = isLent && said === START.said ? { key: "class_lent" } : said;
  setText(parts.note, question ? "" : sentence(note));
  const send = settings.class ? "class_send" : "class_save";
  parts.first.textContent = text(question ? "yes" : isSent ? "class_again" : send);
  parts.first.hidden = !question && isSent && isOver(state);
  const isEmpty = !strokes.length || Boolean(picture) || isDemo;
  parts.first.ariaDisabled = !question && isEmpty && !isSent;
  parts.second.hidden = !question;
  parts.second.textContent = text("no");
}

async function act(page, lesson, isFirst) {
  const state = lesson.get();
  const { id, strokes } = page.session.get().drawing;
  const [question, label] = [questionOf(state), digitOf(state)];
  if (find(`#class .${isFirst ? "first" : "second"}`).ariaDisabled === "true") return;
  if (question) {
    lesson.update({ answered: [...state.answered, JSON.stringify(question)] });
    return post(page, "/vote", { id: question.id, yes: isFirst });
  }
  if (id === state.sent) return page.paper.clear();
  if (!page.settings.class) return saveDrawings(`${label}.jsonl`, [{ label, strokes }]);
  lesson.update({ sent: id, count: state.count + 1 }); // or a second tap would send it again
  const { said, ok } = await post(page, "", { label, strokes });
  lesson.update(ok ? { said } : { sent: state.sent, count: state.count, said });
}

async function post({ server, settings }, place, content) {
  const options = { method: "POST", body: JSON.stringify(content) };
  const response = await server.request(settings.class + place, options).catch(() => null);
  if (response?.ok) return { ok: true, said: { key: "class_sent" } };
  const found = await response?.json().catch(() => null);
  return { ok: false, said: found ? refusal(found, "class_lost") : { key: "class_lost" } };
}
