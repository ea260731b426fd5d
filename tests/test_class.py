"""A class in browsers: phones that send and vote, and the teacher's wall."""

import gzip
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from mnist_core.drawing.strokes import read_drawings
from serving import sharing
from serving.classroom import Classroom, Command, Sent, Task
from tests.browser import draw
from tests.conftest import ROOT, free_port, serving
from tests.drawings import DRAWINGS
from tests.page import PHONE, SAYS, WATCH, expect_no_violation, open_page, wait_for, wait_until
from ui.document import files
from ui.texts import CHINESE, ENGLISH

WIDE = {"viewport": {"width": 1920, "height": 1080}}
CROSSED = [*DRAWINGS[7], [[0.42, 0.5], [0.66, 0.5]]]
INVITATION = {"address": "http://192.0.2.1:7860/", "code": sharing.qr_picture("http://192.0.2.1")}


class Class:
    """A served page with its classroom, and windows of a browser on it."""

    def __init__(self, new_window, address: str, room: Classroom) -> None:
        self.window, self.address, self.room = new_window, address, room
        room.invitation = INVITATION

    def phone(self, **settings) -> Page:
        page = self.window(**{**PHONE, "has_touch": False, **settings})
        open_page(page, self.address)
        return page

    def wall(self, images: int = 600, **settings) -> Page:
        page = self.window(**WIDE, **settings)
        page.route("**/images.gz", lambda route: route.fulfill(body=few_images(images)))
        page.goto(f"{self.address}wall/{self.room.secret}")
        expect(page.locator("h1")).not_to_be_empty()
        return page


def few_images(wanted: int) -> bytes:
    """The first of the page's images, so that learning takes a second."""
    content = gzip.decompress(files()["images"])
    count = len(content) // 393
    return gzip.compress(content[: 392 * wanted] + content[392 * count :][:wanted])


@pytest.fixture
def lesson(new_window):
    room = Classroom()
    with serving(corrections=False, classroom=room) as address:
        yield Class(new_window, address, room)


def first(phone: Page):
    return phone.locator("#class .first")


def send(phone: Page, strokes: list) -> None:
    draw(phone, strokes)
    first(phone).click()
    expect(phone.locator("#class .note")).to_have_text(ENGLISH["class_sent"])


def test_a_drawing_is_sent_seen_hidden_and_removed(lesson):
    phone, wall = lesson.phone(), lesson.wall()
    expect(phone.locator("#class .task")).to_have_text("Draw a 7")
    expect(phone.locator("#class .note")).to_have_text(ENGLISH["class_seen"])
    expect(first(phone)).to_have_attribute("aria-disabled", "true")  # there is nothing to send
    draw(phone, DRAWINGS[2])
    for hidden in (".answer", ".bars", "#change .sentence", "#stage"):
        expect(phone.locator(hidden)).not_to_be_visible()
    first(phone).click()
    expect(phone.locator(".answer")).to_be_visible()
    expect(phone.locator(".answer .digit")).to_have_text("2")
    card = wall.locator(".wall .card")
    expect(card).to_have_class("card veiled")
    expect(wall.locator(".counts .of")).to_have_text("of 0")  # or the number would give it away
    card.click()
    expect(card).to_have_class("card wrong")
    expect(card.locator(".badge")).to_have_text("2")
    expect(wall.locator(".counts .count")).to_have_text("0")
    expect(wall.locator(".reads tr.wrong")).to_have_text("21< 1 %")
    card.click()
    expect(wall.locator("dialog p")).to_contain_text("7")  # what would make it right
    expect_no_violation(wall)
    wall.get_by_role("button", name="Hide").click()
    expect(card).to_have_class("card veiled")
    wall.get_by_role("button", name="Show all").click()
    card.click()
    wall.get_by_role("button", name="Remove", exact=True).click()
    expect(card).to_have_count(0)
    assert not lesson.room.drawings
    expect(first(phone)).to_have_text("Next one")
    first(phone).click()
    expect(phone.locator(".answer")).not_to_be_visible()
    expect_no_violation(phone)


def test_no_example_draws_itself_where_the_class_has_a_task(lesson):
    page = lesson.window(**PHONE)
    page.add_init_script(WATCH)
    page.goto(lesson.address)
    wait_for(page, "seen.length > 0")
    assert page.evaluate("seen") == [["hint"]]


def test_a_new_task_closes_the_stage_where_pupils_would_see_the_answer(lesson):
    phone, wall = lesson.phone(), lesson.wall()
    send(phone, DRAWINGS[7])
    phone.get_by_role("button", name="Look inside").click()
    expect(phone.locator("#look-inside")).to_be_visible()
    wall.locator("select").select_option("3")
    expect(phone.locator("#class .task")).to_have_text("Draw a 3")
    expect(phone.locator("#class")).to_be_visible()
    expect(phone.locator("#stage")).not_to_be_visible()


def test_who_fools_it_and_not_the_class_is_on_the_podium(lesson):
    one, two, wall = lesson.phone(), lesson.phone(), lesson.wall()
    wall.get_by_role("button", name="Fool it").click()
    expect(one.locator("#class .task")).to_have_text(ENGLISH["class_fool"].replace("{digit}", "7"))
    send(one, DRAWINGS[2])
    send(two, DRAWINGS[7])
    expect(wall.locator(".ask")).to_be_disabled()  # nothing that fools it is shown
    wall.get_by_role("button", name="Show all").click()
    expect(wall.locator(".counts .count")).to_have_text("1")
    wall.get_by_role("button", name="Ask the class: 7?").click()
    expect(wall.locator(".podium")).to_have_text(ENGLISH["wall_waiting"])
    for phone in (one, two):
        expect(phone.locator("#class .task")).to_have_text("Is this a 7?")
        first(phone).click()
        expect(phone.locator("#class .task")).to_contain_text("takes for something else")
    expect(wall.locator(".podium figure")).to_have_count(1)
    expect(wall.locator(".podium")).to_contain_text("It said 2, sure2 of 2 say 7")
    expect_no_violation(wall)
    wall.get_by_role("button", name="Stop asking").click()
    expect(wall.locator(".wall .card")).to_have_count(2)


def test_a_taught_network_is_lent_to_the_phones_and_taken_back(lesson):
    for label, strokes in ((7, DRAWINGS[2]), (7, DRAWINGS[2]), (3, DRAWINGS[3]), (3, DRAWINGS[3])):
        scaled = [[[1000 * x, 1000 * y] for x, y in stroke] for stroke in strokes]
        lesson.room.add(Sent(label=label, strokes=scaled))
    phone, wall = lesson.phone(), lesson.wall(images=100)
    shipped = wait_for(phone, f"{SAYS}.reader")
    wall.get_by_role("button", name="Teach it").click()
    expect(wall.locator(".start")).to_be_disabled()
    wall.get_by_role("button", name="Show all").click()
    expect(wall.locator(".pile .of")).to_have_text(["of 2 wrong"] * 2)
    expect(wall.locator(".pile b")).to_have_text(["1", "1"])
    wall.get_by_role("button", name="Start learning").click()
    expect(wall.locator(".progress")).to_have_text("It has learned from 2 of 2 drawings.")
    expect(wall.locator(".pile b")).to_have_text(["0", "0"])
    wall.get_by_role("button", name="Lend to phones").click()
    wait_for(phone, f"{SAYS}.reader === 'class'")
    expect(phone.locator("#class .note")).to_have_text(ENGLISH["class_lent"])
    draw(phone, DRAWINGS[2])
    expect(phone.locator(".answer .digit")).to_have_text("7")
    expect_no_violation(wall)
    wall.get_by_role("button", name="Take it back").click()
    wait_for(phone, f"{SAYS}.reader === '{shipped}'")
    expect(phone.locator(".answer .digit")).to_have_text("2")


def test_piles_are_sorted_moved_and_one_of_them_teaches(lesson):
    lesson.room.obey(Command(task=Task(kind="piles", digit=7)))
    for i in range(8):
        strokes = CROSSED if i % 2 else DRAWINGS[7]
        lesson.room.add(Sent(label=7, strokes=[[[x + i / 50, y] for x, y in s] for s in strokes]))
    phone, wall = lesson.phone(), lesson.wall()
    for count in (1, 2, 3):
        expect(phone.locator("#class .task")).to_have_text(f"Your usual 7: {count} of 3")
        send(phone, DRAWINGS[7])
        if count < 3:
            first(phone).click()
    expect(first(phone)).not_to_be_visible()
    for train in wall.locator("[data-source]").all():
        expect(train).to_be_disabled()
    wall.get_by_role("button", name="Show all").click()
    expect(wall.locator(".pile .of")).to_have_text(["4", "7"])
    wall.locator(".pile").nth(1).locator(".card").first.click()
    expect(wall.locator(".pile .of")).to_have_text(["5", "6"])
    wall.get_by_role("button", name="Train on this pile only").nth(1).click()
    taught = wall.locator('[data-source="without"]')
    expect(taught.first).to_have_text(ENGLISH["wall_trained"])
    expect(wall.locator(".pile .of")).to_have_text(["of 2 wrong", "of 3 wrong"])
    results = wall.locator(".results button b").all_inner_texts()
    assert [text.isdigit() for text in results] == [True, True, False, False] * 2
    assert results[5] == "0"  # those like what it learned from
    expect_no_violation(wall)


def test_what_the_teacher_saves_is_a_drawing_file(lesson, tmp_path):
    for _ in range(2):
        lesson.room.add(Sent(label=7, strokes=DRAWINGS[7]))
    lesson.room.obey(Command(show={1}))
    wall = lesson.wall()
    expect(wall.locator(".card")).to_have_count(2)
    with wall.expect_download() as saved:
        wall.get_by_role("button", name="Save drawings").click()
    saved.value.save_as(tmp_path / "class.jsonl")
    (drawing,) = read_drawings(tmp_path / "class.jsonl")  # those that were shown
    assert drawing.label == 7 and len(drawing.strokes) == 1


def test_a_lesson_goes_on_after_the_server_was_restarted(new_window):
    port, room = free_port(), Classroom()
    with serving(corrections=False, classroom=room, port=port) as address:
        lesson = Class(new_window, address, room)
        phone, wall = lesson.phone(), lesson.wall()
        send(phone, DRAWINGS[7])
        command = {"show": [1], "ask": [1]}
        httpx.post(f"{address}wall/{room.secret}", json=command)
        expect(phone.locator("#class .task")).to_have_text("Is this a 7?")
        first(phone).click()
        expect(phone.locator("#class .task")).to_have_text("Draw a 7")
        first(phone).click()
    second = Classroom()
    second.obey(Command(task=Task(kind="fool", digit=3)))
    with serving(corrections=False, classroom=second, port=port):
        expect(phone.locator("#class .task")).to_contain_text("Draw a 3")
        send(phone, DRAWINGS[3])
        assert [drawing.label for drawing in second.drawings] == [3]
        expect(wall.locator(".question")).to_have_text(ENGLISH["wall_lost"])
        httpx.post(f"{address}wall/{second.secret}", json=command)
        expect(phone.locator("#class .task")).to_have_text("Is this a 3?")  # with the same number


def test_a_class_works_at_the_machine_s_own_address(new_window):
    """Without https a page has neither clipboard nor random UUIDs."""
    port = free_port()
    address = sharing.network_address("0.0.0.0", port)
    if address is None:
        pytest.skip("this machine has no network")
    room = Classroom()
    with serving(
        corrections=False, classroom=room, port=port, host=address.split("/")[2].split(":")[0]
    ):
        phone = Class(new_window, address, room).phone()
        assert not phone.evaluate("isSecureContext")
        send(phone, DRAWINGS[7])
        command = {"show": [1], "ask": [1]}
        assert httpx.post(f"{address}wall/{room.secret}", json=command).status_code == 200
        expect(phone.locator("#class .task")).to_have_text("Is this a 7?")
        first(phone).click()
        wait_until(phone, lambda: list(room.drawings[0].votes.values()) == [True])


def test_a_chinese_class_reads_chinese(lesson):
    lesson.room.add(Sent(label=7, strokes=DRAWINGS[2]))
    phone, wall = lesson.phone(locale="zh-CN"), lesson.wall(locale="zh-CN")
    expect(phone.locator("#class .task")).to_have_text("写一个 7")
    for kind in ("draw", "fool", "piles", "teach"):
        wall.locator(f'nav [data-kind="{kind}"]').click()
        expect(wall.locator("h1")).to_have_text(
            CHINESE[f"wall_title_{kind}"].replace("{digit}", "7")
        )
        words = wall.locator("body").inner_text().replace("English", "").replace("MNIST", "")
        assert not [word for word in words if "a" <= word.lower() <= "z"], words


@pytest.mark.parametrize("count", [1, 30, 300])
def test_a_projector_shows_all_drawings_in_letters_that_can_be_read(lesson, count):
    for i in range(count):
        strokes = DRAWINGS[2 if i % 10 == 0 else 7]
        lesson.room.add(Sent(label=7, strokes=strokes))
    lesson.room.obey(Command(show=set(range(1, count + 1))))
    wall = lesson.wall()
    expect(wall.locator(".card")).to_have_count(count)
    sizes = "nodes => nodes.map((node) => parseFloat(getComputedStyle(node).fontSize))"
    read = "h1, .question, .join *, .counts *, .legend, .reads *, .badge:not(:empty), nav button"
    assert min(wall.locator(read).evaluate_all(sizes)) >= 36
    boxes = wall.locator(".card").evaluate_all(
        "cards => cards.map((card) => card.getBoundingClientRect()).map((b) => [b.right, b.bottom])"
    )
    edge = wall.locator("nav").bounding_box()["y"]
    assert max(right for right, _ in boxes) < 1920
    assert max(bottom for _, bottom in boxes) < edge


def test_more_misread_drawings_than_the_wall_has_room_for_scroll(lesson):
    for _ in range(200):
        lesson.room.add(Sent(label=7, strokes=DRAWINGS[2]))
    lesson.room.obey(Command(show=set(range(1, 201))))
    wall = lesson.wall()
    expect(wall.locator(".card.wrong")).to_have_count(200)
    box = wall.locator(".card").first.bounding_box()
    assert min(box["width"], box["height"]) > 60  # of two small ones each way


@pytest.mark.parametrize(
    "strokes",
    [[[[10 * i, 5 * i]] for i in range(100)], [[[1e6, 1e6], [-1e6, -1e6]]], [[[1, 1]]]],
    ids=["100 strokes", "off the paper", "a dot"],
)
def test_the_wall_looks_at_drawings_that_no_pen_draws(lesson, strokes):
    lesson.room.add(Sent(label=7, strokes=strokes))
    lesson.room.obey(Command(show={1}))
    wall = lesson.wall()
    wall.locator(".card").click()
    expect(wall.locator("dialog p")).to_have_text(ENGLISH["no_change"].replace("{digit}", "7"))


def test_a_wall_that_is_opened_again_shows_what_the_first_one_did(lesson):
    wall = lesson.wall()
    for strokes in (DRAWINGS[2], DRAWINGS[7], DRAWINGS[7]):
        lesson.room.add(Sent(label=7, strokes=strokes))
    lent = {"network": "0123abcd", "weights": [0.5] * 5010}
    address = f"{lesson.address}wall/{lesson.room.secret}"
    task = {"kind": "teach", "digit": 7}
    command = {"show": [1, 2], "remove": [3], "task": task, "lend": lent}
    assert httpx.post(address, json=command).status_code == 200
    for again in (wall, lesson.wall()):
        expect(again.locator("h1")).to_have_text("Teach it")
        expect(again.locator(".pile .card:not(.veiled)")).to_have_count(2)
        expect(again.locator(".take-back")).to_be_visible()


def test_the_worksheet_prints_on_one_sheet(new_window):
    page = new_window()
    page.goto((ROOT / "docs" / "worksheet.html").as_uri())
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(sheets) == 1
