// What may be said about the drawing on the paper, and what was: changed by these functions
// alone, which know no page. Who wants to hear of it says so with `on`.

const state = {
  drawing: [], // the strokes on the paper now, another array whenever they change
  answer: null, // the network's, about exactly that drawing
  isOffered: false, // to say whether it is right: that drawing was answered, or what it grew from
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
  const { digit = null, verdict } = state.answer ?? {};
  const right = verdict === "no digit" ? null : digit;
  return { ...state, right, subject: state.answer?.written ?? state.drawing };
}

const CLOSED = { isOpen: false, asked: null };

export function setDrawing(strokes) {
  const isOffered = state.isOffered && strokes.length > 0;
  set({ ...CLOSED, drawing: strokes, isOffered, answer: null, message: "" });
}

// Null is the answer to an empty paper, and to what is refused.
export function setAnswer(prediction) {
  const isOffered = Boolean(prediction?.strokes?.length && state.drawing.length);
  const isAbout = isOffered && prediction.strokes === state.drawing;
  set({ isOffered, answer: isAbout ? prediction : null });
}

export const open = () => set({ ...CLOSED, isOpen: true });
export const close = () => set(CLOSED);
export const askConsent = (digit) => set({ ...CLOSED, asked: digit });
export const say = (message) => set({ message });
export const announceStore = () => announce("store");
