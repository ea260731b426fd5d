"""The routes: what they read, what they refuse, and that no input at all breaks them."""

import contextlib
import json
import logging
import re
from types import SimpleNamespace

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_core import Prediction, Recognizer
from mnist_core.corrections.store import Corrections
from mnist_core.drawing.pictures import MAX_DATA_URL
from mnist_core.drawing.strokes import parse_strokes
from mnist_core.errors import UserError
from serving.metrics import JSONFormatter, Metrics
from serving.middleware import MAX_BODY
from serving.reloader import ModelReloader
from serving.routes import answer, api_functions
from tests.conftest import ROOT, site
from tests.drawings import DRAWINGS, data_url

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
NUMBERS = st.floats(-1e7, 1e7) | st.integers(-(10**7), 10**7)
STROKES = st.lists(st.lists(st.lists(NUMBERS, min_size=1, max_size=3), max_size=8), max_size=5)
EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def client():
    """The whole site in this process: middleware, routes and Gradio."""
    with site(ModelReloader(ROOT / "weights")) as client:
        yield client


def expect_words(response) -> None:
    """A refusal: HTTP 4xx and one plain sentence."""
    assert 400 <= response.status_code < 500, response.text
    sentence = response.json()["error"]
    assert sentence.endswith(".") and not sentence.endswith("..")
    assert "Traceback" not in sentence


def expect_answer_or_words(response) -> None:
    if response.status_code == 200:
        answer = response.json()
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)
        assert len(answer["pixels"]) == 784
    else:
        expect_words(response)


@EXAMPLES
@given(STROKES)
def test_any_numbers_are_read_or_refused(client, strokes):
    expect_answer_or_words(client.post("/recognize", json={"strokes": strokes}))


@EXAMPLES
@given(JSON_VALUES)
def test_any_json_is_read_or_refused(client, value):
    for paper in (value, {"strokes": value}, {"picture": value}):
        expect_answer_or_words(client.post("/recognize", content=json.dumps(paper)))


@EXAMPLES
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(client, content):
    response = client.post("/recognize", content=content)
    assert response.status_code in (400, 422)
    expect_words(response)


@EXAMPLES
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.data())
def test_damaged_pictures_are_read_or_refused(client, kind, data):
    url = data_url(Image.fromarray(np.arange(784, dtype=np.uint8).reshape(28, 28)), kind)
    place = data.draw(st.integers(22, len(url) - 2))
    letters = data.draw(st.text("ABCDEFGHabcdefgh0123456789+/", min_size=1, max_size=3))
    damaged = url[:place] + letters + url[place + len(letters) :]
    expect_answer_or_words(client.post("/recognize", json={"picture": damaged}))


ENDPOINTS = st.sampled_from(["call/predict", "call/v2/predict", "queue/join"])


@EXAMPLES
@given(JSON_VALUES, ENDPOINTS)
def test_gradios_own_routes_refuse_all_that_is_no_drawing(client, value, endpoint):
    """Whatever is in them: not one list with one drawing, or not by its one name."""
    for envelope in (value, {"data": value, "x": 1}, {"data": [value, value]}, {"other": [value]}):
        response = client.post(f"/gradio_api/{endpoint}", content=json.dumps(envelope))
        if response.status_code == 200:
            (drawing,) = envelope["data"]
            parse_strokes(drawing)
        else:
            expect_words(response)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fn_index", -1),
        ("fn_index", 10**30),
        ("fn_index", "0"),
        ("fn_index", True),
        ("fn_index", None),
        ("session_hash", "y" * 65),
        ("session_hash", "../x"),
        ("session_hash", "é"),
        ("session_hash", "a\n"),
        ("session_hash", 7),
        ("session_hash", None),
    ],
)
def test_gradios_queue_takes_one_of_two_functions_and_a_short_name(client, key, value):
    envelope = {"data": [DRAWINGS[7]], "fn_index": 0, "session_hash": "abc"}
    assert client.post("/gradio_api/queue/join", json=envelope).status_code == 200
    response = client.post("/gradio_api/queue/join", json={**envelope, key: value})
    assert response.status_code in (400, 422)
    expect_words(response)


@pytest.mark.parametrize(
    "address",
    ["/?page=x", "/config?page=x", "/?%64eep_link=x", "/static/" + "a" * 9000, "/static/img"],
)
def test_no_address_is_a_fault_of_ours(client, address):
    assert client.get(address).status_code in (200, 403, 404)


@pytest.mark.parametrize("endpoint", ["recognize", "corrections", "gradio_api/call/predict"])
def test_a_refusal_does_not_say_what_was_sent(tmp_path, endpoint):
    odd = [7654321, "7654321", [[7654321]], {"7654321": 1}, [[[7654321, 1e7]]], [[["7654321", 1]]]]
    with (
        contextlib.closing(Corrections(f"sqlite:///{tmp_path}/c.sqlite")) as store,
        site(ModelReloader(ROOT / "weights"), store) as client,
    ):
        for value in odd:
            content = {"strokes": value, "label": 7, "data": [value]}
            for paper in (content, {"strokes": DRAWINGS[7], "label": value}, {"picture": value}):
                response = client.post(f"/{endpoint}", json=paper, headers={"x-token": "a" * 32})
                assert response.status_code in (200, 422)
                assert response.status_code == 200 or "7654321" not in response.text


def test_an_answer_does_not_say_what_was_asked(client):
    for address in ("/logout?all_session=0echo0", "/gradio_api/queue/data?session_hash=0echo0/"):
        assert "0echo0" not in client.get(address, follow_redirects=False).text


@pytest.mark.parametrize(
    "path", ["queue/data?session_hash=nobody", "call/predict/nothing", "call/v2/predict/nothing"]
)
def test_an_event_or_session_that_never_was_is_refused_and_no_error(client, path):
    response = client.get(f"/gradio_api/{path}")
    expect_words(response)
    assert response.status_code == 404
    assert 'digit_errors_total{endpoint="/gradio_api' not in client.get("/metrics").text


def test_gradios_own_routes_take_the_envelope_that_they_refuse_others_for(client):
    """So that what is refused above is refused for its form."""
    taken = client.post("/gradio_api/call/predict", json={"data": [DRAWINGS[7]]})
    assert taken.status_code == 200
    taken = client.post("/gradio_api/call/v2/predict", json={"strokes": DRAWINGS[7]})
    assert taken.status_code == 200


@EXAMPLES
@given(st.dictionaries(st.sampled_from(["data", "component_id", "fn_name"]), JSON_VALUES))
def test_functions_of_components_are_shut(client, body):
    """Gradio has the route, so a 404 is the middleware's."""
    content = json.dumps(body)
    response = client.post("/gradio_api/component_server", content=content)
    assert response.status_code == 404
    assert response.json() == {"error": "There is nothing at this address."}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/recognize", "POST"),
        ("OPTIONS", "/recognize", "POST"),
        ("BREW", "/recognize", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PATCH", "/config", "GET"),  # Gradio's
        ("GET", "/gradio_api/mcp/", None),  # not asked for
        ("POST", "/gradio_api/mcp", None),
    ],
)
def test_unknown_methods_and_what_is_not_offered_are_told_in_the_one_form(
    client, method, path, allowed
):
    answer = client.request(method, path)
    assert answer.status_code == (405 if allowed else 404)
    assert list(answer.json()) == ["error"]
    assert ", ".join(sorted(answer.headers.get("allow", "").split(", "))) == (allowed or "")
    says = f"{method} is not answered" if allowed else "There is nothing"
    assert answer.json()["error"] == f"{says} at this address."


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 400, "not JSON"),
        (b"[" * 20_000, 400, "not JSON"),
        (b"[" * 100_000, 422, "At most 8000 points"),
        (b'{"strokes": ' + b"[" * 900 + b"]" * 900 + b"}", 422, "pairs of numbers"),
        (b'{"strokes": [[[NaN, 1]]]}', 400, "not JSON"),
        (b'{"strokes": [[[1e999, 1]]]}', 400, "not JSON"),
        (b'{"strokes": [[[1e7, 1]]]}', 422, "beyond"),
        (b'{"strokes": [[[true, 1]]]}', 422, "pairs of numbers"),
        (b'{"strokes": ' + json.dumps([[[0, 0]]] * 101).encode() + b"}", 422, "at most 100"),
        (b'{"strokes": ' + json.dumps([[[0, 0]] * 8001]).encode() + b"}", 422, "at most 8000"),
        (b'"' + b"a" * MAX_BODY + b'"', 413, "send less"),
    ],
)
def test_limits_are_said(client, content, status, says):
    response = client.post("/recognize", content=content)
    assert response.status_code == status, response.text
    assert says in response.json()["error"]
    expect_words(response)


def test_a_decompression_bomb_is_refused_unopened(client):
    bomb = data_url(Image.new("1", (20_000, 20_000)))  # 50 kB that would be 400 MB
    response = client.post("/recognize", json={"picture": bomb})
    assert response.status_code == 422
    assert "20000 x 20000" in response.json()["error"] or "too large" in response.json()["error"]


def test_the_largest_picture_that_is_read_passes_the_middleware(client):
    picture = Image.effect_noise((1000, 700), 100)
    url = data_url(picture)
    assert 0.5 * MAX_DATA_URL < len(url) < MAX_DATA_URL
    assert client.post("/recognize", json={"picture": url}).status_code == 200


def test_what_a_client_sends_is_no_template_and_no_html(client):
    attack = "${Object.assign(window, {x: 1})}<img src=x onerror=alert(1)>{{7*7}}"
    for paper in ({"strokes": [[[attack, 1]]]}, {"picture": attack}, {attack: attack}):
        response = client.post("/recognize", json=paper)
        assert response.headers["content-type"] == "application/json"
        assert attack not in response.text
        expect_words(response)


def test_health_is_a_real_answer_right_or_wrong(client, monkeypatch):
    assert client.get("/healthz").json() == {"status": "ok"}
    blank = np.zeros((28, 28), np.uint8)
    with monkeypatch.context() as patch:  # a 7 that is misread is answered all the same
        misread = Prediction(np.full(10, 0.1, np.float32), 3, blank, "sure")
        patch.setattr(Recognizer, "predict_pixels", lambda *_: misread)
        assert client.get("/healthz").status_code == 200
    for broken in (
        lambda *_: 1 / 0,
        lambda *_: Prediction(np.full(10, np.nan, np.float32), 7, blank, "sure"),
    ):
        monkeypatch.setattr(Recognizer, "predict_pixels", broken)
        response = client.get("/healthz")
        assert response.status_code == 503
        assert response.json() == {"error": "No drawing can be read here."}


def test_metrics_count(client):
    def counts() -> dict[str, float]:
        lines = [line for line in client.get("/metrics").text.splitlines() if line[0] != "#"]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    before = counts()
    client.post("/recognize", json={"strokes": DRAWINGS[7]})
    client.post("/recognize", json={"strokes": 7})
    client.get("/gradio_api/upload")
    after = counts()

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown('digit_predictions_total{endpoint="/recognize"}') == 1
    assert grown('digit_prediction_seconds_count{endpoint="/recognize"}') == 1
    assert grown('digit_prediction_seconds_bucket{endpoint="/recognize",le="+Inf"}') == 1
    assert grown('digit_refusals_total{endpoint="/recognize",status="422"}') == 1
    assert grown('digit_refusals_total{endpoint="other",status="404"}') == 1


def test_the_log_has_a_line_a_refusal_without_what_was_sent(client, caplog):
    secret = [[[12345.678, 98765.4321, 1]]]
    with caplog.at_level(logging.INFO):
        forwarded = {"x-forwarded-for": "192.0.2.7"}
        client.post("/recognize", json={"strokes": secret}, headers=forwarded)
    (record,) = [record for record in caplog.records if record.name == "serving"]
    line = JSONFormatter().format(record)
    entry = json.loads(line)
    assert {key: entry[key] for key in ("event", "endpoint", "status")} == {
        "event": "refused",
        "endpoint": "/recognize",
        "status": 422,
    }
    assert not re.search(r"12345|98765|192\.0\.2|testclient", line)


def test_a_broken_network_is_our_fault_and_said_to_be(client, monkeypatch, caplog):
    def broken(*_: object) -> None:
        return np.ones(10) + np.ones(11)  # a ValueError, as bad input raises

    monkeypatch.setattr(Recognizer, "predict_pixels", broken)
    response = client.post("/recognize", json={"strokes": DRAWINGS[7]})
    assert response.status_code == 500
    assert "broadcast" not in response.text
    assert "broadcast" in caplog.text  # with its traceback
    assert "in broken" in caplog.text
    assert 'digit_errors_total{endpoint="/recognize"} 1.0' in client.get("/metrics").text


def test_a_broken_network_is_our_fault_for_gradios_clients_too(recognizer, monkeypatch):
    monkeypatch.setattr(Recognizer, "predict_pixels", lambda *_: 1 / 0)
    metrics = Metrics()
    reloader = SimpleNamespace(current=recognizer)
    for function, value in zip(api_functions(reloader, metrics, RuntimeError), GOOD, strict=True):
        with pytest.raises(RuntimeError, match="Something went wrong here"):
            function(value)
    for endpoint in ("/predict", "/predict_image"):
        counted = metrics.registry.get_sample_value("digit_errors_total", {"endpoint": endpoint})
        assert counted == 1


GOOD = (DRAWINGS[7], data_url(Image.effect_noise((40, 40), 100)))


@pytest.mark.parametrize(
    ("paper", "says"),
    [
        (None, 'expected {"strokes"'),
        ([], 'expected {"strokes"'),
        ("7", 'expected {"strokes"'),
        ({}, 'expected {"strokes"'),
        ({"picture": None}, "expected a picture as a data URL"),
        ({"picture": "data:,x" * 200_000}, "at most 1048576 characters"),
        ({"picture": "/etc/passwd"}, "send a PNG"),
        ({"picture": "data:image/png;base64,AAAA"}, "send a PNG"),
        ({"picture": "data:image/png;base64,ÄÖ"}, "with base64 in it"),
        ({"picture": "data:image/png;base64,AAAAA"}, "with base64 in it"),
        ({"strokes": {}}, "a drawing is a list of strokes"),
        ({"strokes": [[["<img src=x onerror=alert(1)>", 2]]]}, "pairs of numbers"),
    ],
)
def test_what_is_no_drawing_is_refused_in_words(recognizer, paper, says):
    with pytest.raises(UserError, match=re.escape(says)):
        answer(recognizer, paper)


def test_a_drawing_of_a_number_is_answered_with_its_digits(recognizer):
    five = [[[x + 0.7, y] for x, y in stroke] for stroke in DRAWINGS[5]]
    found = answer(recognizer, {"strokes": DRAWINGS[4] + five})
    assert (found["number"], found["number_verdict"], found["doubtful"]) == ("45", "sure", None)
    assert [digit["digit"] for digit in found["digits"]] == [4, 5]
    assert [[piece[0] for piece in digit["pieces"]] for digit in found["digits"]] == [[0, 1], [2]]
    assert [max(digit["probabilities"]) > 0.9 for digit in found["digits"]] == [True, True]
    assert found["verdict"] != "sure"  # as a single digit
    assert json.loads(orjson.dumps(found))["number"] == "45"
    nothing = answer(recognizer, {"strokes": []})
    assert (nothing["number"], nothing["number_verdict"]) == ("", "empty")


def test_the_answer_does_not_depend_on_what_was_asked_before(recognizer):
    paper = {"strokes": DRAWINGS[4]}
    first = answer(recognizer, paper)
    answer(recognizer, {"strokes": DRAWINGS[7]})
    assert answer(recognizer, paper) == first
    assert answer(Recognizer.load(ROOT / "weights"), paper) == first  # another replica
