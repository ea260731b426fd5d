"""The training that the page shows: by a worker or by the server, in Node.js without a page."""

import base64
import math

import pytest

from mnist_core.network.model import MLP
from mnist_core.network.quantize import quantize
from mnist_core.training.snapshots import Snapshots

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
        await training.start({ learning_rate: 0.1 });
        const again = training.get();
        await until(training, isOver);
        return {
            states, usual, settings, at, last: again.last.length, began: again.moments.length,
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
    assert (found["last"], found["began"]) == (len(seen), 1)
    assert set(found["networks"]) == {None}
    assert (found["rate"], found["hidden"]) == (0.1, [8])
    assert found["reads"] == found["guesses"]  # a network is that of its moment


def test_a_training_that_is_left_adds_nothing_to_the_next_one(node):
    script = """async (_) => {
        const training = new Training(createPage());
        await training.start({ ...SMALL, speed: 1 });
        await until(training, ({ moments }) => moments.length > 3);
        await new Promise((go) => setTimeout(go, 100)); // while it waits for the next one
        await training.start({ speed: 2 });
        await until(training, ({ moments }) => moments.length > 3);
        training.pause();
        return training.get().moments.map(({ seen }) => seen);
    }"""
    (seen,) = node(PAGE, script, [0])
    assert seen[0] == 0
    assert seen == sorted(set(seen))


def test_a_slow_machine_trains_a_smaller_network(node):
    script = """async (_) => {
        let time = 0;
        performance.now = () => (time += 1e5);
        const training = new Training(createPage());
        await training.open();
        training.pause();
        return training.get().settings.hidden;
    }"""
    assert node(PAGE, script, [0]) == [[32]]


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


# A server whose training writes a snapshot before each of its answers but the first two.
SERVER = """
    const create = ({ file, ends, refusal }) => {
        const bytes = Buffer.from(file, "base64");
        const sent = [];
        let run = null, looks = 0;
        const state = () => {
            const size = Math.min(bytes.length, ends[Math.max(0, looks - 2)] ?? bytes.length);
            const isOver = looks > ends.length + 2;
            return { state: run === null ? "none" : isOver ? "finished" : "running", run,
                bytes: run === null ? 0 : size, epochs_done: 1, epochs: 2, reason: null };
        };
        globalThis.fetch = async (address, { method, body, headers } = {}) => {
            if (method) sent.push(JSON.parse(body));
            if (method && refusal) return Response.json(refusal, { status: 422 });
            if (method) run = "2026";
            if (!address.endsWith(".bin")) return looks++, Response.json(state());
            const start = Number(headers.range.match(/[0-9]+/)[0]);
            return new Response(bytes.subarray(start, state().bytes), { status: 206 });
        };
        const settings = { training: { address: "training" } };
        return { training: new Training(createPage(settings)), sent };
    };
    import { setLanguages } from "./ui/core/texts.js";
    const EMPTY = { recipe: "tutorial", loss: "nll", hidden: "", learning_rate: "" };"""


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory) -> dict:
    """Four snapshots and where each ends in their file; the last is the finished network."""
    directory = tmp_path_factory.mktemp("run")
    writer, ends = Snapshots(directory, 2, 20), []
    for step in (0, 5, 10, 20):
        config = {"name": "0123abcd", "hidden": [8], "thresholds": {"digit": 0.8, "sure": 0.4}}
        model = quantize(MLP((8,)))
        writer.append(model, step, 1.0, (2.0 - step / 20, 0.1), config if step == 20 else None)
        ends.append(writer.path.stat().st_size)
    file = base64.b64encode(writer.path.read_bytes()).decode()
    return {"file": file, "ends": [end - 7 for end in ends[:-1]] + ends[-1:]}


def test_a_training_on_the_server_is_followed_once_however_often_it_is_asked_for(node, snapshots):
    script = """async (server) => {
        const { training } = create(server);
        const states = [];
        training.subscribe(({ status, moments }) => states.push([status, moments.length]));
        const started = training.startReal(EMPTY);
        await until(training, ({ status }) => status === "loading");
        await Promise.all([started, training.watchReal(), training.watchReal()]);
        const { moments, real, source, at } = training.get();
        return { states, real: real.state, source, at, own: moments[0].own,
            seen: moments.map(({ seen }) => seen),
            names: moments.map(({ network }) => network.name),
            guesses: moments.map(({ guesses }) => guesses.length) };
    }"""
    (found,) = node(PAGE + SERVER, script, [snapshots])
    assert found["states"][0] == ["loading", 0]  # it shows nothing of the run before
    assert found["states"][-1] == ["over", 4]
    assert (found["source"], found["real"], found["at"]) == ("server", "finished", 3)
    assert found["seen"] == [0, 27000, 54000, 108000]
    assert found["names"] == ["step 0", "step 5", "step 10", "0123abcd"]
    assert found["guesses"] == [40] * 4
    assert found["own"] is None


def test_numbers_are_taken_as_they_are_typed(node, snapshots):
    script = """async ({ hidden, learning_rate }) => {
        const { training, sent } = create({ file: "", ends: [] });
        training.startReal({ ...EMPTY, hidden, learning_rate });
        await until(training, ({ source }) => source === "server");
        return sent[0];
    }"""
    tutorial = {"recipe": "tutorial", "loss": "nll"}
    for hidden, rate, expected in (
        ("128 64", "0.01", {"hidden": [128, 64], "learning_rate": 0.01}),
        ("128，64", "0，01", {"hidden": [128, 64], "learning_rate": 0.01}),
        ("１２８、６４", "0。01", {"hidden": [128, 64], "learning_rate": 0.01}),
        ("0", "", {"hidden": []}),
        ("", "", {}),
    ):
        typed = {"hidden": hidden, "learning_rate": rate}
        assert node(PAGE + SERVER, script, [typed]) == [tutorial | expected]
