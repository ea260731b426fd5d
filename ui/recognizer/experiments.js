// Trainings that are worth a look, as settings: the usual one, and five in which something is
// changed. tests/test_training_js.py sees each do what the page says of it.

// Recipe `tutorial`, on fewer images.
/** @type {TrainingSettings} */
export const USUAL = {
  hidden: [128, 64],
  optimizer: "adam",
  learning_rate: 0.01,
  images: 5000,
  wrong_labels: 0,
  loss: "nll",
  batch: 64,
  passes: 4,
};
// What a slower machine trains.
export const SMALL = { ...USUAL, hidden: [32] };
const SGD = /** @type {const} */ ({ optimizer: "sgd", learning_rate: 0.1 });

/** @type {Record<string, TrainingSettings>} */
export const EXPERIMENTS = {
  too_fast: { ...SMALL, learning_rate: 1 },
  ten_images: { ...SMALL, ...SGD, images: 10, batch: 10, passes: 100 },
  liars: { ...SMALL, wrong_labels: 0.5 },
  no_hidden: { ...SMALL, hidden: [] },
  softmax_twice: { ...SMALL, ...SGD, loss: "softmax-cross-entropy" },
};
