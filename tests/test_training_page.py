"""The training that the page shows: by a worker or by the server, in Node.js without a page."""

import math

import pytest

# A worker in this thread, which the same script serves, and a page of what a training needs.
PAGE = """import { gunzipSync } from "node:zlib";
    import { readNetwork } from "./ui/recognizer/network.js";
    import { predictPixels } from "./ui/recognizer/recognizer.js";
    import { unpackImages } from "./ui/recognizer/images.js";
    import { Training } from "./ui/session/training.js";
    import { work } from "./ui/session/worker.js";
    const all = unpackImages(gunzipSync(readFileSync("./ui/files/test_images.gz")));
    const part = (start, stop) => ({
        images: all.images.subarray(784 * start, 784 * stop),
        labels: all.labels.subarray(start, stop),
    });
    globalThis.document = { querySelector: () => ({ textContent: "" }) };
    globalThis.Worker = class extends EventTarget {
        constructor() {
            super();
            globalThis.addEventListener = (_, listener) => (this.work = listener);
            globalThis.postMessage = (answer) => {
                const data = structuredClone(answer);
                setTimeout(() => this.dispatchEvent(Object.assign(new Event("message"), { data })));
            };
            work();
        }
        postMessage = (data) => setTimeout(() => this.work({ data }));
    };
    const createPage = (settings = {}) => {
        const notices = { update: ({ paper }) => (notices.said = paper.key), said: null };
        const source = { useOwn: (file) => (source.own = readNetwork(file.buffer)),
            get: () => ({ current: { thresholds: { digit: 0.7, sure: 0.3 } } }) };
        const images = { load: async (name) => (name ? part(0, 200) : part(200, 1000)) };
        return { settings, notices, source, images, server: { address: (place) => place } };
    };
    const until = (training, isReached) => new Promise((go) => {
        const look = () => isReached(training.get()) && (stop(), go());
        const stop = training.subscribe(look);
        look();
    });
    const SMALL = { hidden: [8], images: 100, passes: 6, batch: 10, speed: 1000 };
    const isOver = ({ status }) => status === "over";"""


def test_a_training_is_opened_paused_gone_back_in_and_started_anew(node):
    script = """async (_) => {
        const training = new Training(createPage());
        const states = [];
        training.subscribe(({ status }) => states.at(-1) === status || states.push(status));
        await training.open();
        const usual = training.get().settings;
        await training.start(SMALL);
        await until(training, ({ moments }) => moments.length > 9);
        training.pause();
        training.seek(3);
        training.play();
        await until(training, isOver);
        const { moments, at, settings } = training.get();
        training.seek(1e9);
        const end = training.get().at;
        await training.start({ learning_rate: 0.1 });
        const again = training.get();
        await until(training, isOver);
        return {
            states, usual, settings, at, end, last: again.last.length, began: again.moments.length,
            seen: moments.map(({ seen }) => seen), rate: again.settings.learning_rate,
            hidden: again.settings.hidden, networks: again.last.map(({ network }) => network),
            reads: moments.map(({ network }) => predictPixels(network, part(0, 1).images).digit),
            guesses: moments.map(({ guesses }) => guesses[0]),
        };
    }"""
    (found,) = node(PAGE, script, [0])
    assert found["usual"]["hidden"] == [128, 64]
    running = ["loading", "paused", "running"]
    assert found["states"] == [*running, *running, "paused", "running", "over", *running, "over"]
    assert found["settings"] | {"hidden": [8], "images": 100} == found["settings"]
    seen = found["seen"]
    assert (seen, seen[0], seen[-1]) == (sorted(set(seen)), 0, 600)
    assert found["at"] == 3  # it stays where the reader has gone
    assert found["end"] == len(seen) - 1
    assert (found["last"], found["began"]) == (len(seen), 1)
    assert set(found["networks"]) == {None}
    assert (found["rate"], found["hidden"]) == (0.1, [8])
    assert found["reads"] == found["guesses"]  # a network is that of its moment


def test_steps_on_single_images_are_seen_closely(node):
    script = """async (_) => {
        const training = new Training(createPage());
        await training.start({ ...SMALL, optimizer: "sgd", learning_rate: 0.1 });
        await training.stepOnce();
        const { moments: before, status } = training.get();
        await training.stepOnce();
        const { moments, step, at } = training.get();
        const weights = (place) => moments[place].network.layers.map(({ weights }) => weights);
        const { network } = before.at(-1);
        const moved = step.change.map((change, i) => change.every((value, k) => Math.abs(
            value - (weights(at)[i][k] - network.layers[i].weights[k])) < 1e-6));
        return {
            status, moved, counts: [before.length, moments.length, at],
            seen: [before.at(-1).seen, moments.at(-1).seen],
            largest: step.change.map((change) => Math.max(...change)), loss: step.loss,
            share: step.probabilities[step.label],
            guess: Math.abs(predictPixels(network, step.pixels).probabilities[step.label]
                - step.probabilities[step.label]),
        };
    }"""
    (found,) = node(PAGE, script, [0])
    assert found["status"] == "paused"
    assert found["moved"] == [True, True]
    assert min(found["largest"]) > 0
    first, second, at = found["counts"]
    assert first == second == at + 1  # steps that follow each other are one moment
    assert found["seen"][1] == found["seen"][0] + 1
    assert found["loss"] == pytest.approx(-math.log(found["share"]), abs=1e-4)
    assert found["guess"] < 1e-5


def test_the_page_takes_the_network_that_is_shown(node):
    script = """async (_) => {
        const page = createPage();
        const training = new Training(page);
        await training.start(SMALL);
        await until(training, isOver);
        const { moments, at } = training.get();
        await training.use();
        const { own } = page.source;
        const images = Array.from({ length: 100 }, (_, i) => part(i, i + 1).images);
        const answers = (network) => images.map((pixels) => predictPixels(network, pixels));
        const [theirs, ours] = [answers(own), answers(moments[at].network)];
        return {
            name: own.name, thresholds: own.thresholds, said: page.notices.said,
            bytes: own.layers[0].weights instanceof Int8Array,
            theirs: theirs.map(({ confidence }) => confidence),
            ours: ours.map(({ confidence }) => confidence),
        };
    }"""
    (found,) = node(PAGE, script, [0])
    assert len(found["name"]) == 8
    assert found["thresholds"] == {"digit": 0.7, "sure": 0.3}  # the page's
    assert found["said"] == "network_taken"
    assert found["bytes"]
    assert found["theirs"] == pytest.approx(found["ours"], abs=0.02)


def test_what_can_not_be_started_says_so_and_is_tried_again(node):
    script = """async (lacks) => {
        const page = createPage();
        const training = new Training(page);
        const Works = globalThis.Worker;
        const { load } = page.images;
        if (lacks === "worker") globalThis.Worker = null;
        else page.images.load = async () => { throw new Error("offline"); };
        await training.open();
        const { status, error } = training.get();
        globalThis.Worker = Works;
        page.images.load = load;
        await training.open();
        const { error: later, status: now } = training.get();
        training.pause();
        return [status, error.key, now, later];
    }"""
    worker, images = [node(PAGE, script, [lacks])[0] for lacks in ("worker", "images")]
    assert worker == ["failed", "training_no_worker", "running", None]
    assert images == ["failed", "training_not_loaded", "running", None]
