// The network as a picture that is painted whenever there is another scene, and what one can do
// with it: point at a unit, hold one, go through a layer with the arrow keys, and through the
// layers where the window shows one at a time.

import { add, find, findAll, findEach } from "../core/dom.js";
import { formatNumber, text } from "../core/texts.js";
import { countActive } from "../recognizer/units.js";
import { paintDiagram } from "./diagram_painting.js";
import { nearestUnit } from "./lanes.js";
import { narrowSight, wideSight } from "./scene.js";

const WIDE = "(min-width: 960px) and (min-height: 600px)"; // as in stage.css
const REACH = { mouse: 8, touch: 24 }; // CSS pixels between a unit and what points at it
const SWIPE = 40; // CSS pixels

export class Diagram {
  #parts;
  #acts;
  #scene = /** @type {Scene | null} */ (null);
  #room = { width: 0, height: 0, lanes: [], isWide: true, scale: 1 };
  #sight = /** @type {Sight | null} */ (null);
  #known = { room: null, orders: null }; // for which that is
  #step = 0;
  #front = Infinity;

  /** @typedef {(unit: Unit | null) => void} Choose */
  /** @param {Element} panel @param {{point: Choose, hold: Choose}} acts */
  constructor(panel, acts) {
    this.#acts = acts;
    this.#parts = findAll(panel, {
      view: ".view", canvas: "canvas", heads: ".heads", sliders: ".sliders", dots: ".dots",
      back: ".back", on: ".on",
    });
    this.#follow();
    const { back, on, view } = this.#parts;
    back.addEventListener("click", () => this.#go(this.#step - 1));
    on.addEventListener("click", () => this.#go(this.#step + 1));
    const observer = new ResizeObserver(() => this.#measure());
    for (const each of [view, find(".bars")]) observer.observe(each);
  }

  /** @param {Scene} scene */
  show(scene) {
    if (scene.orders !== this.#scene?.orders) this.#addSliders(scene);
    this.#scene = scene;
    this.#paint();
  }

  // Show a wave `share` of its way from the pixels to the scores. Gives the stage it has come to: 0
  // are the pixels, then the layers, then the scores. Where one layer is shown at a time, a slow
  // one goes from each to the next.
  showWave(share, isSlow) {
    const [{ width, isWide }, last] = [this.#room, this.#scene.orders.length + 1];
    const stage = Math.min(Math.floor(share * (last + 1)), last);
    const part = share * (last + 1) - stage;
    if (isWide) {
      const ends = this.#sight.spans.map(({ x, width: wide }) => x + wide);
      const stops = [0, this.#sight.picture.size, ...ends, width];
      this.#front = stops[stage] + part * (stops[stage + 1] - stops[stage]);
    } else if (isSlow) {
      this.#step = Math.min(stage, last - 1);
      this.#front = stage === last ? width : part * width;
    } else this.#front = share * width;
    if (share >= 1) this.#front = Infinity;
    this.#paint();
    return stage;
  }

  #go(step) {
    this.#step = Math.max(0, Math.min(this.#scene.orders.length, step));
    this.#paint();
  }

  #measure() {
    const { view, canvas } = this.#parts;
    const { top, width, height } = view.getBoundingClientRect();
    if (width === 0) return; // another view is open
    const isWide = matchMedia(WIDE).matches;
    const tracks = findEach(".bars .track").map((track) => track.getBoundingClientRect());
    const levels = tracks.map((box) => box.top + box.height / 2 - top);
    const lanes = isWide ? levels : levels.map((_, digit) => (height * (digit + 0.5)) / 10);
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    this.#room = { width, height, lanes, isWide, scale };
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    this.#paint();
  }

  #paint() {
    const [scene, { width, scale }, { canvas }] = [this.#scene, this.#room, this.#parts];
    if (!scene || width === 0) return;
    this.#look(scene);
    const { color, borderColor, outlineColor } = getComputedStyle(canvas);
    const colours = { ink: color, line: borderColor, muted: outlineColor };
    paintDiagram(canvas.getContext("2d"), this.#sight, scene, colours, scale, this.#front);
    this.#showHeads();
    this.#showSliders();
  }

  // Wide, everything stays where it is while somebody draws.
  #look(scene) {
    const [room, { orders }] = [this.#room, scene];
    if (room.isWide && this.#known.room === room && this.#known.orders === orders) return;
    this.#known = { room, orders };
    this.#sight = room.isWide
      ? wideSight(scene, room, room.scale)
      : narrowSight(scene, room, room.scale, Math.min(this.#step, orders.length));
  }

  #showHeads() {
    const { heads, dots, back, on } = this.#parts;
    const { orders, values } = this.#scene;
    const columns = headsOf(this.#scene, this.#sight, this.#room.isWide);
    const key = JSON.stringify(columns);
    if (heads.dataset.shown === key) return;
    heads.dataset.shown = key;
    heads.replaceChildren();
    for (const { name, more, x } of columns) {
      const head = add(heads, "p");
      add(head, "b", name);
      add(head, "small", values || x === 0 ? more : "");
      if (x === null) head.style.right = "0";
      else head.style.left = `${x}px`;
    }
    back.ariaDisabled = String(this.#step === 0);
    on.ariaDisabled = String(this.#step >= orders.length);
    dots.replaceChildren();
    for (let step = 0; step <= orders.length; step++) {
      add(dots, "i").className = step === this.#step ? "here" : "";
    }
  }

  // The keyboard goes through a layer's units as they stand in their lanes.
  #addSliders({ orders }) {
    this.#parts.sliders.replaceChildren();
    orders.forEach(({ order, starts }, layer) => {
      const slider = add(this.#parts.sliders, "div");
      Object.assign(slider, { role: "slider", tabIndex: 0, ariaValueMin: 1, ariaValueNow: 1 });
      slider.ariaValueMax = starts.at(-1);
      slider.addEventListener("keydown", (event) => {
        const place = slider.ariaValueNow - 1;
        const before = starts.findLast((start) => start < place) ?? 0;
        const after = starts.find((start) => start > place);
        const ways = { ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: before };
        const next = { ...ways, ArrowDown: after, Home: 0, End: Infinity }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        const unit = order[Math.max(0, Math.min(starts.at(-1) - 1, next))];
        this.#acts.hold({ layer, unit });
      });
    });
  }

  #showSliders() {
    const { orders, values, held } = this.#scene;
    [...this.#parts.sliders.children].forEach((slider, layer) => {
      const span = this.#sight.spans[layer];
      slider.hidden = !span || !values;
      if (slider.hidden) return;
      Object.assign(slider.style, { left: `${span.x}px`, width: `${span.width}px` });
      slider.ariaLabel = text("units_of", { layer: layer + 1 });
      const place = held?.layer === layer ? orders[layer].order.indexOf(held.unit) : 0;
      const value = values.layers[layer][orders[layer].order[place]].toFixed(1);
      slider.ariaValueNow = place + 1;
      slider.ariaValueText = text("unit", { layer: layer + 1, place: place + 1, value });
    });
  }

  // A unit below a pointer, or the one whose picture is.
  #unitAt(event) {
    if (!this.#scene?.values) return null;
    const [x, y] = [event.offsetX, event.offsetY];
    const isIn = (tile) => x >= tile.x && y >= tile.y && y <= tile.y + tile.size;
    const tile = this.#sight.tiles.find(isIn);
    if (tile) return { layer: tile.layer, unit: tile.unit };
    return nearestUnit(this.#sight.layers, [x, y], REACH[event.pointerType] ?? REACH.mouse);
  }

  #follow() {
    const { canvas } = this.#parts;
    let start = null;
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") this.#acts.point(this.#unitAt(event));
    });
    canvas.addEventListener("pointerleave", () => this.#acts.point(null));
    canvas.addEventListener("pointerdown", (event) => (start = event.clientX));
    canvas.addEventListener("pointerup", (event) => {
      const way = event.clientX - start;
      const isSwipe = Math.abs(way) > SWIPE && !this.#room.isWide;
      if (isSwipe) return this.#go(this.#step - Math.sign(way));
      const unit = this.#unitAt(event);
      if (unit) this.#acts.hold(unit);
    });
  }
}

// What stands over the columns.
function headsOf({ orders, values }, { spans, places }, isWide) {
  const active = (layer) => values && countActive(values, layer);
  const count = (layer) => formatNumber(orders[layer].order.length);
  const ink = { name: text("your_ink"), more: text("pixels"), x: 0 };
  if (isWide) {
    const layers = orders.map((_, layer) => ({
      name: text("units", { count: count(layer) }),
      more: text("units_on", { active: active(layer) }),
      x: spans[layer].x - 14,
    }));
    return [ink, ...layers];
  }
  const step = places.findIndex((place) => place.length > 0);
  const to = text(step === orders.length ? "to_digits" : "to_layer", { layer: step + 1 });
  const next = { name: to, more: "", x: null };
  if (step === 0) return [ink, next];
  const more = text("layer_on", { active: active(step - 1), count: count(step - 1) });
  return [{ name: text("layer", { layer: step }), more, x: 0 }, next];
}
