"""Every address that is served: what it answers, to whom, and that all others are shut."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from serving import access
from serving.access import OPEN, ROUTES
from serving.errors import CODES
from serving.limits import MAX_BODY
from serving.training import LiveTraining
from tests.conftest import ROOT, serving
from tests.drawings import DRAWINGS, data_url
from ui.texts import LANGUAGES

STROKES = {"strokes": DRAWINGS[7]}
PICTURE = {"picture": data_url(Image.effect_noise((40, 40), 100))}
TOKEN = {"x-token": "0123456789abcdef" * 2}
A_FILE_HERE = str(ROOT / "docs" / "page.png")  # of a picture: text must not open it
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
MCP = {"json": PING, "headers": {"accept": "application/json, text/event-stream"}}
ANN = ("ann", "chalk")
EVIL = "https://evil.example"
BOMB = {"picture": data_url(Image.new("1", (20_000, 20_000)))}  # 50 kB that would be 400 MB


def strokes(number: int, points: int = 1) -> dict:
    return {"strokes": [[[0, 0]] * points] * number}


# method, path, request, status, code of a refusal
CONTRACT = [
    ("GET", "/", {}, 200, None),
    ("HEAD", "/", {}, 200, None),
    ("GET", "/healthz", {}, 200, None),
    ("HEAD", "/healthz", {}, 200, None),
    ("POST", "/recognize", {"json": STROKES}, 200, None),
    ("POST", "/recognize", {"json": PICTURE}, 200, None),
    ("POST", "/recognize", {"content": b"{"}, 400, "not_json"),
    ("POST", "/recognize", {"content": b"[" * 100_000}, 400, "not_json"),
    ("POST", "/recognize", {"content": b'{"strokes": [[[NaN, 1]]]}'}, 400, "not_json"),
    ("POST", "/recognize", {"json": 7}, 422, "invalid_input"),
    ("POST", "/recognize", {"json": {"strokes": 7}}, 422, "invalid_strokes"),
    ("POST", "/recognize", {"json": {"strokes": A_FILE_HERE}}, 422, "invalid_strokes"),
    ("POST", "/recognize", {"json": strokes(101)}, 422, "too_many_strokes"),
    ("POST", "/recognize", {"json": strokes(1, 8001)}, 422, "too_many_points"),
    ("POST", "/recognize", {"json": {"picture": "data:,x"}}, 422, "invalid_picture"),
    ("POST", "/recognize", {"json": {"picture": "/etc/passwd"}}, 422, "invalid_picture"),
    ("POST", "/recognize", {"json": BOMB}, 422, "picture_too_large"),
    ("POST", "/recognize", {"content": b" " * (MAX_BODY + 1)}, 413, "too_large"),
    ("POST", "/recognize", {"content": iter([b"{}"])}, 411, "length_required"),
    ("POST", "/recognize", {"json": {"drawings": [STROKES] * 100}}, 200, None),
    ("POST", "/recognize", {"json": {"drawings": [STROKES] * 101}}, 422, "invalid_input"),
    ("POST", "/recognize", {"json": {"drawings": STROKES}}, 422, "invalid_input"),
    ("GET", "/recognize", {}, 405, "method_not_allowed"),
    ("OPTIONS", "/recognize", {}, 405, "method_not_allowed"),
    ("GET", "/network", {}, 200, None),
    ("GET", "/network/NAME.bin", {}, 200, None),
    ("GET", "/network/00000000.bin", {}, 404, "not_found"),
    ("GET", "/page-files/VERSION/images.gz", {}, 200, None),
    ("GET", "/page-files/VERSION/nothing.gz", {}, 404, "not_found"),
    ("GET", "/lesson.md", {}, 200, None),
    ("GET", "/lesson.zh.md", {}, 200, None),
    ("GET", "/api.md", {}, 200, None),
    ("GET", "/preview.png", {}, 200, None),
    ("GET", "/openapi.json", {}, 200, None),
    ("GET", "/metrics", {}, 200, None),
    ("GET", "/corrections", {"headers": TOKEN}, 200, None),
    ("POST", "/corrections", {"json": {"label": 7}, "headers": TOKEN}, 422, None),
    ("GET", "/training", {}, 200, None),
    ("POST", "/training", {"json": {}}, 422, None),
    ("POST", "/training/stop", {}, 409, "no_training"),
    ("GET", "/training/none.bin", {}, 404, "not_found"),
    ("POST", "/mcp", MCP, 200, None),
    ("POST", "/gradio_api/mcp", MCP, 200, None),
    ("POST", "/gradio_api/mcp/", MCP, 200, None),
    ("GET", "/mcp", {}, 405, "method_not_allowed"),  # no stream is held for whoever only waits
    ("GET", "/config", {}, 200, None),
    ("GET", "/gradio_api/info", {}, 200, None),
    ("POST", "/gradio_api/call/predict", {"json": {"data": [DRAWINGS[7]]}}, 200, None),
    ("POST", "/gradio_api/call/predict", {"json": {"data": []}}, 422, "invalid_input"),
    ("POST", "/gradio_api/call/predict", {"json": {"data": [7]}}, 422, "invalid_strokes"),
    ("POST", "/gradio_api/call/lambda", {"json": {"data": [7]}}, 404, "not_found"),
    ("POST", "/gradio_api/queue/join", {"json": {"data": [7]}}, 422, "invalid_input"),
    ("GET", "/gradio_api/queue/data", {}, 422, "invalid_input"),
    ("GET", "/gradio_api/startup-events", {}, 404, "not_found"),
    ("GET", "/nothing", {}, 404, "not_found"),
    ("GET", "/.git/config", {}, 404, "not_found"),
]


@contextlib.contextmanager
def whole_site(auth: list[tuple[str, str]] | None = None) -> Iterator[tuple]:
    """Everything that there is to serve, and a client of it."""
    live = LiveTraining([], Path("runs"))
    with (
        serving(auth=auth, live=live, mcp=True, show_page=True) as (page, address),
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        yield page, client


@pytest.fixture(scope="module")
def opened():
    with whole_site() as served:
        yield served


@pytest.fixture(scope="module")
def guarded():
    with whole_site([ANN]) as served:
        yield served


def ask(served: tuple, method: str, path: str, request: dict, **headers: str) -> httpx.Response:
    page, client = served
    path = path.replace("NAME", page.reloader.current.name)
    path = path.replace("VERSION", page.settings["version"])
    request = {**request, "headers": {**request.get("headers", {}), **headers}}
    if "content" in request and not isinstance(request["content"], bytes):
        request["content"] = iter([b"{}"])
    with client.stream(method, path, **request) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
        return answer


@pytest.mark.parametrize(("method", "path", "request_", "status", "code"), CONTRACT)
def test_each_address_answers_as_agreed(opened, method, path, request_, status, code):
    answer = ask(opened, method, path, request_)
    assert answer.status_code == status, answer.text
    assert answer.headers["page-version"] == opened[0].settings["version"]
    assert access.SECURITY_HEADERS.items() <= dict(answer.headers).items()
    if status >= 400:
        refusal = answer.json()
        assert code in (None, refusal["code"])
        assert CODES[refusal["code"]] == status
        assert re.fullmatch(r"[A-Z].*[^.]\.", refusal["error"])


def is_unknown(path: str) -> bool:
    return path in ("/nothing", "/.git/config") or path.endswith(("/lambda", "/startup-events"))


def test_without_signing_in_nothing_answers_but_what_is_open(guarded):
    free = {path for _, path, *kind in ROUTES if kind == [OPEN]}
    assert free == {"/healthz", "/login"}
    for method, path, request, status, _ in CONTRACT:
        answer = ask(guarded, method, path, request)
        if path in free or is_unknown(path) or status in (405, 411, 413):
            assert answer.status_code == status, (method, path)
        elif path == "/":
            assert answer.status_code == 200
            assert method == "HEAD" or 'type="password"' in answer.text
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "signed_out"), path


def gradio_routes(page) -> set[tuple[str, str]]:
    """Method and path of all that is served, Gradio's addresses among them, names filled in."""
    found, routes = set(), list(page.routes)
    while routes:
        route = routes.pop()
        if included := getattr(route, "original_router", None):  # newer versions of FastAPI
            routes += included.routes
        else:
            path = re.sub(r"\{[^}]+\}", "x", route.path)
            found |= {(method, path) for method in getattr(route, "methods", None) or ["GET"]}
    return found


def test_gradios_addresses_are_listed_or_shut(opened, guarded):
    found = gradio_routes(opened[0])
    assert len({path for _, path in found if path.startswith("/gradio_api")}) > 40
    listed = re.compile("|".join(re.sub(r"\{\w+\}", "[^/]+", path) for _, path, *_ in ROUTES))
    shut = [(m, p) for m, p in found if not listed.fullmatch(p)]
    assert len(shut) > 50
    for method, path in shut:
        for site in (opened, guarded):
            answer = ask(site, method, path, {})
            assert answer.status_code == 404, (method, path)
            assert method == "HEAD" or answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    ["/network/..%2f..%2fetc%2fpasswd.bin", "/gradio_api/file=/etc/passwd", "/%2e%2e/app.py"],
)
def test_paths_lead_out_of_nothing(opened, path):
    host = opened[1].base_url.host, opened[1].base_url.port
    with socket.create_connection(host, timeout=30) as sent:  # as httpx would tidy it
        sent.sendall(f"GET {path} HTTP/1.1\r\nhost: page\r\nconnection: close\r\n\r\n".encode())
        assert b" 404 " in sent.recv(15) + b" "


FOREIGN = [
    {"origin": EVIL},
    {"origin": "http://127.0.0.1", "sec-fetch-site": "same-site"},  # another port
    {"origin": EVIL, "x-forwarded-host": "evil.example"},
    {"origin": "null"},
    {"origin": "http://["},
    {"sec-fetch-site": "cross-site"},
    {"origin": "https://huggingface.co"},  # only on Spaces
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_other_sites_change_nothing_and_read_nothing(opened, headers):
    for methods, path, *_ in ROUTES:
        if path in ("/login", "/logout"):
            continue
        for method in methods.split():
            answer = ask(opened, method, path, {}, **headers)
            if path.startswith("/training") and "x-forwarded-host" in headers:
                assert answer.status_code == 404
            elif method in ("POST", "DELETE"):
                assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
            assert not [name for name in answer.headers if name.startswith("access-control-")]
    asks = {"access-control-request-method": "POST"}
    for path in ("/recognize", "/gradio_api/upload", "/nothing", "/"):
        for method in ("GET", "OPTIONS"):
            answer = ask(opened, method, path, {}, **headers, **asks)
            assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "headers",
    [
        {},  # curl, gradio_client
        {"origin": "http://page:8080", "host": "page:8080"},
        {"origin": "https://page", "host": "page"},  # TLS ends at a proxy
        {"origin": "http://[::1]:7860", "host": "[::1]:7860"},
        {"origin": "https://page.example", "sec-fetch-site": "same-origin"},  # Host is not told
        {"sec-fetch-site": "none"},
    ],
)
def test_the_page_itself_and_programs_may_ask(opened, headers):
    assert ask(opened, "POST", "/recognize", {"json": STROKES}, **headers).json()["digit"] == 7


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {"x-gradio-server": EVIL},
        {"host": 'evil.example"><script>'},
    ],
)
def test_no_header_steers_an_address_in_an_answer(opened, headers):
    for method, path, request, *_ in CONTRACT:
        answer = ask(opened, method, path, request, **headers)
        assert "evil" not in answer.text + str(answer.headers.multi_items()), (method, path)
        assert answer.status_code < 500


def test_training_is_for_this_machines_own_browser(opened):
    for headers in ({"host": "page.example"}, {"x-forwarded-for": "192.0.2.7"}, {"via": "1.1 x"}):
        assert ask(opened, "GET", "/training", {}, **headers).status_code == 404


@pytest.mark.parametrize("path", ["/recognize", "/corrections", "/gradio_api/call/predict"])
@pytest.mark.parametrize("value", [7654321, "7654321", {"7654321": 1}, [[["7654321", 1]]]])
def test_what_is_sent_is_in_no_answer(opened, path, value):
    for content in ({"strokes": value, "data": [value]}, {"picture": value}, value):
        answer = ask(opened, "POST", path, {"content": json.dumps(content)}, **TOKEN)
        assert answer.status_code >= 400
        assert "7654321" not in answer.text
        assert answer.headers["content-type"] == "application/json"


def test_every_code_has_a_text_in_both_languages():
    for texts in LANGUAGES.values():
        assert {f"refused_{code}" for code in CODES} <= texts.keys()
