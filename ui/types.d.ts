// The shapes of the data that the page's modules hand to each other; read by the type checker alone.

type Point = number[]; // [x, y] in units of the paper, and the width of a pen that presses
type Stroke = Point[];
type Box = [left: number, top: number, right: number, bottom: number];
type Piece = [stroke: number, start: number, stop: number]; // stop is not included
type Verdict = "empty" | "sure" | "unsure" | "no digit";

interface Layer {
  weights: Int8Array | Float32Array; // input by input, as many as there are units for each
  steps: Float32Array; // a unit's weights are its step times these
  biases: Float32Array;
}

interface Network {
  name: string;
  hidden: number[];
  thresholds: { digit: number; sure: number };
  layers: Layer[];
  lessons?: number; // how many lessons it learned, where it was taught
  isOwn?: boolean; // trained and chosen in this browser
}

interface Snapshot extends Network {
  step: number;
  steps: number;
  epoch: number;
  epochs: number;
  training_loss: number | null;
  validation_loss: number | null;
  validation_accuracy: number;
  final: boolean;
}

/** What each layer makes of an image. */
interface Values {
  inputs: Float64Array; // 784, in 0..1
  layers: Float64Array[]; // the values of each layer's units
  scores: Float64Array; // those of the last one
}

/** What a network answers about one image: the fields of mnist_core's Prediction. */
interface Answer {
  probabilities: number[];
  digit: number | null;
  runner_up: number | null;
  confidence: number;
  verdict: Verdict;
  pixels: Uint8Array;
  network: string;
}

/** A change to a drawing that makes it another digit. */
interface Change {
  strokes: Stroke[]; // the drawing after it
  line: Stroke | null; // what is added
  removed: Stroke[]; // what is taken away
  price: number; // the lower the likelier that a person would point at it
  digit: number; // what the network then reads
  confidence: number;
  isSure: boolean; // its verdict is "sure"
}

/** A twelfth of a drawing's ink. */
interface PieceOfInk {
  strokes: Stroke[];
  answer: Answer; // about the drawing without it and its neighbours
  share: number; // of the lead that is lost then
}

/** What the pixels add to the log-odds of two digits on the way from blank paper. */
interface Attribution {
  contributions: number[];
  slopes: Float64Array; // at the drawing itself
  blank: number; // the log-odds of blank paper
  odds: number; // and of the drawing
  rest: number; // odds - blank - sum of contributions
}

interface NumberAnswer {
  number: string;
  digits: Answer[];
  groups?: Piece[][]; // of strokes: the pieces of each digit
  boxes?: Box[]; // of a picture: where each digit is on the paper
  confidence: number;
  verdict: Verdict;
  leastCertain: number | null; // index of the least certain digit, null where the number is sure
  at?: number; // the place of the digit that is explained
  isChosen?: boolean; // by the reader
}

interface Picture {
  canvas: HTMLCanvasElement; // what is shown and sent
  original: HTMLCanvasElement; // what it is cropped from
  data: string; // a data URL
}

/** What is to be read. */
interface Drawing {
  id: number; // another one whenever something else is on the paper
  strokes: Stroke[];
  picture: Picture | null;
  origin: number; // another one where this did not grow out of the drawing before
  isDemo: boolean; // an example that draws itself, not the reader's drawing
}

/** An answer about a drawing, or about one digit of its number. */
interface Prediction extends Answer {
  id: number; // a sequence number
  drawing: number; // the id of the drawing
  strokes: Stroke[]; // of the drawing
  picture: boolean; // it was a picture
  written: Stroke[]; // the strokes of the digit
  number: NumberAnswer | null;
  advice?: string[]; // codes: what to mend in a picture
  lessons: number; // how many lessons the network that answered had learned
}

interface Networks {
  taught: Network | null; // the one that answers: the current one after the browser's lessons
  current: Network | null;
  previous: Network | null; // the one that the server used before
}

interface Lesson {
  strokes: Stroke[];
  label: number;
}

/** A rehearsed image or a lesson, as the last layer sees it. */
interface Example {
  answer: Float64Array; // probabilities before learning
  inputs: Int32Array; // which of the layer's inputs are not 0
  values: Float64Array; // and what they are
}

interface Orders {
  order: number[]; // units, so that neighbours do alike
  starts: number[]; // where each digit's begin, and those that are never on
}

/** A unit of a hidden layer; layer 0 follows the pixels. */
interface Unit {
  layer: number;
  unit: number;
}

/** What one input of a layer does, by way of one of its units, for a digit. */
interface Thread {
  from: number;
  to: number;
  amount: number;
}

/** What the inside of a network shows: `values` is null where nothing is drawn. */
interface Scene {
  network: Network;
  orders: Orders[];
  values: Values | null;
  read: number | null; // the digit that the network reads
  digit: number | null; // whose threads these are
  threads: Thread[][];
  slopes: Float64Array[]; // how much its score grows with the value of each unit
  held: Unit | null;
  pictureOf: (layer: number, unit: number) => Float64Array; // what it looks for
}

/** Where the diagram has everything: see views/scene.js. */
interface Sight {
  steps: number[]; // the columns to which threads are shown
  places: (number[] | null)[][]; // for each column, the middles of what it consists of
  layers: Map<number, (number[] | null)[]>; // the columns of units
  spans: { x: number; width: number }[]; // of the layers
  cell: number; // the size of a unit with its gap
  picture: { x: number; y: number; size: number } | null;
  lanes: number[]; // the heights of the ten lanes' middles
  tiles: (Unit & { x: number; y: number; size: number })[];
}

/** A sentence for the reader: a key of the texts and its values. */
interface Message {
  key: string;
  values?: Record<string, string | number>;
}

/** What document.py writes into the page. */
interface Settings {
  root?: string;
  version?: string;
  recognize?: string;
  network?: string;
  network_name?: string;
  previous_name?: string | null;
  corrections?: string | null;
  training?: {
    address: string;
    recipes: string[];
    losses: Record<string, string>; // the formula of each
  } | null;
  images?: string;
  test_images?: string;
  invitation?: { address: string; code: string } | null;
  class?: string | null;
  wall?: string; // of the teacher's page alone
  documents?: boolean;
  signed_in?: boolean;
  card?: Card;
  examples: { strokes: Stroke[]; style: string; label: number }[];
}

/** What a class does; without a digit all of them in turn. */
interface Task {
  kind: "draw" | "fool" | "piles" | "teach";
  digit: number | null;
}

/** A drawing on the wall of a class. */
interface OnWall {
  id: number;
  label: number;
  task: Task["kind"];
  strokes: Stroke[];
  shown: boolean;
  asked: boolean; // the class is asked whether it is its label
  votes: number;
  yes: number;
  answer: Answer; // of the shipped network
}

/** What the model card says: see docs/api.md. */
interface Card {
  name: string;
  hidden: number[];
  previous?: string | null;
  provenance?: Record<string, any>;
}

/** What a reader is told in passing. */
interface Notices {
  paper: Message | null; // about the drawing, or about the server that reads it
  isAboutServer: boolean; // which stays until the server answers
  reload: Message | null; // why the page should be loaded again
  feedback: Message | null; // about what was taught or given
}

interface SessionState {
  drawing: Drawing; // what is on the paper
  prediction: Prediction | null; // the last one; null for an empty paper and where refused
  networks: Networks;
  compared: number | null; // a digit that the reader asks about
}

/** Images of MNIST, 784 grey values one after the other, and what they were meant as. */
interface LabelledImages {
  images: Uint8Array;
  labels: Uint8Array;
}

/** Images as lists of their pixels that are not 0. */
interface Ink {
  starts: Int32Array; // where each image's pixels begin, and where the last one's end
  places: Int32Array; // of a pixel in its image: 0..783
  values: Float32Array; // in 0..1
}

/** How a network is trained in the page. */
interface TrainingSettings {
  hidden: number[]; // widths of the hidden layers
  optimizer: "sgd" | "adam";
  learning_rate: number;
  images: number; // how many it learns from, at most 5,000
  wrong_labels: number; // the share whose label is drawn at random, in 0..1
  loss: string; // a name of mnist_core/training/recipes.py's LOSSES
  batch: number;
  passes: number; // through the images
}

/** A network at some point of its training. Shares are in 0..1. */
interface Moment {
  seen: number; // images so far, those of earlier passes too
  pass: number; // through its images, from 1 on; with a fraction where a server trains
  own: number | null; // the share of its own images that it reads as they are labelled
  fresh: number; // the share of images that it never learned from that it reads right
  surprise: number; // its mean loss on them
  guesses: Uint8Array; // what it takes the first forty of them for
  network: Network;
  broken: boolean; // it has values that are no numbers
}

/** One step on one image, seen closely. */
interface TrainingStep {
  pixels: Uint8Array;
  label: number; // as it was labelled
  probabilities: Float32Array; // before the step
  loss: number;
  change: Float32Array[]; // to each layer's weights
}

/** A training that the page shows. */
interface TrainingState {
  settings: TrainingSettings & { speed: number }; // beside the usual speed
  status: "idle" | "loading" | "running" | "paused" | "over" | "failed";
  source: "browser" | "server";
  moments: Moment[];
  at: number; // which of them is shown
  last: Moment[]; // of the run before: without networks
  step: TrainingStep | null; // the one that led to the last moment, where it was one
  error: (Message & { field?: string }) | null; // the field of the form that is refused
  real: RealTraining | null; // the latest on the server's machine
}

/** What the networks of a training make of the drawing. */
interface Yours {
  now: Float64Array | null; // probabilities at the moment that is shown
  digit: number | null; // what the page's own network reads
  answers: Float64Array[]; // of all moments
  read: number[]; // the likeliest digits in them
  since: number | null; // the first moment from which on all read `digit`; null: the last does not
}

/** What the parts of "Watch it learn" show. */
interface Seen {
  state: TrainingState;
  moment: Moment | null;
  yours: Yours;
  prediction: Prediction | null;
}

/** What the server says of a training: State in serving/training.py. */
interface RealTraining {
  state: "none" | "running" | "stopping" | "finished" | "stopped" | "failed";
  run: string | null;
  directory: string | null;
  epochs_done: number;
  epochs: number | null;
  bytes: number;
  reason: string | null;
}

/** What the explanations explain. */
interface Reasons {
  prediction: Prediction;
  network: Network; // that made it
  digit: number;
  other: number | null; // the digit that it is compared with; null: the nine others
  isAtRest: boolean; // nobody is drawing
}

/** What the page is a stage for; null: the ordinary page. */
type Stage = null | "inside" | "learn";

/** The parts of the page, which main.js puts together: each is made of those before it. */
interface Page {
  settings: Settings;
  theme: Observable;
  notices: import("./core/observable.js").Observable<Notices>;
  stage: import("./core/observable.js").Observable<Stage>;
  paper: Paper;
  server: Server;
  source: NetworkSource;
  images: Images;
  lessons: Lessons;
  teaching: Teaching;
  session: Session;
  changes: Changes;
  giving: Giving;
  feedback: Feedback;
  training: Training;
}

type Observable = import("./core/observable.js").Observable<any>;
type Paper = import("./paper/paper.js").Paper;
type Server = import("./session/server.js").Server;
type NetworkSource = import("./session/networks.js").NetworkSource;
type Images = import("./session/images.js").Images;
type Lessons = import("./session/lessons.js").Lessons;
type Teaching = import("./session/teaching.js").Teaching;
type Session = import("./session/session.js").Session;
type Changes = import("./session/changes.js").Changes;
type Giving = import("./session/giving.js").Giving;
type Feedback = import("./session/feedback.js").Feedback;
type Room = import("./wall/room.js").Room;
type Training = import("./session/training.js").Training;
