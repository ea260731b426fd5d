"""The page's JavaScript modules: their form, how they are served, and those that need no page."""

import os
import random
import re
from pathlib import Path

import httpx
import pytest

from tests.browser import draw
from tests.conftest import serving
from tests.drawings import DRAWINGS
from tests.page import expect_leader, open_page, wait_until_answered
from ui.components import FOLDER, SCRIPT, address_of, files, modules, page_version

SOURCES = modules()
IMPORT = re.compile(r'import \{ \w+(, \w+)* \} from "(\.\.?/[\w/]+\.js)";')
TOP_LEVEL = re.compile(r"(export )?(async )?(function|const|let|class) \w+|[})\]]|//|/\*\*|\s|$")


def imported(name: str) -> list[str]:
    """The modules that a module imports, in its order."""
    lines = [line for line in SOURCES[name].splitlines() if line.startswith("import")]
    places = [FOLDER / name / ".." / IMPORT.fullmatch(line)[2] for line in lines]
    return [Path(os.path.normpath(place)).relative_to(FOLDER).as_posix() for place in places]


# Their form: so simple that a few lines can join them in one file


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_imports_and_exports_by_name_alone(name):
    for line in SOURCES[name].splitlines():
        if re.match(r"\s*import\b", line):
            assert IMPORT.fullmatch(line), line
        else:
            assert TOP_LEVEL.match(line), f"something happens where {name} is imported: {line}"
        if line.startswith("export"):
            assert re.match(r"export ((async )?function|const|class) \w+", line), line
    for other in imported(name):
        assert other in SOURCES


def test_no_module_imports_itself_by_a_detour():
    done: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above, name])
        for other in imported(name):
            visit(other, (*above, name))
        done.append(name)

    for name in SOURCES:
        visit(name, ())
    assert set(done) == SOURCES.keys()


def test_what_is_imported_is_exported_and_used():
    for name, source in SOURCES.items():
        for line in filter(IMPORT.fullmatch, source.splitlines()):
            wanted, place = re.fullmatch(r'import \{ (.+) \} from "(.+)";', line).groups()
            exporter = Path(os.path.normpath(FOLDER / name / ".." / place))
            for each in wanted.split(", "):
                form = rf"export (async )?(function|const|class) {each}\b"
                assert re.search(form, exporter.read_text(encoding="utf-8")), (name, each)
                assert len(re.findall(rf"\b{each}\b", source)) > 1, (name, each)


# How they are served


def test_the_script_may_be_kept_for_ever(server):
    answer = httpx.get(server + address_of(SCRIPT))
    assert answer.text == files()[address_of(SCRIPT)][0]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] in ("br", "gzip")


@pytest.mark.parametrize(
    "address",
    [
        "ui/0123456789ab/page.js",  # of another version of the page
        f"ui/{page_version()}/texts.js",
        f"ui/{page_version()}/texts.py",
        f"ui/{page_version()}/page.css",
        f"ui/{page_version()}/sketchpad/",
        f"ui/{page_version()}/../texts.js",
        f"ui/{page_version()}/%2e%2e/app.py",
        "ui/texts.js",
    ],
)
def test_nothing_else_is_served_there(server, address):
    answer = httpx.get(server + address)
    assert answer.status_code == 404
    assert "cache-control" not in answer.headers


def test_the_script_needs_no_login():
    with serving(auth=[("ann", "chalk")]) as address:
        assert httpx.get(f"{address}config").status_code == 401
        assert httpx.get(address + address_of(SCRIPT)).status_code == 200


def test_the_page_announces_the_script_and_loads_it_once(browser, server):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, server)
    assert [url for url in asked if "/ui/" in url] == [server + address_of(SCRIPT)]
    link = httpx.get(server).headers["link"]
    assert re.findall("<(.+?)>; rel=modulepreload", link) == [address_of(SCRIPT)]
    assert "link" not in httpx.get(server + address_of(SCRIPT)).headers
    page.close()


def test_a_component_that_starts_late_is_told_what_was_said_before(page):
    """Gradio shows them when it likes: the drawing may have been read before the chart is there."""
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    wait_until_answered(page)
    page.evaluate("window.read = window.drawn = null")
    page.evaluate("document.dispatchEvent(new Event('listening'))")
    assert page.evaluate("read.digit") == 7
    assert page.evaluate("drawn.strokes.length") == len(DRAWINGS[7])


# Those that need no page, under Node.js


LINKS = 'import { linkTo, linkedStrokes } from "./ui/sketchpad/permalink.js";'
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
    drawings = [random_drawing(chance) for _ in range(500)]
    assert node(LINKS, "(strokes) => linkedStrokes(linkTo(strokes))", drawings) == drawings


def test_pressure_is_not_in_a_link(node):
    (strokes,) = node(LINKS, "(strokes) => linkedStrokes(linkTo(strokes))", [[[[1, 2, 60]]]])
    assert strokes == [[[1, 2]]]


def test_any_link_is_read_or_refused(node):
    """Links of real drawings with a letter or two changed, and noise."""
    chance = random.Random(2)
    letters = "ABCDEFGHabcdefgh0123456789-_=+/."
    drawings = [random_drawing(chance)[:1] for _ in range(1000)]
    links = node(LINKS, "(strokes) => linkTo(strokes)", drawings)
    for n, link in enumerate(links):
        places = chance.choices(range(len("#drawing=1."), len(link)), k=2)
        links[n] = "".join(
            chance.choice(letters) if i in places else link[i] for i in range(len(link))
        )
    noise = ["".join(chance.choices(letters, k=chance.randint(0, 60))) for _ in range(1000)]
    answers = node(LINKS, READ, links + [f"#drawing=1.{code}" for code in noise])
    read = [strokes for strokes in answers if strokes != "refused"]
    assert 10 < len(read) < 1500
    for strokes in read:
        assert strokes
        assert all(0 <= n <= 1000 for points in strokes for point in points for n in point)


def test_what_is_no_link_to_a_drawing_is_let_be(node):
    assert node(LINKS, READ, ["", "#about", "#drawin", "drawing=1.AQ"]) == [None] * 4


PAPER = (
    "import { addPoint, eraseAt, goBack, goForward, lift, look, put, startStroke, wipe } "
    'from "./ui/sketchpad/state.js";'
)


def test_everything_that_is_done_can_be_undone_and_done_again(node):
    """Random strokes, erasures and wipes; then all the way back and all the way forward."""
    script = """(steps) => {
        const strokes = () => JSON.stringify(look().sheet.strokes);
        const seen = [strokes()];
        for (const [kind, x, y] of steps) {
            const before = look().past;
            if (kind === "wipe") wipe();
            else if (kind === "erase") eraseAt(x, y);
            else {
                startStroke([x, y]);
                addPoint([y, x]);
                lift();
            }
            if (look().past !== before) seen.push(strokes());
        }
        const back = [strokes()];
        for (let n = 1; n < seen.length; n++) back.unshift((goBack(), strokes()));
        const forward = [strokes()];
        for (let n = 1; n < seen.length; n++) forward.push((goForward(), strokes()));
        put({ strokes: [], picture: null });
        return [seen, back, forward];
    }"""
    chance = random.Random(3)
    kinds = ["draw"] * 6 + ["erase"] * 4 + ["wipe"]
    cases = [
        [[chance.choice(kinds), chance.randint(0, 1000), chance.randint(0, 1000)]
         for _ in range(chance.randint(1, 60))]
        for _ in range(100)
    ]  # fmt: skip
    for seen, back, forward in node(PAPER, script, cases):
        assert back == seen
        assert forward == seen


def test_the_eraser_meets_a_stroke_within_a_pen_s_width(node):
    script = """([x, y]) => {
        put({ strokes: [[[100, 500], [900, 500]], [[500, 100]]], picture: null });
        eraseAt(x, y);
        return look().sheet.strokes.length;
    }"""
    places = {(500, 550): 1, (500, 560): 2, (60, 500): 1, (40, 500): 2, (530, 120): 1}
    assert node(PAPER, script, list(places)) == list(places.values())


def test_a_hundred_steps_are_remembered(node):
    script = """(steps) => {
        for (let n = 0; n < steps; n++) put({ strokes: [[[n, n]]], picture: null });
        let undone = 0;
        for (; look().past.length; undone++) goBack();
        return undone;
    }"""
    assert node(PAPER, script, [250]) == [100]


FEEDBACK = 'import { look, setAnswer, setDrawing } from "./ui/feedback/state.js";'
SEVEN, GROWN = [[[1, 1], [9, 1], [4, 9]]], [[[1, 1], [9, 1], [4, 9]], [[2, 5], [8, 5]]]


def test_digits_and_right_are_offered_for_what_is_on_the_paper(node):
    script = """([papers, acts]) => acts.map(([name, value, paper]) => {
        if (name === "setDrawing") setDrawing(papers[value]);
        else setAnswer(value === null ? null : { digit: value, strokes: papers[paper] });
        const { isOffered, right } = look();
        return [isOffered, right];
    })"""
    acts = {
        "begun": (["setDrawing", 0], [False, None]),
        "answered": (["setAnswer", 7, 0], [True, 7]),
        "grows": (["setDrawing", 1], [True, None]),
        "answered late": (["setAnswer", 7, 0], [True, None]),
        "answered again": (["setAnswer", 4, 1], [True, 4]),
        "refused": (["setAnswer", None], [False, None]),
        "a picture": (["setDrawing", 2], [False, None]),
        "answered too": (["setAnswer", 4, 2], [False, None]),
    }
    papers = [SEVEN, GROWN, []]
    (answers,) = node(FEEDBACK, script, [[papers, [act for act, _ in acts.values()]]])
    assert dict(zip(acts, answers, strict=True)) == {
        name: expected for name, (_, expected) in acts.items()
    }


LESSONS = """import { addLesson, forgetLesson, lessonAbout, lessons } from "./ui/lessons.js";
    const stored = new Map();
    const storage = {
        getItem: (key) => stored.get(key) ?? null,
        setItem: (key, value) => stored.set(key, value),
        removeItem: (key) => stored.delete(key),
    };"""


@pytest.mark.parametrize("storage", ["globalThis.localStorage = storage;", ""])
def test_a_drawing_has_one_lesson_and_the_latest_forty_are_kept(node, storage):
    script = """([seven, grown]) => {
        const labels = () => lessons().map(({ label }) => label);
        const seen = [labels()];
        addLesson(seven, 7);
        addLesson(grown, 4);
        addLesson(structuredClone(seven), 1);
        seen.push(labels(), lessonAbout(structuredClone(seven)).label);
        forgetLesson(grown);
        seen.push(labels(), lessonAbout(grown) === undefined);
        for (let x = 0; x < 50; x++) addLesson([[[x, 0]]], x % 10);
        seen.push([lessons().length, lessons()[0].strokes]);
        return [...seen, JSON.parse(stored.get("draw-a-digit:lessons") ?? "[]").length];
    }"""
    (seen,) = node(LESSONS + storage, script, [[SEVEN, GROWN]])
    kept = 40 if storage else 0
    assert seen == [[], [4, 1], 1, [1], True, [40, [[[10, 0]]]], kept]
