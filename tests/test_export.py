"""The page as one file: opened from the disk, with the network off, under a policy of its own."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mnist_core.drawing.strokes import read_drawings
from mnist_core.network import weights
from mnist_core.network.model import MLP
from tests.conftest import ROOT, call
from tests.page import (
    NO_EXAMPLE,
    PHONE,
    draw_digit,
    strokes_on,
    tool,
)
from ui.document import script
from ui.texts import ENGLISH

EXPORT = ROOT / "scripts" / "export_page.py"
WIDE = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """The page with the shipped network."""
    path = tmp_path_factory.mktemp("export") / "digit.html"
    done = call(EXPORT, path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r".*digit\.html: \d\.\d\d MB, network [0-9a-f]{8}\n", done.stdout)
    assert list(path.parent.iterdir()) == [path]
    return path


@pytest.fixture
def open_file(new_window, file):
    """Opens the file without a network. No page may say anything, or ask for anything else."""
    said, opened, asked = [], set(), set()

    def open_one(fragment: str = "", path: Path = file, **settings):
        page = new_window(**{**WIDE, "offline": True, **settings})
        page.on("console", lambda line: said.append(line.text))
        page.on("request", lambda request: asked.add(re.split("[?#]", request.url)[0]))
        opened.add(path.as_uri())
        page.add_init_script(NO_EXAMPLE)
        page.goto(path.as_uri() + fragment)
        return page

    yield open_one
    assert said == []
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} <= opened


def test_the_file_names_nothing_to_fetch_and_its_policy_allows_nothing_else(file):
    html = file.read_text(encoding="utf-8")
    assert file.stat().st_size <= 2e6
    addresses = set(re.findall(r"""https?://[^"'`\s)]+""", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, in createElementNS
    assert re.findall(r'<[^>]+ (?:src|href|srcset|action)="([^"]*)"', html) == ["data:,"]
    assert not re.search(r"@import|url\(", html)
    policy = re.search('http-equiv="content-security-policy" content="([^"]+)"', html)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch("'sha256-[A-Za-z0-9+/=]+'", rules[kind])
    assert rules["img-src"] == "data:"
    assert rules["worker-src"] == "blob:"
    assert rules["require-trusted-types-for"] == "'script'"
    assert rules["trusted-types"] == "training-worker"


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


def test_a_missing_network_and_a_missing_folder_are_one_line(tmp_path):
    done = call(EXPORT, tmp_path / "digit.html", "--weights", tmp_path)
    assert done.returncode == 2
    assert "no network in" in done.stderr
    done = call(EXPORT, tmp_path / "nowhere" / "digit.html")
    assert done.returncode == 2
    assert "export_page.py: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_space_is_whole_and_replaces_nothing_but_its_own_files(tmp_path, file):
    space = tmp_path / "space"
    for _ in range(2):  # it may be written again
        done = call(EXPORT, "--space", space)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in space.iterdir()} == {"README.md", "index.html", "model_card.md"}
    assert (space / "index.html").read_bytes() == file.read_bytes()
    metadata = (space / "README.md").read_text("utf-8").split("---\n")[1].splitlines()
    assert {"title: Draw a digit", "sdk: static", "license: cc-by-4.0"} <= set(metadata)
    assert "(model_card.md)" in (space / "README.md").read_text("utf-8")
    assert "CC BY 4.0" in (space / "model_card.md").read_text("utf-8")

    (space / "README.md").write_text("# Somebody's own")
    (space / "index.html").write_text("theirs")
    done = call(EXPORT, "--space", space)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has another index.html, model_card.md, README.md" in done.stderr
    assert (space / "index.html").read_text() == "theirs"
    assert call(EXPORT).returncode == call(EXPORT, "a.html", "--space", space).returncode == 2


def test_what_needs_a_server_is_not_there(open_file):
    page = open_file(**PHONE)  # whose pointer is coarse: it would offer photographs
    for name in ("undo", "redo", "erase", "clear", "link"):
        expect(tool(page, ENGLISH[name])).to_be_visible()
    expect(tool(page, ENGLISH["picture"])).to_be_hidden()
    expect(page.locator("#invitation")).to_be_hidden()
    is_prevented = page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["x"], "a.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true, dataTransfer: data };
            return ["dragover", "drop"].map((kind) =>
                !document.body.dispatchEvent(new DragEvent(kind, options)));
        }"""
    )
    assert is_prevented == [True, True]  # the browser would open the picture instead of the page
    expect(page.locator(".notice")).to_have_text(ENGLISH["no_pictures"])


def test_it_trains_in_a_worker_under_its_policy(open_file):
    page = open_file()
    found = page.evaluate(
        f"""async () => {{
            {script("main.js")}
            const page = {{ settings: {{}}, server: {{ address: () => undefined }} }};
            page.images = new modules["session/images.js"].Images(page);
            const training = new modules["session/training.js"].Training(page);
            await training.open();
            await training.start({{ hidden: [8], images: 100, passes: 6, speed: 1000 }});
            while (training.get().status === "running") await new Promise(requestAnimationFrame);
            const {{ status, error, moments }} = training.get();
            const another = new modules["session/training.js"].Training(page);
            await another.open(); // a second worker
            another.pause();
            const fresh = moments.map((moment) => moment.fresh);
            return {{ another: another.get().status, status, error, fresh }};
        }}"""
    )
    assert (found["status"], found["error"]) == ("over", None)
    assert found["another"] == "paused"
    assert found["fresh"][0] < 0.3 < found["fresh"][-1]


def test_its_inside_is_in_the_file_too(open_file):
    page = open_file("?open=inside")
    draw_digit(page, 7)
    expect(page.locator(".unit .title")).to_have_text(ENGLISH["unit_strongest"].format(layer=1))
    assert page.locator("#stage a:visible").count() == 0  # the lesson is not beside it


def test_a_task_in_its_address_is_drawn_and_saved_as_a_drawing_file(open_file, tmp_path):
    page = open_file("?task=7")
    expect(page.locator("#class .task")).to_have_text("Draw a 7")
    draw_digit(page, 7)
    with page.expect_download() as saved:
        tool(page, ENGLISH["class_save"]).click()
    assert saved.value.suggested_filename == "7.jsonl"
    saved.value.save_as(tmp_path / "7.jsonl")
    (drawing,) = read_drawings(tmp_path / "7.jsonl")
    assert drawing.label == 7
    assert [stroke.tolist() for stroke in drawing.strokes] == strokes_on(page)
    page = open_file()
    expect(page.locator("#class")).to_be_hidden()
