// What the teacher's browser knows of the class, and what it asks of the server.

import { Observable } from "../core/observable.js";
import { readNetwork } from "../recognizer/network.js";
import { predictStrokes } from "../recognizer/recognizer.js";
import { follow } from "../session/stream.js";

const START = {
  task: /** @type {Task | null} */ (null),
  drawings: /** @type {OnWall[]} */ ([]), // the oldest first
  network: /** @type {Network | null} */ (null),
  isLent: false,
  isLost: false, // the server refuses: it was started anew
};

/** @extends {Observable<typeof START>} */
export class Room extends Observable {
  #server;
  #address;

  /** @param {{settings: Settings, server: Server}} page */
  constructor({ settings, server }) {
    super(START);
    this.#server = server;
    this.#address = settings.wall;
    this.#start(settings);
  }

  /** @param {Settings} settings */
  async #start({ network, network_name: name }) {
    const response = await this.#server.request(`${network}/${name}.bin`, { timeout: 120000 });
    this.update({ network: readNetwork(await response.arrayBuffer()) });
    follow(this.#server.address(`${this.#address}/stream`), (news) => this.#take(news));
  }

  // A pupil's browser is not trusted: what was drawn is read here.
  #take(news) {
    if (!news) return this.update({ isLost: true });
    const { task, lent, changed, ids } = news;
    const drawings = new Map(this.get().drawings.map((drawing) => [drawing.id, drawing]));
    for (const drawing of changed) {
      const known = drawings.get(drawing.id)?.answer;
      const answer = known ?? predictStrokes(this.get().network, drawing.strokes);
      drawings.set(drawing.id, { ...drawing, answer });
    }
    const left = [...drawings.values()].filter(({ id }) => ids.includes(id));
    this.update({ task, drawings: left, isLent: lent, isLost: false });
  }

  // The drawings of the task.
  get own() {
    const { task, drawings } = this.get();
    const isOwn = ({ task: kind, label }) => kind === task.kind && label === (task.digit ?? label);
    return task?.kind === "teach" ? drawings : drawings.filter(isOwn);
  }

  get shown() {
    return this.own.filter(({ shown }) => shown);
  }

  // See the server's Command.
  order(command) {
    const options = { method: "POST", body: JSON.stringify(command) };
    return this.#server.request(this.#address, options).catch(() => {});
  }
}
