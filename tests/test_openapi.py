"""The OpenAPI description is of our own routes, docs/api.md says all of it, and it holds."""

import re

import pytest

from serving.access import ROUTES
from serving.errors import CODES
from serving.models import DigitOfNumber, Recognition
from serving.reloader import ModelReloader
from tests.conftest import ROOT, site
from tests.drawings import DRAWINGS

API = (ROOT / "docs" / "api.md").read_text("utf-8")


@pytest.fixture(scope="module")
def client():
    with site(ModelReloader(ROOT / "weights")) as client:
        yield client


@pytest.fixture(scope="module")
def described(client):
    return client.get("/openapi.json").json()


def test_drawings_are_read_in_their_order(client):
    drawings = [{"label": digit, "strokes": DRAWINGS[digit]} for digit in (4, 7, 1)]
    answers = client.post("/recognize", json={"drawings": drawings}).json()
    alone = [client.post("/recognize", json=drawing).json() for drawing in drawings]
    assert answers == alone
    assert [Recognition.model_validate(one).digit for one in answers] == [4, 7, 1]


@pytest.mark.parametrize(
    ("bad", "code", "says"),
    [
        ({"strokes": [[[0]]]}, "invalid_strokes", "Drawing 2: "),
        ({"strokes": [[[0, 0]]] * 101}, "too_many_strokes", "Drawing 2: "),
        (7, "invalid_input", 'Drawing 2: expected {"strokes": ...}'),
        ({"picture": "data:,x"}, "invalid_input", 'Drawing 2: expected {"strokes": ...}'),
    ],
)
def test_a_bad_drawing_among_many_is_named_by_its_place(client, bad, code, says):
    good = {"strokes": DRAWINGS[7]}
    answer = client.post("/recognize", json={"drawings": [good, bad, good]})
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json()["error"].startswith(says)


def test_only_our_own_routes_are_described(described):
    paths = set(described["paths"])
    assert {"/recognize", "/network", "/network/{name}.bin", "/healthz", "/metrics"} <= paths
    assert paths <= {path for _, path, *_ in ROUTES}


def test_docs_api_has_every_field_verdict_code_and_address(described):
    said = set(re.findall(r"`([^`]+)`", re.sub(r"(?s)```.*?```", "", API)))
    fields = {name for model in (Recognition, DigitOfNumber) for name in model.model_fields}
    verdicts = described["components"]["schemas"]["Recognition"]["properties"]["verdict"]["enum"]
    assert fields | set(verdicts) | CODES.keys() <= said
    for path in described["paths"]:
        assert path in API, path
