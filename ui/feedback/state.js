// What may be said about the drawing on the paper, and what was: changed by these functions
// alone, which know no page. Who wants to hear of it says so with `on`.

const state = {
  drawing: [], // the strokes on the paper now, another array whenever they change
  answer: null, // the network's, about exactly that drawing
  wasAnswered: false, // that drawing, or what it grew from
  isOpen: false, // the ten digits are
  asked: null, // the digit that waits for consent
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

// "No" is there while the pen goes on after an answer, as digits name what is on the paper when
// they are chosen. "Yes" is about one answer, and so about the drawing it was given to.
export function look() {
  const isOffered = state.wasAnswered;
  const { digit = null, verdict } = state.answer ?? {};
  const right = isOffered && verdict !== "no digit" ? digit : null;
  return { ...state, isOffered, right, subject: state.answer?.written ?? state.drawing };
}

const CLOSED = { isOpen: false, asked: null };

export function setDrawing(strokes) {
  const wasAnswered = state.wasAnswered && strokes.length > 0;
  set({ ...CLOSED, drawing: strokes, wasAnswered, answer: null, message: "" });
}

// Null is the answer to an empty paper, and to what is refused.
export function setAnswer(prediction) {
  const wasAnswered = Boolean(prediction?.strokes?.length && state.drawing.length);
  const isAbout = wasAnswered && prediction.strokes === state.drawing;
  set({ wasAnswered, answer: isAbout ? prediction : null });
}

export const open = () => set({ ...CLOSED, isOpen: true });
export const close = () => set(CLOSED);
export const askConsent = (digit) => set({ ...CLOSED, asked: digit });
export const say = (message) => set({ message });
export const announceStore = () => announce("store");
