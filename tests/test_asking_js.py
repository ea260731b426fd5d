"""Where the page has no network, in Node.js: how it asks the server to read a drawing."""

# A server whose replies are given, and a clock that is always over at once and notes the waits.
SETUP = """
    import { startAsking } from "./ui/session/asking.js";
    const waits = [];
    Math.random = () => 0.5; // each wait as long as it is meant
    globalThis.setTimeout = (go, milliseconds) => { waits.push(milliseconds); queueMicrotask(go); };
    globalThis.addEventListener = () => {};
    globalThis.document = { addEventListener() {} };
    const reply = (status, json) => ({ status, ok: status === 200, json: async () => json });
    const READ = reply(200, { probabilities: [1], digit: 7 });
    const drawing = (origin, size) => ({ origin, strokes: Array(size).fill([[1, 1]]) });
    const start = (replies) => {
        const sent = [], taken = [], said = [];
        const notices = { get: () => ({}), update: ({ paper }) => said.push(paper.key) };
        const request = async (address, { body }) => {
            sent.push(JSON.parse(body).strokes.length);
            return replies.shift()();
        };
        const page = { settings: { recognize: "recognize" }, server: { request }, notices };
        const ask = startAsking(page, (asked, answer, refused) =>
            taken.push([asked.strokes.length, answer?.digit ?? refused.error]));
        return { ask, sent, taken, said };
    };
"""


def test_a_server_that_is_busy_or_gone_is_asked_less_and_less_until_it_answers(node):
    script = """async () => {
        const gone = () => { throw new Error("cut off"); };
        const busy = () => reply(503, { error: "busy" });
        const replies = [busy, ...Array(6).fill(gone), () => READ];
        const { ask, taken, said } = start(replies);
        await ask(drawing(1, 1));
        return [waits, taken, said];
    }"""
    ((waits, taken, said),) = node(SETUP, script, [None])
    assert waits == [500, 1000, 2000, 4000, 8000, 15000, 15000]
    assert taken == [[1, 7]]
    assert said == ["busy", *["no_answer"] * 6]


def test_one_request_is_under_way_and_the_latest_drawing_follows(node):
    script = """async () => {
        let answer;
        const held = () => new Promise((go) => (answer = () => go(READ)));
        const { ask, sent, taken } = start([held, () => READ]);
        const over = ask(drawing(1, 1));
        for (const size of [2, 3, 4]) ask(drawing(1, size));
        const before = [...sent];
        answer();
        await over;
        return [before, sent, taken];
    }"""
    assert node(SETUP, script, [None]) == [[[1], [1, 4], [[1, 7], [4, 7]]]]


def test_an_answer_about_what_is_no_longer_there_is_not_shown(node):
    script = """async (then) => {
        let answer;
        const held = () => new Promise((go) => (answer = () => go(READ)));
        const { ask, taken } = start([held, () => reply(422, { error: "No." })]);
        const over = ask(drawing(1, 1));
        ask(then && drawing(2, 2));
        answer();
        await over;
        return taken;
    }"""
    assert node(SETUP, script, [False, True]) == [[], [[2, "No."]]]
