// A value that others watch: the one way in which the page's modules hear of each other.

/** @template T */
export class Observable {
  #value;
  #listeners = new Set();

  /** @param {T} value never changed in place: whoever changes it sets another one */
  constructor(value) {
    this.#value = value;
  }

  /** @returns {T} */
  get() {
    return this.#value;
  }

  /** @param {T} value */
  set(value) {
    const before = this.#value;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener(value, before);
  }

  /** @param {Partial<T>} changes to some of the fields of an object */
  update(changes) {
    this.set({ ...this.#value, ...changes });
  }

  // Call `listener` with each new value and the one before it. Gives what unsubscribes it.
  /** @param {(value: T, before: T) => void} listener @returns {() => void} */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

// Call `show` now and whenever one of `observables` changes. Gives what unsubscribes it.
/** @param {Observable<any>[]} observables @param {() => void} show @returns {() => void} */
export function watch(observables, show) {
  const stops = observables.map((each) => each.subscribe(() => show()));
  show();
  return () => stops.forEach((stop) => stop());
}
