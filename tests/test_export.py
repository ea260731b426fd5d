"""The page as one file: opened from the disk, with the network off, under a policy of its own."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mnist_core.network import weights
from mnist_core.network.model import MLP
from tests.browser import draw
from tests.conftest import ROOT, call, run
from tests.drawings import DRAWINGS
from tests.page import (
    LISTEN,
    NO_EXAMPLE,
    PHONE,
    WATCH,
    expect_accessible,
    expect_empty,
    expect_leader,
    paper,
    settle,
    tool,
)
from ui.texts import CHINESE, ENGLISH

EXPORT = ROOT / "scripts" / "export_page.py"
LINK = re.compile("#drawing=")
WIDE = {"viewport": {"width": 1280, "height": 800}}
# What a component has of elements, by name, class and place: where both pages show the same.
LAYOUT = """() => [...document.querySelectorAll(".paper, .tools button, .bar, .row button, figure, "
    + "summary, h1, h2")].filter((node) => node.checkVisibility()).map((node) => {
        const { x, y, width, height } = node.getBoundingClientRect();
        const { color, backgroundColor, font, borderRadius, opacity } = getComputedStyle(node);
        const look = [color, backgroundColor, font, borderRadius, opacity];
        return [node.tagName, [x, y, width, height].map(Math.round), ...look].join(" ");
    })"""

REMOVE = "(those) => document.querySelectorAll(those).forEach((node) => node.remove())"


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """The page with the shipped network, exported from another directory."""
    folder = tmp_path_factory.mktemp("export")
    done = run(EXPORT, "digit.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"digit\.html: \d\.\d\d MB, network [0-9a-f]{8}\n", done.stdout)
    assert [path.name for path in folder.iterdir()] == ["digit.html"]
    return folder / "digit.html"


@pytest.fixture
def open_file(browser, file):
    """Opens the file without a network. No page may complain, or ask for anything else."""
    contexts, complaints, opened, asked = [], [], set(), set()

    def open_one(fragment: str = "", path: Path = file, is_first=False, **settings):
        context = browser.new_context(**{**WIDE, "offline": True, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("request", lambda request: asked.add(re.split("[?#]", request.url)[0]))
        opened.add(path.as_uri())
        page.add_init_script(WATCH if is_first else NO_EXAMPLE)
        page.goto(path.as_uri() + fragment)
        page.evaluate(LISTEN)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} <= opened


# The file


def test_the_file_is_small_and_names_nothing_that_would_be_fetched(file):
    html = file.read_text(encoding="utf-8")
    assert file.stat().st_size <= 6e6  # half of it are the snapshots of a training
    addresses = set(re.findall(r"""https?://[^"'`\s)]+""", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, in createElementNS
    loads = re.findall(r'<[^>]+ (?:src|href|srcset|action)="([^"]*)"', html)
    assert loads == ["data:,"]
    assert not re.search(r"@import|url\(", html)


def test_its_policy_allows_this_script_and_this_style_and_no_network(file):
    html = file.read_text(encoding="utf-8")
    policy = re.search('http-equiv="content-security-policy" content="([^"]+)"', html)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch("'sha256-[A-Za-z0-9+/=]+'", rules[kind])
    assert rules["img-src"] == "data:"


def test_it_is_the_same_whenever_it_is_made(file, tmp_path):
    assert call(EXPORT, tmp_path / "again.html").returncode == 0
    assert (tmp_path / "again.html").read_bytes() == file.read_bytes()


def test_any_network_can_be_exported(open_file, tmp_path):
    provenance = {
        "data": "</script><b>none</b>", "recipe": {"name": "none", "epochs": 1}, "seed": 0,
        "scores": {}, "date": "2020-01-01T00:00:00Z", "versions": {},
    }  # fmt: skip
    thresholds = {"digit": 0.5, "sure": 0.1}
    weights.save(MLP([16]).eval(), tmp_path, provenance, thresholds)
    done = call(EXPORT, tmp_path / "other.html", "--weights", tmp_path)
    assert done.returncode == 0, done.stderr
    page = open_file(path=tmp_path / "other.html")
    page.get_by_text(ENGLISH["about"]).click()
    expect(page.locator("dl")).to_contain_text("784 → 16 → 10")
    expect(page.locator("dl")).to_contain_text("</script><b>none</b>")
    expect(page.locator("#about .scroll")).to_be_hidden()


def test_what_stands_in_the_way_is_said(tmp_path):
    done = call(EXPORT, tmp_path / "digit.html", "--weights", tmp_path)
    assert done.returncode == 2
    assert "no network in" in done.stderr
    done = call(EXPORT, tmp_path / "nowhere" / "digit.html")
    assert done.returncode == 2
    assert "export_page.py: " in done.stderr
    assert list(tmp_path.iterdir()) == []


# The page


def test_a_drawing_is_read_undone_and_done_again(open_file):
    page = open_file()
    expect_empty(page)
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    tool(page, "Undo").click()
    tool(page, "Undo").click()
    expect_empty(page)
    page.keyboard.press("Control+Shift+Z")
    page.keyboard.press("Control+Shift+Z")
    expect_leader(page, 4)


def test_it_answers_what_python_answers(open_file, recognizer):
    page = open_file()
    for digit in (0, 3, 5, 8):
        draw(page, DRAWINGS[digit])
        expect_leader(page, digit)
        expected = recognizer.predict_strokes(page.evaluate("drawn.strokes")).probabilities
        assert page.evaluate("read.probabilities") == pytest.approx(expected, abs=0.01)
        tool(page, "Clear").click()


def test_it_learns_and_remembers_and_forgets(open_file):
    page = open_file()
    draw(page, [[(0.4, 0.32), (0.58, 0.25), (0.5, 0.75)]])
    expect_leader(page, 7)
    settle(page)  # until the last point is read too: it changes the probabilities
    before = page.evaluate("read.probabilities")
    page.get_by_role("button", name="No", exact=True).click()
    page.keyboard.press("1")
    expect_leader(page, 1)
    expect(page.get_by_text("Learned: 1")).to_be_visible()
    expect(page.locator(".consent")).to_be_hidden()
    page.reload()
    page.evaluate(LISTEN)
    expect_leader(page, 1)
    page.get_by_role("button", name="Forget", exact=True).click()
    expect_leader(page, 7)
    assert page.evaluate("read.probabilities") == before


def test_a_link_opens_the_drawing_again(open_file):
    page = open_file()
    draw(page, DRAWINGS[7])
    expect(page).to_have_url(LINK)
    strokes = page.evaluate("drawn.strokes")
    again = open_file(page.evaluate("location.hash"), reduced_motion="reduce")
    expect_leader(again, 7)
    again.goto("about:blank")
    again.go_back()
    expect_leader(again, 7)
    page.evaluate("location.hash = '#drawing=1.A'")
    expect(page.locator(".notice")).to_have_text(ENGLISH["link_unreadable"])
    assert page.evaluate("drawn.strokes") == strokes


@pytest.mark.parametrize("settings", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_link_shows_its_drawing_on_a_first_visit_and_keeps_its_address(open_file, settings):
    link = "#drawing=1.A9gEuAOgBgDzA4gJ"  # a 7
    page = open_file(link, is_first=True, **settings)
    expect_leader(page, 7)
    assert page.evaluate("location.hash") == link
    assert page.evaluate("seen") == [["ink"]]


def test_on_a_first_visit_a_demonstration_fades_and_the_hint_follows(open_file):
    page = open_file(is_first=True)
    expect_empty(page)
    expect(tool(page, "Undo")).to_be_disabled()
    assert page.evaluate("seen") == [["ink"], ["hint"]]


def test_examples_draw_themselves_and_are_explained(open_file):
    page = open_file()
    page.get_by_role("button", name=ENGLISH["crossed_7"]).click()
    expect(page).to_have_url(LINK)  # it is complete
    expect_leader(page, 7)
    expect(page.locator("#insight .question")).to_contain_text("Why 7, not")
    expect(page.locator("#insight .sum")).to_contain_text("times as likely")


def test_a_number_is_read_and_its_digits_are_explained(open_file):
    page = open_file(**PHONE)
    for digit, left in ((4, 0.02), (7, 0.5)):
        small = [[(left + 0.4 * x, 0.2 + 0.5 * y) for x, y in stroke] for stroke in DRAWINGS[digit]]
        draw(page, small)
    expect(page.locator(".answer .digit")).to_have_text("47")
    page.get_by_role("button", name="Digit 1: 4").click()
    expect(page.locator("#insight .question")).to_contain_text("Why 4")


def test_the_keyboard_draws(open_file):
    page = open_file()
    paper(page).focus()
    for key in ["ArrowUp"] * 10 + [" "] + ["ArrowDown"] * 20 + [" "]:
        page.keyboard.press(key)
    expect_leader(page, 1)
    page.keyboard.press("Escape")
    expect_empty(page)


def test_a_finger_draws_on_a_phone(open_file):
    page = open_file(**PHONE)
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_chinese_browser_gets_a_chinese_page(open_file):
    page = open_file(locale="zh-CN")
    expect(page).to_have_title(CHINESE["title"])
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    draw(page, DRAWINGS[7])
    expect(page.locator("#insight .question")).to_contain_text("为什么是 7")
    words = page.locator(".gradio-container").inner_text()
    assert [text for text in ENGLISH.values() if re.search(rf"\b{re.escape(text)}\b", words)] == []


def test_about_shows_the_card_and_the_confusion_matrix(open_file):
    _, config = weights.load(ROOT / "weights")
    page = open_file()
    page.get_by_text(ENGLISH["about"]).click()
    expect(page.locator("dl")).to_contain_text(config["provenance"]["data"])
    cells = page.locator("#about tbody td").all_inner_texts()
    counts = [int(cell.replace("·", "0")) for cell in cells]
    assert counts == [count for row in config["provenance"]["confusion"] for count in row]


def test_what_needs_a_server_is_not_there(open_file):
    page = open_file(**PHONE)  # whose pointer is coarse: it would offer photographs
    for name in ("undo", "redo", "erase", "clear", "link"):
        expect(tool(page, ENGLISH[name])).to_be_visible()
    for name in ("picture", "camera"):
        expect(page.get_by_role("button", name=ENGLISH[name])).to_be_hidden()
    for absent in ("#invitation", "footer"):
        expect(page.locator(absent)).to_have_count(0)
    draw(page, DRAWINGS[7])
    expect(page.locator(".notice")).to_be_empty()


@pytest.mark.parametrize("settings", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_looks_like_the_page_that_is_served(open_file, open_context, settings, scheme):
    settings = {**settings, "color_scheme": scheme, "reduced_motion": "reduce"}
    served, exported = open_context(**settings), open_file(**settings)
    for page in (served, exported):
        # What only a server has.
        page.evaluate(REMOVE, ".picture, .camera")
        page.get_by_role("button", name=ENGLISH["open_4"]).click()
        expect_leader(page, 4)
    assert exported.evaluate(LAYOUT) == served.evaluate(LAYOUT)


@pytest.mark.parametrize(
    "settings",
    [{}, {"color_scheme": "dark"}, {"locale": "zh-CN"}, PHONE],
    ids=["light", "dark", "chinese", "phone"],
)
def test_no_serious_violation_of_the_accessibility_rules(open_file, settings):
    page = open_file(**settings)
    draw(page, DRAWINGS[4])
    expect_leader(page, 4)
    expect_accessible(page)


def test_its_inside_and_a_training_are_in_the_file_too(open_file):
    page = open_file("?open=inside", viewport={"width": 1280, "height": 2600})
    draw(page, DRAWINGS[7])
    expect_leader(page, 7)
    expect(page.locator("#inside .inside .which")).to_contain_text("of layer 3")
    page.locator("#inside .training > summary").click()
    place = page.locator("#inside .place")
    place.fill("0")
    expect(page.locator("#inside .now")).to_contain_text("Untrained")
    expect(page.locator("#inside .training .which")).to_contain_text("of layer 2")
    expect(page.locator("#inside .known")).to_contain_text("reads a 7")
    expect(page.locator("#inside .live")).to_be_hidden()  # nobody is there to train
    assert page.locator("#inside a:visible").count() == 0
