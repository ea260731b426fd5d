"""A class's server: drawings come and go, votes count once, and the wall's address is a secret."""

import asyncio
import json
import math

import httpx
import orjson
import pytest

from serving.classroom import Classroom, Command, Sent, Task, Vote
from serving.limits import MAX_CLASS_DRAWING, MAX_CLASS_DRAWINGS, MAX_CLASS_VOTES
from serving.reloader import ModelReloader
from tests.conftest import ROOT, app_main, call, run_async, serving, site
from tests.drawings import DRAWINGS

SEVEN = {"label": 7, "strokes": DRAWINGS[7]}
PHONE = "0123456789abcdef" * 2
LAST_LAYER = 10 * (500 + 1)  # weights and biases of the shipped network


@pytest.fixture
def room():
    return Classroom()


@pytest.fixture
def pupil(room):
    """A client of the page of `room`."""
    with site(ModelReloader(ROOT / "weights"), classroom=room) as client:
        yield client


@pytest.fixture
def order(pupil, room):
    """Sends a command of the teacher; gives the status."""
    return lambda **command: pupil.post(f"/wall/{room.secret}", json=command).status_code


def on_wall(room: Classroom) -> list[dict]:
    return room.for_wall(-1)["changed"]


def test_a_drawing_comes_hidden_is_shown_hidden_again_and_removed(pupil, room, order):
    assert pupil.post("/class", json=SEVEN).status_code == 200
    (drawing,) = on_wall(room)
    assert (drawing["label"], drawing["task"], drawing["shown"]) == (7, "draw", False)
    assert drawing["strokes"] == DRAWINGS[7]
    assert order(show=[1]) == 200 and on_wall(room)[0]["shown"]
    assert order(hide=[1]) == 200 and not on_wall(room)[0]["shown"]
    before = room.version
    assert order(remove=[1]) == 200
    assert not room.drawings and room.for_wall(before)["ids"] == []  # the wall is told


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"label": 7, "strokes": [[]]}, 422, "invalid_strokes"),
        ({"label": 7, "strokes": [[["<b>", 1]]]}, 422, "invalid_strokes"),
        ({"label": 10, "strokes": DRAWINGS[7]}, 422, "invalid_input"),
        ({"label": True, "strokes": DRAWINGS[7]}, 422, "invalid_input"),
        ({"label": 7, "strokes": [[[0, 0]] * 4000]}, 413, "too_large"),
        ([SEVEN], 422, "invalid_input"),
    ],
)
def test_hostile_drawings_are_refused(pupil, room, sent, status, code):
    assert len(json.dumps({"label": 7, "strokes": [[[0, 0]] * 4000]})) > MAX_CLASS_DRAWING
    answer = pupil.post("/class", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not room.drawings


def test_of_1001_drawings_the_first_is_gone(room):
    for _ in range(MAX_CLASS_DRAWINGS):
        room.add(Sent(**SEVEN))
    before = room.version
    room.add(Sent(**SEVEN))
    news = room.for_wall(before)
    assert [drawing["id"] for drawing in news["changed"]] == [1001]
    assert news["ids"] == list(range(2, 1002))


def test_the_class_is_asked_about_shown_drawings_alone_and_a_phone_votes_once(pupil, room, order):
    for _ in range(2):
        pupil.post("/class", json=SEVEN)
    vote = {"id": 1, "phone": PHONE, "yes": True}
    assert pupil.post("/class/vote", json=vote).status_code == 404  # nobody is asked
    order(show=[1], ask=[1, 2])
    asked = room.for_pupils(-1)["asked"]
    assert asked == [{"id": 1, **SEVEN}]
    for yes in (True, True, False):
        assert pupil.post("/class/vote", json={**vote, "yes": yes}).status_code == 200
    assert (on_wall(room)[0]["votes"], on_wall(room)[0]["yes"]) == (1, 0)
    assert pupil.post("/class/vote", json={**vote, "phone": "Ann"}).status_code == 422
    assert pupil.post("/class/vote", json={**vote, "id": 2}).status_code == 404
    order(hide=[1])
    assert not room.for_pupils(-1)["asked"]
    order(show=[1], ask=[1])
    order(task={"kind": "teach", "digit": 7})
    assert not room.for_pupils(-1)["asked"]  # another task asks nothing
    assert pupil.post("/class/vote", json=vote).status_code == 404


def test_votes_are_bounded(room):
    room.add(Sent(**SEVEN))
    room.obey(Command(show={1}, ask={1}))
    for i in range(MAX_CLASS_VOTES):
        room.vote(Vote(id=1, phone=f"{i:032x}", yes=True))
    with pytest.raises(Exception, match="not asked"):
        room.vote(Vote(id=1, phone=PHONE, yes=True))
    room.vote(Vote(id=1, phone=f"{0:032x}", yes=False))


def test_a_network_is_lent_if_it_fits_and_taken_back(pupil, room, order):
    lent = {"network": "0123abcd", "weights": [0.5] * LAST_LAYER}
    assert order(lend=lent) == 200
    assert room.for_pupils(-1)["lent"] == lent
    assert "lent" not in room.for_pupils(room.version)  # phones have it
    assert order(task={"kind": "teach", "digit": None}) == 200
    assert room.lent  # another command takes nothing back
    for wrong in (lent["weights"][1:], [1e6] * LAST_LAYER, [None] * LAST_LAYER, ["1"]):
        assert order(lend={**lent, "weights": wrong}) == 422
    path = f"/wall/{room.secret}"
    body = json.dumps({"lend": {**lent, "weights": [math.nan] * LAST_LAYER}})
    assert pupil.post(path, content=body).status_code == 400
    assert order(lend=None) == 200
    assert room.for_pupils(-1)["lent"] is None


def test_a_wrong_secret_finds_what_any_other_address_finds(pupil, room):
    nothing = pupil.get("/nothing")
    for guess in ("x", room.secret[:-1], room.secret + "x", "é"):
        for method, path in (("GET", ""), ("GET", "/stream"), ("POST", "")):
            answer = pupil.request(method, f"/wall/{guess}{path}", json={})
            assert (answer.status_code, answer.json()) == (404, nothing.json())
    assert pupil.get(f"/wall/{room.secret}").status_code == 200
    assert len(room.secret) >= 22  # 128 bits in base64


def test_pupils_never_get_the_secret(pupil, room, order):
    pupil.post("/class", json=SEVEN)
    order(show=[1], ask=[1])
    seen = [pupil.get("/").text, pupil.get("/openapi.json").text, pupil.get("/metrics").text]
    seen += [str(room.for_pupils(-1)), str(pupil.get("/").headers)]
    assert not [text for text in seen if room.secret in text]
    assert "/class/vote" in seen[1] and "/wall" not in seen[1]


def test_without_a_class_there_is_none(client):
    assert client.post("/class", json=SEVEN).status_code == 404
    assert client.get("/class/stream").status_code == 404
    assert client.get("/wall/x").status_code == 404
    assert '"class": null' in client.get("/").text


def test_pupils_hear_what_concerns_them_and_nothing_else(room):
    async def listen() -> list[dict]:
        events = room.events(room.for_pupils)
        assert await anext(events) == b"retry: 1000\n\n"
        first = await anext(events)
        room.obey(Command())
        await anext(events)  # without what is lent, as it is known
        waiting = asyncio.create_task(anext(events))
        for _ in range(3):
            await asyncio.sleep(0.02)
            room.add(Sent(**SEVEN))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        room.obey(Command(task=Task(kind="fool", digit=3)))
        changed = await waiting
        room.close()
        assert [event async for event in events] == []
        return [orjson.loads(each.removeprefix(b"data: ")) for each in (first, changed)]

    first, changed = run_async(listen())
    assert first == {"task": {"kind": "draw", "digit": 7}, "asked": [], "lent": None}
    assert changed == {"task": {"kind": "fool", "digit": 3}, "asked": []}


def test_a_quiet_stream_says_something_now_and_then(room, monkeypatch):
    monkeypatch.setattr("serving.classroom.HEARTBEAT", 0.01)

    async def listen() -> list[bytes]:
        events = room.events(room.for_pupils)
        return [await anext(events) for _ in range(4)]

    assert (
        run_async(listen())[2:] == [b'data: {"task":{"kind":"draw","digit":7},"asked":[]}\n\n'] * 2
    )


def test_whoever_takes_all_streams_keeps_no_wall_out_and_gives_them_back(monkeypatch):
    monkeypatch.setattr("serving.limits.MAX_STREAMS_PER_CLIENT", 1)
    room = Classroom()
    with serving(corrections=False, classroom=room) as address:
        pupils, wall = f"{address}class/stream", f"{address}wall/{room.secret}/stream"
        with httpx.stream("GET", pupils) as held:
            for stream, status in ((pupils, 503), (wall, 200)):
                with httpx.stream("GET", stream) as answer:
                    assert (held.status_code, answer.status_code) == (200, status)
        left = 503
        while left == 503:  # until it is known that the first has gone
            with httpx.stream("GET", pupils) as answer:
                left = answer.status_code


def test_the_addresses_are_printed_in_the_own_network_and_nothing_is_kept(capsys):
    with app_main("--class") as local:
        said = capsys.readouterr().out
        wall = said.split()[-1]
        assert "teacher alone" in said
        assert httpx.get(f"{local}corrections").status_code == 404
        page = httpx.get(wall).text  # by this machine's own address, if it has a network
        address, _, secret = wall.partition("wall/")
        assert f'"address": "{address}"' in page and len(secret) >= 22
        assert "data:image/svg+xml" in page
        assert httpx.post(f"{address}class", json=SEVEN).status_code == 200


def test_through_the_tunnel_pupils_get_the_public_address(monkeypatch, capsys):
    # A tunnel that comes at once, as nothing here may ask another host for one.
    link = "https://0123456789abcdef.gradio.live"
    monkeypatch.setattr("gradio.networking.setup_tunnel", lambda *_, **__: link)
    with app_main("--class", "--share") as local:
        wall = capsys.readouterr().out.split()[-1]
        address, _, secret = wall.partition("wall/")
        assert address == f"{link}/"
        assert f'"address": "{link}/"' in httpx.get(f"{local}wall/{secret}").text


def test_ray_has_no_class():
    done = call(ROOT / "scripts" / "serve_ray.py", "--class")
    assert done.returncode == 2
    assert "--class needs python app.py" in done.stderr
