"""The OpenAPI description is of our own routes, and docs/api.md says all of it.

schemathesis sends what the description allows; hypothesis sends strokes.
"""

import json
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from serving.access import ROUTES
from serving.errors import CODES
from serving.models import DigitOfNumber, Recognition, Refused
from serving.reloader import ModelReloader
from tests.conftest import ROOT, site

CHECKS = (not_a_server_error, response_schema_conformance, status_code_conformance)
API = (ROOT / "docs" / "api.md").read_text("utf-8")
NUMBERS = st.floats(-1e7, 1e7) | st.integers(-(10**7), 10**7)
STROKES = st.lists(st.lists(st.lists(NUMBERS, min_size=1, max_size=3), max_size=8), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
MANY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def client():
    with site(ModelReloader(ROOT / "weights")) as client:
        yield client


@pytest.fixture(scope="module")
def described(client):
    return client.get("/openapi.json").json()


def test_whatever_is_sent_is_answered_as_described(client):
    for found in schemathesis.openapi.from_asgi("/openapi.json", client.app).get_all_operations():

        @settings(MANY, max_examples=30)
        @given(found.ok().as_strategy())
        def send(case):
            answer = case.call(headers={"host": "localhost"})
            case.validate_response(answer, checks=CHECKS)

        send()


@MANY
@given(STROKES | JSON)
def test_any_strokes_are_read_or_refused(client, strokes):
    answer = client.post("/recognize", content=json.dumps({"strokes": strokes}))
    if answer.status_code == 200:
        found = Recognition.model_validate(answer.json())
        assert sum(found.probabilities) == pytest.approx(1, abs=1e-4)
    else:
        assert CODES[Refused.model_validate(answer.json()).code] == answer.status_code < 500


def test_only_our_own_routes_are_described(described):
    paths = set(described["paths"])
    assert {"/recognize", "/network", "/network/{name}.bin", "/healthz", "/metrics"} <= paths
    assert paths <= {path for _, path, *_ in ROUTES}
    assert not [path for path in paths if path.startswith("/gradio_api")]


def test_docs_api_has_every_field_verdict_code_and_address(described):
    said = set(re.findall(r"`([^`]+)`", re.sub(r"(?s)```.*?```", "", API)))
    fields = {name for model in (Recognition, DigitOfNumber) for name in model.model_fields}
    verdicts = described["components"]["schemas"]["Recognition"]["properties"]["verdict"]["enum"]
    assert fields | set(verdicts) | CODES.keys() <= said
    for path in described["paths"]:
        assert path in API, path
