"""Modules that need no page, in Node.js: links, paper, lessons and feedback."""

import random

import pytest

LINKS = 'import { linkTo, linkedStrokes } from "./ui/paper/permalink.js";'
READ = '(link) => { try { return linkedStrokes(link); } catch { return "refused"; } }'


def random_drawing(chance: random.Random) -> list[list[list[int]]]:
    """Its corners more often than elsewhere."""

    def place() -> int:
        return min(max(chance.randint(-200, 1200), 0), 1000)

    return [
        [[place(), place()] for _ in range(chance.randint(1, 40))]
        for _ in range(chance.randint(1, 6))
    ]


def test_any_drawing_comes_back_from_its_link(node):
    chance = random.Random(1)
    drawings = [random_drawing(chance) for _ in range(100)]
    assert node(LINKS, "(strokes) => linkedStrokes(linkTo(strokes))", drawings) == drawings


def test_any_link_is_read_or_refused(node):
    """Links of real drawings with a letter or two changed, and noise."""
    chance = random.Random(2)
    letters = "ABCDEFGHabcdefgh0123456789-_=+/."
    drawings = [random_drawing(chance)[:1] for _ in range(200)]
    links = node(LINKS, "(strokes) => linkTo(strokes)", drawings)
    for n, link in enumerate(links):
        places = chance.choices(range(len("#drawing=1."), len(link)), k=2)
        links[n] = "".join(
            chance.choice(letters) if i in places else link[i] for i in range(len(link))
        )
    noise = ["".join(chance.choices(letters, k=chance.randint(0, 60))) for _ in range(200)]
    answers = node(LINKS, READ, links + [f"#drawing=1.{code}" for code in noise])
    read = [strokes for strokes in answers if strokes != "refused"]
    assert 0 < len(read) < 300
    for strokes in read:
        assert strokes
        assert all(0 <= n <= 1000 for points in strokes for point in points for n in point)


def test_what_is_no_link_to_a_drawing_is_let_be(node):
    assert node(LINKS, READ, ["", "#about", "#drawin", "drawing=1.AQ"]) == [None] * 4


PAPER = 'import { Paper } from "./ui/paper/paper.js";'


def test_everything_that_is_done_can_be_undone_and_done_again(node):
    """Random strokes, erasures and clearings; then all the way back and all the way forward."""
    script = """(steps) => {
        const paper = new Paper();
        const strokes = () => JSON.stringify(paper.get().sheet.strokes);
        const seen = [strokes()];
        for (const [kind, x, y] of steps) {
            const before = paper.get().past;
            if (kind === "clear") paper.clear();
            else if (kind === "erase") paper.eraseAt(x, y);
            else {
                paper.startStroke([x, y]);
                paper.addPoint([y, x]);
                paper.lift();
            }
            if (paper.get().past !== before) seen.push(strokes());
        }
        const back = [strokes()];
        for (let n = 1; n < seen.length; n++) back.unshift((paper.undo(), strokes()));
        const forward = [strokes()];
        for (let n = 1; n < seen.length; n++) forward.push((paper.redo(), strokes()));
        return [seen, back, forward];
    }"""
    chance = random.Random(3)
    kinds = ["draw"] * 6 + ["erase"] * 4 + ["clear"]
    cases = [
        [[chance.choice(kinds), chance.randint(0, 1000), chance.randint(0, 1000)]
         for _ in range(chance.randint(1, 60))]
        for _ in range(30)
    ]  # fmt: skip
    for seen, back, forward in node(PAPER, script, cases):
        assert back == seen
        assert forward == seen


def test_the_eraser_meets_a_stroke_within_a_pen_s_width(node):
    script = """([x, y]) => {
        const paper = new Paper();
        paper.put({ strokes: [[[100, 500], [900, 500]], [[500, 100]]], picture: null });
        paper.eraseAt(x, y);
        return paper.get().sheet.strokes.length;
    }"""
    places = {(500, 550): 1, (500, 560): 2, (60, 500): 1, (40, 500): 2, (530, 120): 1}
    assert node(PAPER, script, list(places)) == list(places.values())


FEEDBACK = """import { Observable } from "./ui/core/observable.js";
    import { Feedback } from "./ui/session/feedback.js";"""
SEVEN, GROWN = [[[1, 1], [9, 1], [4, 9]]], [[[1, 1], [9, 1], [4, 9]], [[2, 5], [8, 5]]]


def test_digits_and_right_are_offered_for_what_is_on_the_paper(node):
    """Each act is the drawing on the paper, by its place, and the answer, or null."""
    script = """([papers, acts]) => {
        const drawing = { id: -2, strokes: [], isDemo: false };
        const session = new Observable({ drawing, prediction: null });
        const lessons = Object.assign(new Observable([]), { about: () => null });
        const feedback = new Feedback({ session, lessons, notices: new Observable({}) });
        return acts.map(([name, paper, digit]) => {
            const strokes = papers[paper];
            if (name === "drawing") session.update({ drawing: { id: paper, strokes } });
            else if (digit === null) session.update({ prediction: null });
            else session.update({ prediction: { drawing: paper, digit, verdict: "sure" } });
            return [feedback.get().isOffered, feedback.right];
        });
    }"""
    acts = {
        "begun": (["drawing", 0], [False, None]),
        "answered": (["answer", 0, 7], [True, 7]),
        "grows": (["drawing", 1], [True, None]),
        "answered late": (["answer", 0, 7], [True, None]),
        "answered again": (["answer", 1, 4], [True, 4]),
        "refused": (["answer", 1, None], [False, None]),
        "a picture": (["drawing", 2], [False, None]),
        "answered too": (["answer", 2, 4], [False, None]),
    }
    papers = [SEVEN, GROWN, []]
    (answers,) = node(FEEDBACK, script, [[papers, [act for act, _ in acts.values()]]])
    assert dict(zip(acts, answers, strict=True)) == {
        name: expected for name, (_, expected) in acts.items()
    }


LESSONS = """import { Lessons } from "./ui/session/lessons.js";
    const stored = new Map();
    const storage = {
        getItem: (key) => stored.get(key) ?? null,
        setItem: (key, value) => stored.set(key, value),
        removeItem: (key) => stored.delete(key),
    };"""


FULL = "globalThis.localStorage = { ...storage, setItem() { throw new Error('full'); } };"


@pytest.mark.parametrize("storage", ["globalThis.localStorage = storage;", FULL, ""])
def test_a_drawing_has_one_lesson_and_the_latest_forty_are_kept(node, storage):
    script = """([seven, grown]) => {
        const lessons = new Lessons();
        const labels = () => lessons.get().map(({ label }) => label);
        const seen = [labels()];
        lessons.add(seven, 7);
        lessons.add(grown, 4);
        lessons.add(structuredClone(seven), 1);
        seen.push(labels(), lessons.about(structuredClone(seven)).label);
        lessons.forget(grown);
        seen.push(labels(), lessons.about(grown) === undefined);
        for (let x = 0; x < 50; x++) lessons.add([[[x, 0]]], x % 10);
        seen.push([lessons.get().length, lessons.get()[0].strokes]);
        return [...seen, JSON.parse(stored.get("draw-a-digit:lessons") ?? "[]").length];
    }"""
    (seen,) = node(LESSONS + storage, script, [[SEVEN, GROWN]])
    kept = 40 if storage.endswith("= storage;") else 0
    assert seen == [[], [4, 1], 1, [1], True, [40, [[[10, 0]]]], kept]
