// What may be said about the drawing on the paper, and what was: changed by these functions
// alone, which know no page. Who wants to hear of it says so with `on`.

const state = {
  drawing: [], // the strokes on the paper now, another array whenever they change
  answer: null, // the network's, about exactly that drawing
  wasAnswered: false, // that drawing, or what it grew from
  asked: null, // the digit that waits for consent
  isBusy: false, // a correction is on its way to the server, or back
  given: null, // what was kept about this drawing: {id, canBeTakenBack}
  message: "", // what is said about all this
};

// "change": something else can be said; "store": the server keeps something else.
const events = new EventTarget();
const announce = (event) => events.dispatchEvent(new Event(event));

export const on = (event, listener) => events.addEventListener(event, listener);

function set(changes) {
  Object.assign(state, changes);
  announce("change");
}

// Digits are offered while the pen goes on after an answer, as they name what is on the paper
// when they are chosen. "Right" is about one answer, and so about the drawing it was given to.
export function look() {
  const isOffered = state.wasAnswered && !state.given;
  const right = isOffered && !state.isBusy ? (state.answer?.digit ?? null) : null;
  return { ...state, isOffered, right };
}

export function setDrawing(strokes) {
  const wasAnswered = state.wasAnswered && strokes.length > 0;
  set({ drawing: strokes, wasAnswered, answer: null, asked: null, given: null, message: "" });
}

// Null is the answer to an empty paper, and to what is refused.
export function setAnswer(prediction) {
  const wasAnswered = Boolean(prediction?.strokes?.length && state.drawing.length);
  set({ wasAnswered, answer: wasAnswered && prediction.strokes === state.drawing ? prediction : null });
}

export const askConsent = (digit) => set({ asked: digit });
export const say = (message) => set({ message });
export const setBusy = (isBusy) => set({ isBusy, asked: null }); // one request at a time

export function keep(strokes, id) {
  if (strokes === state.drawing) set({ given: { id, canBeTakenBack: true } });
  announce("store");
}

export function stopTakingBack(id) {
  if (state.given?.id === id) set({ given: { id, canBeTakenBack: false } });
}

// The server keeps no longer the correction `id`, or any of this browser's.
export function forget(id = state.given?.id) {
  if (state.given?.id === id) set({ given: null });
  announce("store");
}
